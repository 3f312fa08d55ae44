/** Every method against a server: PARLEY_URL is its WebSocket. Run by test_parley_js.py. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Parley } from "../../../services/web/parley.js";
import { errorOf, EVENTS } from "../support/scene.mjs";
import { WebSocket } from "../support/websocket.mjs";

const url = process.env.PARLEY_URL;
const DEADLINE_MS = 60_000;
const open = [];

/** A client, its events in `heard`, and `until(event, condition)`, which waits for one. */
function makeClient() {
  const parley = new Parley({ url, WebSocket, device: "a test" });
  const heard = Object.fromEntries(EVENTS.map((name) => [name, []]));
  const waiting = new Set();
  for (const name of EVENTS)
    parley.addEventListener(name, ({ detail }) => {
      heard[name].push(detail);
      for (const check of [...waiting]) check();
    });
  const until = (name, condition) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = heard[name].find(condition);
        if (!found) return;
        clearTimeout(timer);
        waiting.delete(check);
        resolve(found);
      };
      const timer = setTimeout(
        () => reject(new Error(`no such ${name} among ${JSON.stringify(heard[name])}`)),
        DEADLINE_MS
      );
      waiting.add(check);
      check();
    });
  open.push(parley);
  return { parley, heard, until };
}

/** Clients of new accounts, which are friends of the first one. */
async function meet(...names) {
  const unique = randomBytes(4).toString("hex");
  const clients = names.map(() => makeClient());
  for (const [i, { parley }] of clients.entries())
    assert.equal((await parley.signIn({ user: `${names[i]}-${unique}` })).created, true);
  const [{ parley: first }, ...others] = clients;
  for (const { parley: other } of others) {
    await first.askFriend(other.user);
    await other.answerFriend(first.user, true);
  }
  return clients;
}

test.afterEach(() => {
  for (const parley of open.splice(0)) parley.close();
});

test("signing in", async () => {
  const user = `dora-${randomBytes(4).toString("hex")}`;
  const [one, two, three] = [makeClient(), makeClient(), makeClient()];
  assert.deepEqual(await one.parley.signIn({ user, password: "right" }), { user, created: true });
  assert.deepEqual(await two.parley.signIn({ user, password: "right" }), { user, created: false });
  assert.equal((await errorOf(three.parley.signIn({ user, password: "wrong" }))).word, "bad_login");
  assert.equal((await errorOf(three.parley.signIn({ user }))).word, "password_needed");
  const open_account = `${user}-open`;
  await three.parley.signIn({ user: open_account });
  assert.equal((await errorOf(makeClient().parley.signIn({ user: open_account, password: "x" }))).word, "bad_login");
  assert.equal((await errorOf(makeClient().parley.register({ user }))).word, "taken");
  const { devices } = await one.parley.devices();
  assert.deepEqual([devices.length, devices[0].device], [2, "a test"]);
  await one.parley.endDevice(devices.find((device) => !device.this).id);
  const ended = await two.until("state", ({ name }) => name === "ended");
  assert.match(ended.reason, /ended from another device/u);
  await one.parley.logout();
  assert.equal(one.parley.state.name, "signed_out");
});

test("two people talk", async () => {
  const [anna, ben] = await meet("anna", "ben");
  const to_ben = { user: ben.parley.user };
  const to_anna = { user: anna.parley.user };
  await anna.until("entry", ({ kind }) => kind === "friend_answer");
  assert.deepEqual((await anna.parley.friends()).friends.map(({ user }) => user), [ben.parley.user]);

  const said = anna.parley.send(to_ben, { msg: "hello 你好 \ud83d" });
  const entry = await ben.until("entry", ({ kind }) => kind === "text");
  assert.equal(entry.msg, "hello 你好 \ufffd");
  assert.deepEqual([entry.peer, entry.by, entry.mine], [to_anna, anna.parley.user, false]);
  await anna.until("outgoing", ({ state }) => state === "stored");
  assert.equal(said.cid, entry.cid);
  await anna.until("mark", ({ kind, cid }) => kind === "received" && cid === said.cid);
  await ben.parley.read(to_anna, entry.cid);
  await anna.until("mark", ({ kind, cid }) => kind === "read" && cid === said.cid);
  await ben.parley.typing(to_anna);
  await anna.until("typing", ({ user }) => user === ben.parley.user);

  ben.parley.send(to_anna, { msg: "hello Anna", reply: entry.cid, mentions: [anna.parley.user] });
  const answer = await anna.until("entry", ({ kind, mine }) => kind === "text" && !mine);
  assert.deepEqual([answer.reply, answer.mentions], [said.cid, [anna.parley.user]]);
  await anna.parley.edit(to_ben, said.cid, "hello again");
  await anna.parley.react(to_ben, answer.cid, "👍", true);
  const reacted = await ben.until("entry", ({ kind }) => kind === "reacted");
  assert.deepEqual([reacted.target, reacted.emoji, reacted.on], [answer.cid, "👍", true]);
  assert.equal((await ben.until("entry", ({ kind }) => kind === "edited")).msg, "hello again");

  const { entries, more } = await anna.parley.history(to_ben, { limit: 200 });
  const texts = entries.filter(({ kind }) => kind === "text");
  assert.deepEqual(
    texts.map(({ msg, mine }) => [msg, mine]),
    [["hello again", true], ["hello Anna", false]]
  );
  assert.ok(texts[0].edited_ms > 0 && !more);
  assert.deepEqual(texts[1].reactions, [{ emoji: "👍", count: 1, mine: true }]);
  assert.deepEqual((await ben.parley.search({ text: "again" })).entries.map(({ cid }) => cid), [said.cid]);
  const { conversations } = await anna.parley.conversations();
  const [first] = conversations.filter(({ peer }) => peer.user === ben.parley.user);
  assert.deepEqual([first.unread, first.last.cid], [1, answer.cid]);

  await anna.parley.recall(to_ben, said.cid);
  await ben.until("entry", ({ kind, target }) => kind === "recalled" && target === said.cid);
  await anna.parley.quiet(to_ben, Date.now() + 60_000);
  await anna.parley.set({ friend: ben.parley.user }, { remark: "Benny" });
  assert.equal((await anna.parley.profile(to_ben)).remark, "Benny");
  await ben.parley.set("me", { name: "Ben B.", about: "I row" });
  await anna.until("entry", ({ kind, of }) => kind === "changed" && of.user === ben.parley.user);
  await ben.parley.block(anna.parley.user, true);
  const refused = anna.parley.send(to_ben, { msg: "are you there?" });
  await anna.until("outgoing", ({ state }) => state === "refused");
  assert.equal(refused.error.word, "blocked");
  await ben.parley.block(anna.parley.user, false);
  anna.parley.again(refused.ref);
  await ben.until("entry", ({ msg }) => msg === "are you there?");
  await ben.parley.removeFriend(anna.parley.user);
  await anna.until("entry", ({ kind }) => kind === "friend_removed");
});

test("a group lives", async () => {
  const [anna, ben, cora] = await meet("anna", "ben", "cora");
  const id = `club-${randomBytes(4).toString("hex")}`;
  const club = { group: id };
  await anna.parley.createGroup(id, "The Club");
  await anna.parley.invite(id, ben.parley.user);
  await ben.until("entry", ({ kind, ok }) => kind === "join_answer" && ok);
  await cora.parley.joinGroup(id);
  const request = await anna.until("entry", ({ kind }) => kind === "join_request");
  assert.deepEqual([request.by, request.group, request.peer], [
    ...[cora.parley.user, id, { user: anna.parley.user }],
  ]);
  assert.deepEqual((await anna.parley.allMembers(id)).requests.map(({ user }) => user), [cora.parley.user]);
  await anna.parley.answerJoin(id, cora.parley.user, true);
  await anna.parley.addAdmin(id, ben.parley.user);
  await ben.until("entry", ({ kind }) => kind === "admin_added");
  ben.parley.send(club, { msg: "welcome all", mentions: "all" });
  const welcome = await cora.until("entry", ({ kind }) => kind === "text");
  assert.deepEqual([welcome.peer, welcome.mentions, welcome.by], [club, "all", ben.parley.user]);
  const own = await ben.until("entry", ({ kind, mine }) => kind === "text" && mine);
  assert.equal(own.cid, welcome.cid);
  await ben.parley.muteMember(id, cora.parley.user, Date.now() + 60_000);
  await cora.until("entry", ({ kind }) => kind === "member_muted");
  cora.parley.send(club, { msg: "may I?" });
  assert.equal((await cora.until("outgoing", ({ state }) => state === "refused")).error.word, "muted");
  await ben.parley.muteMember(id, cora.parley.user, 0);
  await cora.parley.set({ member: club }, { nick: "Co" });
  await ben.parley.set(club, { about: "We row", slow_s: 5 });
  assert.deepEqual(
    (({ about, slow_s, member }) => [about, slow_s, member])(await cora.parley.profile(club)),
    ["We row", 5, true]
  );
  const { members } = await anna.parley.allMembers(id);
  assert.deepEqual(members.map(({ role }) => role).sort(), ["administrator", "member", "owner"]);
  await ben.parley.removeMember(id, cora.parley.user);
  await cora.until("entry", ({ kind }) => kind === "removed");
  await ben.parley.ban(id, cora.parley.user, true);
  assert.equal((await errorOf(cora.parley.joinGroup(id))).word, "banned");
  await anna.parley.removeAdmin(id, ben.parley.user);
  await ben.until("entry", ({ kind }) => kind === "admin_removed");
  await ben.parley.leave(id);
  await anna.until("entry", ({ kind, user }) => kind === "left" && user === ben.parley.user);
  await anna.parley.dissolve(id);
  assert.equal((await errorOf(anna.parley.allMembers(id))).word, "no_group");
  await anna.parley.heartbeat();
});

test("presence, and the end of an account", async () => {
  const [anna, ben] = await meet("anna", "ben");
  const friend = ben.parley.user;
  // A client that is online for moments only is no news: each change is awaited before the next.
  const becomes = async (online) => {
    for (const end = Date.now() + DEADLINE_MS; (await anna.parley.friends()).friends[0].online !== online; )
      assert.ok(Date.now() < end, `not ${online ? "online" : "offline"}`);
  };
  await becomes(true);
  ben.parley.close();
  await becomes(false);
  await anna.until("presence", (change) => change.user === friend && !change.online);
  const again = makeClient();
  for (const online of [true, false]) {
    anna.heard.presence.length = 0;
    await (online ? again.parley.login({ user: friend }) : again.parley.close());
    await anna.until("presence", (change) => change.user === friend && change.online === online);
  }
  const { user } = anna.parley;
  await anna.parley.forgetMe({ texts: "blank" });
  assert.equal(anna.parley.state.name, "signed_out");
  assert.equal((await errorOf(makeClient().parley.login({ user }))).word, "disabled");
});

test("a client that is resumed elsewhere does not fight", async () => {
  const store = new Map();
  const shared = {
    get: async (key) => store.get(key),
    set: async (key, value) => void store.set(key, value),
    delete: async (key) => void store.delete(key),
    list: async (prefix) => [...store].filter(([key]) => key.startsWith(prefix)),
  };
  const make = () => {
    const parley = new Parley({ url, WebSocket, store: shared });
    open.push(parley);
    const reached = (name) =>
      new Promise((resolve) => {
        const look = () => parley.state.name === name && resolve();
        parley.addEventListener("state", look);
        look();
      });
    return { parley, reached };
  };
  const [one, two] = [make(), make()];
  await one.parley.signIn({ user: `eve-${randomBytes(4).toString("hex")}` });
  await two.parley.restore();
  await two.reached("connected");
  await one.reached("replaced");
  await one.parley.takeOver();
  await one.reached("connected");
  await two.reached("replaced");
});
