import assert from "node:assert/strict";
import test from "node:test";
import { BEN, CLUB, rig } from "./support/model_rig.mjs";
import { settle } from "./support/fake_parley.mjs";
import { LIMITS as PEOPLE } from "../../services/web/app/model/people.js";
import { LIMITS as MEMBERS } from "../../services/web/app/model/members.js";

const friend = (user, more) => ({ user, name: user.toUpperCase(), remark: "", online: false, ...more });
const member = (user, role, more) => ({ user, name: user, nick: "", role, online: false, muted_until: 0, ...more });

/** A club that belongs to Anna, with Ben and Cora in it. */
function club(log) {
  log.groups.set("club", {
    name: "The Club",
    members: [member("anna", "owner"), member("ben", "member", { nick: "Captain" }), member("cora", "administrator", { muted_until: 5 })],
    requests: [{ user: "dora", name: "Dora" }],
  });
}

test("a person is there at once, and gets a name when the server has sent it", async () => {
  const { model, parley } = await rig({ prepare: (log) => log.people.set("zoe", { name: "Zoe Z.", remark: "Z" }) });
  const heard = [];
  model.addEventListener("person", (event) => heard.push(event.detail.user));
  assert.equal(model.people.get("zoe").title, "zoe");
  model.people.get("zoe");
  await settle();
  assert.equal(model.people.get("zoe").title, "Z");
  assert.deepEqual(heard, ["zoe"]);
  const asked = parley.calls.filter(([name, whose]) => name === "profile" && whose.user === "zoe");
  assert.equal(asked.length, 1);
});

test("few people are asked for at once, and without a connection none", async () => {
  const { model, parley } = await rig();
  parley.hold = true;
  for (let i = 0; i < 20; i++) model.people.get(`p${i}`);
  await settle();
  assert.equal(parley.held.length, PEOPLE.asking);
  parley.disconnect();
  await settle();
  assert.equal(parley.held.length, 0);
  parley.hold = false;
  parley.connect();
  await settle();
  for (let i = 0; i < 20; i++) assert.ok(model.people.get(`p${i}`).known, `p${i}`);
});

test("known people are bounded; friends stay", async () => {
  const { model } = await rig({ prepare: (log) => (log.friends = [friend("ben")]) });
  for (let i = 0; i < PEOPLE.people + 500; i++) model.people.learn(`p${i}`, { name: "x" });
  assert.equal(model.people.size, PEOPLE.people);
  assert.ok(model.people.get("ben").friend);
});

test("a profile that has changed is asked for again, the account's own too", async () => {
  const { model, log, notice } = await rig({ prepare: (log) => log.people.set("ben", { name: "Ben" }) });
  model.people.get("ben");
  await settle();
  log.people.set("ben", { name: "Benjamin" });
  log.people.set("anna", { name: "Anna A.", about: "fishing" });
  notice({ user: "anna" }, { kind: "changed", of: { user: "ben" } });
  notice({ user: "anna" }, { kind: "changed", of: { user: "anna" } });
  await settle();
  assert.equal(model.people.get("ben").title, "Benjamin");
  assert.deepEqual(model.me, { user: "anna", name: "Anna A.", about: "fishing", avatar: "" });
});

test("friends, requests and blocks follow the notices", async () => {
  const { model, log, notice } = await rig({
    prepare: (log) => {
      log.friends = [friend("ben", { remark: "Benny", online: true })];
      log.requests = [{ user: "dora", name: "Dora", mine: false }, { user: "emil", name: "Emil", mine: true }];
    },
  });
  assert.deepEqual(model.friends.map((each) => each.user), ["ben"]);
  assert.deepEqual(model.requests, { in: [{ user: "dora", name: "Dora" }], out: [{ user: "emil", name: "Emil" }], joins: [] });
  const ben = model.people.get("ben");
  assert.deepEqual([ben.title, ben.online, ben.friend], ["Benny", true, true]);

  log.friends = [friend("emil")];
  log.requests = [];
  notice({ user: "anna" }, { kind: "friend_answer", by: "emil", user: "anna", ok: true });
  notice({ user: "anna" }, { kind: "friend_removed", by: "ben", user: "anna" });
  await settle();
  assert.deepEqual(model.friends.map((each) => each.user), ["emil"]);
  assert.deepEqual([ben.title, ben.friend, ben.online], ["BEN", false, false]);
  assert.deepEqual(model.requests.in, []);

  log.blocked = [{ user: "ben", name: "Ben" }];
  notice({ user: "anna" }, { kind: "blocked", by: "anna", user: "ben", on: true });
  assert.ok(model.people.get("ben").blocked);
  assert.deepEqual(model.blocked.map((each) => each.user), ["ben"]);
  await settle();
  log.blocked = [];
  notice({ user: "anna" }, { kind: "blocked", by: "anna", user: "ben", on: false });
  assert.ok(!model.people.get("ben").blocked);
});

test("presence reaches people, members and conversations", async () => {
  const { model, parley } = await rig({ prepare: (log) => { club(log); log.text(BEN, "ben", "hi"); } });
  await model.open(CLUB);
  await settle();
  parley.emit("presence", { user: "ben", online: true });
  assert.ok(model.conversation(BEN).online);
  parley.emit("presence", { user: "cora", group: "club", online: true });
  assert.ok((await model.members("club")).find((each) => each.id === "cora").online);
});

test("after a break only people whom the server reports as online count as there", async () => {
  const { model, parley } = await rig({ prepare: (log) => (log.friends = [friend("ben", { online: true })]) });
  parley.emit("presence", { user: "cora", group: "club", online: true });
  assert.deepEqual([model.people.get("ben").online, model.people.get("cora").online], [true, true]);
  parley.disconnect();
  parley.connect();
  await settle();
  assert.deepEqual([model.people.get("ben").online, model.people.get("cora").online], [true, false]);
});

test("members, roles, mutes and nicks are kept up to date by notices", async () => {
  const { model, log, hear, notice, clock } = await rig({ prepare: club });
  const conversation = await model.open(CLUB);
  await settle();
  assert.equal(conversation.title, "The Club");
  assert.equal(model.role("club"), "owner");
  assert.equal(conversation.count, 3);
  hear(CLUB, "ben", "ahoy");
  assert.equal(conversation.items.at(-1).name, "Captain");

  notice(CLUB, { kind: "changed", by: "ben", user: "ben", group: "club", of: { member: { group: "club", user: "ben" } }, nick: "Admiral" });
  assert.equal(conversation.items.at(-1).name, "Admiral");
  notice(CLUB, { kind: "join_answer", by: "dora", user: "dora", group: "club", ok: true });
  notice(CLUB, { kind: "left", by: "cora", user: "cora", group: "club" });
  notice(CLUB, { kind: "member_muted", by: "ben", user: "dora", group: "club", until_ms: 77 });
  const members = await model.members("club");
  assert.deepEqual(members.map((each) => [each.id, each.role, each.muted_until]), [["anna", "owner", 0], ["ben", "member", 0], ["dora", "member", 77]]);
  notice({ user: "anna" }, { kind: "admin_removed", by: "ben", user: "anna", group: "club" });
  assert.equal(model.role("club"), "member");
  notice(CLUB, { kind: "member_muted", by: "ben", user: "anna", group: "club", until_ms: clock.now() + 1000 });
  assert.equal(conversation.muted_ms, clock.now() + 1000);

  log.groups.get("club").name = "The Old Club";
  notice(CLUB, { kind: "changed", by: "ben", group: "club", of: { group: "club" } });
  await settle();
  assert.equal(conversation.title, "The Old Club");
  assert.equal(conversation.items.at(-1).kind, "changed");
});

test("requests to join are known from the start, and go once they are answered", async () => {
  const { model, notice } = await rig({
    prepare: (log) => {
      club(log);
      log.store({ user: "anna" }, { kind: "join_request", by: "dora", group: "club" });
    },
  });
  assert.deepEqual(model.requests.joins, [{ group: "club", user: "dora" }]);
  notice({ user: "anna" }, { kind: "join_request", by: "emil", group: "club" });
  notice(CLUB, { kind: "join_answer", by: "dora", user: "dora", group: "club", ok: true });
  assert.deepEqual(model.requests.joins, [{ group: "club", user: "emil" }]);
});

test("leaving, being removed and coming back show whether one is a member", async () => {
  const { model, notice } = await rig({ prepare: club });
  const conversation = await model.open(CLUB);
  await settle();
  assert.ok(conversation.member);
  notice(CLUB, { kind: "removed", by: "ben", user: "anna", group: "club" });
  assert.ok(!conversation.member);
  notice(CLUB, { kind: "join_answer", by: "anna", user: "anna", group: "club", ok: true });
  assert.ok(conversation.member);
  notice(CLUB, { kind: "dissolved", group: "club" });
  assert.ok(!conversation.member);
  assert.deepEqual(conversation.items.map((item) => item.kind), ["removed", "join_answer", "dissolved"]);
});

test("members of few groups are kept", async () => {
  const { model, parley } = await rig();
  for (let i = 0; i < 2 * MEMBERS.groups; i++) await model.members(`g${i}`);
  assert.equal(model.groups.groups.length, MEMBERS.groups);
  const asked = parley.calls.length;
  await model.members(`g${2 * MEMBERS.groups - 1}`);
  assert.equal(parley.calls.length, asked);
});
