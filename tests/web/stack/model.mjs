/** The page's model on parley.js against a server: PARLEY_URL is its WebSocket. Run by test_model.py. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Model } from "../../../services/web/app/model.js";
import { Parley } from "../../../services/web/parley.js";
import { TestStorage } from "../support/fake_parley.mjs";
import { WebSocket } from "../support/websocket.mjs";

const url = process.env.PARLEY_URL;
const DEADLINE_MS = 60_000;
const EVENTS = ["conversations", "items", "person", "requests", "members", "typing", "state"];
const HISTORY = 5000;
const open = [];

/** A page of an account: its client, its model, and `until(condition)`, which waits for one. */
async function enter(user, storage = new TestStorage()) {
  const parley = new Parley({ url, WebSocket, device: "a test" });
  const model = new Model(parley, { storage });
  open.push(parley);
  await parley.signIn({ user });
  await model.start();
  const until = (what, condition) =>
    new Promise((resolve, reject) => {
      const stop = () => EVENTS.forEach((name) => model.removeEventListener(name, check));
      const check = () => {
        if (!condition()) return;
        stop();
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        stop();
        const { current } = model;
        reject(new Error(`not ${what}: ${JSON.stringify(current?.items.slice(-5).map(({ msg, kind, state, cid }) => [kind, msg, state, cid]))}`));
      }, DEADLINE_MS);
      for (const name of EVENTS) model.addEventListener(name, check);
      check();
    });
  return { parley, model, until };
}

const unique = (name) => `${name}-${randomBytes(4).toString("hex")}`;
const words = (conversation) => conversation.items.map((item) => (item.kind === "text" ? item.msg : item.kind));

async function befriend(one, other) {
  await one.parley.askFriend(other.parley.user);
  await other.until("asked", () => other.model.requests.in.length > 0);
  await other.parley.answerFriend(one.parley.user, true);
  await other.model.refreshFriends();
  await one.until("friends", () => one.model.friends.length > 0);
}

/** Writes so many texts through one plain connection, the server's pace allowing. */
async function write(from, to, count) {
  const socket = new WebSocket(url);
  const message = () => new Promise((resolve) => socket.once("message", (data) => resolve(JSON.parse(data))));
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(JSON.stringify({ msgType: 1, msgBody: { loginUserId: from, ext: 1 } }));
  const { token } = await message();
  for (let i = 1; i <= count; i++) {
    const ref = i === count ? { ref: "last" } : {};
    socket.send(JSON.stringify({ msgType: 5, ...ref, msgBody: { token, toUserId: to, fromUserId: from, msg: `text ${i}` } }));
  }
  await new Promise((resolve, reject) =>
    socket.on("message", (data) => {
      const { ref, ok, msgType, msg } = JSON.parse(data);
      if (msgType === 101) reject(new Error(msg));
      if (ref === "last") ok ? resolve() : reject(new Error(String(data)));
    })
  );
  socket.close();
}

test.afterEach(() => {
  for (const parley of open.splice(0)) parley.close();
});

test("two people talk, on three devices", async () => {
  const [name, other] = [unique("anna"), unique("ben")];
  const anna = await enter(name);
  const ben = await enter(other);
  const tablet = await enter(name);
  await befriend(anna, ben);

  const to_ben = await anna.model.open({ user: other });
  const to_anna = await ben.model.open({ user: name });
  const on_tablet = await tablet.model.open({ user: other });
  anna.model.send(to_ben, { msg: "hello" });
  await ben.until("arrived at Ben", () => words(to_anna).includes("hello"));
  await tablet.until("on the other device", () => words(on_tablet).includes("hello"));
  assert.ok(on_tablet.items[0].mine);
  await anna.until("marked as arrived", () => to_ben.items[0]?.state === "arrived");
  assert.equal(to_anna.unread, 1);
  ben.model.seen(to_anna, to_anna.items[0].cid);
  await anna.until("marked as read", () => to_ben.items[0].state === "read");

  const [{ cid }] = to_anna.items;
  ben.model.send(to_anna, { msg: "hi Anna", reply: cid });
  await anna.until("answered", () => words(to_ben).includes("hi Anna"));
  assert.equal(to_ben.items[1].reply.msg, "hello");
  await tablet.until("answered on the other device", () => words(on_tablet).includes("hi Anna"));
  assert.deepEqual([to_ben.unread, on_tablet.unread], [1, 1]);
  tablet.model.seen(on_tablet, on_tablet.items.at(-1).cid);
  await anna.until("read on the other device", () => to_ben.unread === 0);

  await anna.model.edit(to_ben.items[0], "hello Ben");
  await anna.model.react(to_ben.items[1], "👍", true);
  await ben.until("edited, and with a reaction", () => words(to_anna)[0] === "hello Ben" && to_anna.items[1].reactions.length > 0);
  assert.equal(to_anna.items[1].reply.msg, "hello Ben");
  await anna.model.recall(to_ben.items[0]);
  await ben.until("recalled", () => to_anna.items[0].recalled);
  await tablet.until("recalled on the other device", () => on_tablet.items[0].recalled);

  void anna.parley.typing({ user: other });
  await ben.until("typing", () => to_anna.typing.includes(name));
  assert.ok(to_anna.online);

  // A page that is loaded now shows the same.
  const later = await enter(name);
  const again = await later.model.open({ user: other });
  assert.deepEqual(words(again), words(to_ben));
  assert.deepEqual(again.items.map((item) => item.reactions), to_ben.items.map((item) => item.reactions));
});

test("a group: members, roles, notices and a mute", async () => {
  const anna = await enter(unique("anna"));
  const ben = await enter(unique("ben"));
  const group = unique("club");
  const peer = { group };
  await anna.parley.createGroup(group, "The Club");
  await ben.parley.joinGroup(group);
  await anna.until("asked", () => anna.model.requests.joins.some((each) => each.group === group));
  await anna.parley.answerJoin(group, ben.parley.user, true);
  const club = await anna.model.open(peer);
  await anna.until("joined", () => words(club).includes("join_answer"));
  await anna.until("no more asked", () => anna.model.requests.joins.length === 0);
  await anna.until("members", () => club.count === 2);
  assert.equal(anna.model.role(group), "owner");
  assert.equal(club.title, "The Club");

  const at_ben = await ben.model.open(peer);
  anna.model.send(club, { msg: "@all welcome", mentions: "all" });
  await ben.until("mentioned", () => at_ben.mentions === 1);
  await ben.until("a member", () => ben.model.role(group) === "member");
  await anna.parley.muteMember(group, ben.parley.user, Date.now() + 60_000);
  await ben.until("muted", () => at_ben.muted_ms > Date.now());
  ben.model.send(at_ben, { msg: "may I?" });
  await ben.until("refused", () => at_ben.items.at(-1).state === "refused");
  assert.equal(at_ben.items.at(-1).error.word, "muted");
  await ben.parley.leave(group);
  await anna.until("left", () => words(club).includes("left") && club.count === 1);
  await ben.until("no member", () => !at_ben.member);
});

test(`a history of ${HISTORY} texts`, async () => {
  const [name, other] = [unique("anna"), unique("ben")];
  await enter(name);
  await (await enter(other)).parley.logout();
  await write(name, other, HISTORY);
  const ben = await enter(other);
  const conversation = await ben.model.open({ user: name });
  await ben.until("counted", () => conversation.unread === 999);
  assert.equal(words(conversation).at(-1), `text ${HISTORY}`);
  const seen = new Set();
  const note = () => conversation.items.forEach((item) => seen.add(item.msg));
  note();
  const before = performance.now();
  while (!conversation.atStart) {
    await ben.model.loadBefore(conversation);
    assert.ok(conversation.items.length <= 300);
    note();
  }
  console.log(`# ${HISTORY} texts, page by page, in ${Math.round(performance.now() - before)} ms`);
  assert.equal(seen.size, HISTORY);
  assert.equal(words(conversation)[0], "text 1");
  await ben.model.loadNewest(conversation);
  ben.model.seen(conversation, conversation.items.at(-1).cid);
  assert.equal(conversation.unread, 0);
});
