import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS } from "../../services/web/parley.js";
import { settle } from "./support/fake_clock.mjs";
import { ben, errorOf, makeScene, makeSignedIn } from "./support/scene.mjs";

const club = { group: "club" };

/** [the call, number, body without its token] */
const CASES = [
  [(p) => p.read(ben, 5), 302, { peer: ben, cid: 5 }],
  [(p) => p.recall(ben, 5), 315, { peer: ben, cid: 5 }],
  [(p) => p.edit(club, 5, "new"), 327, { peer: club, cid: 5, msg: "new" }],
  [(p) => p.react(ben, 5, "👍", true), 329, { peer: ben, cid: 5, emoji: "👍", on: true }],
  [(p) => p.block("ben", true), 321, { user: "ben", on: true }],
  [(p) => p.set("me", { name: "Anna" }), 325, { of: "me", name: "Anna" }],
  [(p) => p.set(club, { slow_s: 5 }), 325, { of: club, slow_s: 5 }],
  [(p) => p.muteMember("club", "ben", 9), 333, { group: "club", user: "ben", until_ms: 9 }],
  [(p) => p.ban("club", "ben", false), 335, { group: "club", user: "ben", on: false }],
  [(p) => p.quiet(ben, 9), 337, { peer: ben, until_ms: 9 }],
  [(p) => p.askFriend("ben"), 13, { toUserId: "ben", fromUserId: "anna" }],
  [(p) => p.answerFriend("ben", true), 104, { fromUserId: "anna", toUserId: "ben", confirmResult: true }],
  [(p) => p.removeFriend("ben"), 15, { fromUserId: "anna", toUserId: "ben" }],
  [(p) => p.createGroup("club"), 114, { ownerId: "anna", groupId: "club" }],
  [(p) => p.joinGroup("club"), 3, { fromUserId: "anna", groupId: "club" }],
  [
    (p) => p.answerJoin("club", "ben", false),
    106,
    { handleAdministratorId: "anna", groupId: "club", toUserId: "ben", confirmResult: false },
  ],
  [
    (p) => p.invite("club", "ben"),
    106,
    { handleAdministratorId: "anna", groupId: "club", toUserId: "ben", confirmResult: true },
  ],
  [(p) => p.leave("club"), 11, { fromUserId: "anna", groupId: "club" }],
  [
    (p) => p.removeMember("club", "ben"),
    17,
    { fromAdministratorId: "anna", fromGroupId: "club", toUserId: "ben" },
  ],
  [(p) => p.addAdmin("club", "ben"), 19, { ownerId: "anna", groupId: "club", toUserId: "ben" }],
  [(p) => p.removeAdmin("club", "ben"), 21, { ownerId: "anna", groupId: "club", fromUserId: "ben" }],
  [(p) => p.dissolve("club"), 111, { ownerId: "anna", groupId: "club" }],
  [(p) => p.heartbeat(), 99, {}],
];

test("every request that is answered by its 300", async () => {
  for (const [call, number, body] of CASES) {
    const { parley, server } = await makeSignedIn();
    const result = await call(parley);
    assert.equal(result.ok, true);
    assert.deepEqual(server.got(number)[0].msgBody, { token: "token-anna", ...body }, `type ${number}`);
    server.on(number, (message) => [server.refuse(message, "not_allowed", "you may not")]);
    const error = await errorOf(call(parley));
    assert.deepEqual([error.name, error.word, error.text, error.message], [
      ...["ParleyError", "not_allowed", "you may not", "you may not"],
    ]);
  }
});

/** Answers requests with content, which precedes the 300. */
const answerWith = (server, asked, number, ...contents) =>
  server.on(asked, (message) => [{ msgType: number, ref: message.ref, ...contents.shift() }, server.ok(message)]);

test("history, search and conversations have entries", async () => {
  const { parley, server } = await makeSignedIn();
  const place = { cid: 5, time_ms: 1 };
  const text = { msgType: 6, msg: "hi", fromUserId: "ben", ...place };
  const entry = { kind: "text", peer: ben, by: "ben", mine: false, msg: "hi", ...place };
  answerWith(server, 303, 304, { peer: ben, messages: [text], from: 5, to: 5, more: true });
  assert.deepEqual(await parley.history(ben, { before: 9, limit: 1 }), { entries: [entry], from: 5, to: 5, more: true });
  assert.deepEqual(server.got(303)[0].msgBody, { token: "token-anna", peer: ben, before: 9, limit: 1 });

  answerWith(server, 331, 332, { messages: [text], before: 4, more: true });
  assert.deepEqual(await parley.search({ text: "hi", peer: ben }), { entries: [entry], before: 4, more: true });

  const one = { peer: ben, name: "Ben", cid: 5, unread: 1, mentions: 0, received: 5, read: 0, muted_until: 0 };
  answerWith(server, 305, 306, { conversations: [{ ...one, last: text }, { ...one, peer: club }], more: false });
  assert.deepEqual(await parley.conversations(), {
    conversations: [{ ...one, last: entry }, { ...one, peer: club, last: null }],
    more: false,
  });
});

test("lists of many pages are put together", async () => {
  const { parley, server } = await makeSignedIn();
  answerWith(
    ...[server, 307, 308],
    { friends: [{ user: "ben" }], requests: [], more: true, after: 12 },
    { friends: [], requests: [{ user: "cora" }], blocked: [{ user: "eve" }], more: false }
  );
  assert.deepEqual(await parley.friends(), {
    ...{ friends: [{ user: "ben" }], requests: [{ user: "cora" }], blocked: [{ user: "eve" }] },
  });
  assert.deepEqual(
    server.got(307).map(({ msgBody }) => msgBody.after),
    [undefined, 12]
  );
  answerWith(
    ...[server, 309, 310],
    { group: "club", members: [{ user: "anna" }], requests: [], more: true, after: 3 },
    { group: "club", members: [{ user: "ben" }], more: false }
  );
  assert.deepEqual(await parley.allMembers("club"), {
    ...{ members: [{ user: "anna" }, { user: "ben" }], requests: [], banned: [] },
  });
  server.on(309, (message) => [
    { msgType: 310, ref: message.ref, members: [{ user: "again" }], more: true, after: 3 },
    server.ok(message),
  ]);
  assert.equal((await parley.allMembers("club")).members.length, LIMITS.pages, "a list without end has one");
});

test("profiles and devices", async () => {
  const { parley, server } = await makeSignedIn();
  answerWith(server, 311, 312, { user: "ben", name: "Ben" }, { group: "club", name: "Club" });
  assert.deepEqual(await parley.profile(ben), { user: "ben", name: "Ben" });
  assert.deepEqual(await parley.profile(club), { group: "club", name: "Club" });
  answerWith(server, 319, 320, { devices: [{ id: "a" }], more: false }, { devices: [], more: false });
  assert.deepEqual(await parley.devices(), { devices: [{ id: "a" }], more: false });
  await parley.endDevice("a");
  assert.equal(server.got(319)[1].msgBody.close, "a");
});

test("a group's name is set when it is made", async () => {
  const { parley, server } = await makeSignedIn();
  await parley.createGroup("club", "The Club");
  assert.deepEqual(server.got(325)[0].msgBody, { token: "token-anna", of: club, name: "The Club" });
});

test("typing is reported once in three seconds, and never fails", async () => {
  const { parley, server, clock } = await makeSignedIn();
  assert.equal(await parley.typing(ben), true);
  assert.equal(await parley.typing(ben), false);
  assert.equal(await parley.typing(club), true);
  await clock.advance(3000);
  server.on(313, (message) => [server.refuse(message, "blocked")]);
  assert.equal(await parley.typing(ben), false);
  assert.equal(server.got(313).length, 3);
  server.reachable = false;
  server.link.end(1006, "");
  assert.equal(await parley.typing(club), false);
});

test("a request that changes something is sent again after a break, under its ref", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.on(114, () => []);
  const made = parley.createGroup("club");
  await settle();
  server.on(114, (message) => [server.ok(message)]);
  server.link.end(1006, "");
  parley.send(club, { msg: "welcome" });
  await clock.advance(500);
  assert.equal((await made).ok, true);
  const refs = server.got(114).map(({ ref }) => ref);
  assert.equal(refs.length, 2);
  assert.equal(refs[0], refs[1]);
  const order = server.received.map(({ msgType }) => msgType);
  assert.ok(order.lastIndexOf(114) < order.indexOf(7), "before the text that needs it");
});

test("it is given up after 30 s", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.reachable = false;
  server.link.end(1006, "");
  const ended = errorOf(parley.block("ben", true));
  await clock.advance(30_000);
  assert.equal((await ended).word, "timeout");
  server.reachable = true;
  await clock.advance(30_000);
  assert.equal(server.got(321).length, 0);
});

test("one that only asks fails at once without a connection, and when it breaks", async () => {
  const { parley, server } = await makeSignedIn();
  server.on(303, () => []);
  const asked = errorOf(parley.history(ben));
  await settle();
  server.reachable = false;
  server.link.end(1006, "");
  assert.equal((await asked).word, "disconnected");
  assert.equal((await errorOf(parley.history(ben))).word, "disconnected");
});

test("a busy server is asked again", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.on(331, (message) => [server.refuse(message, "overloaded")]);
  const found = parley.search({ text: "hi" });
  await settle();
  answerWith(server, 331, 332, { messages: [], more: false });
  await clock.advance(2000);
  assert.deepEqual((await found).entries, []);
  server.on(331, (message) => [server.refuse(message, "overloaded")]);
  const ended = errorOf(parley.search({ text: "hi" }));
  await clock.advance(30_000);
  assert.equal((await ended).word, "timeout");
  const sent = server.got(331).length;
  await clock.advance(60_000);
  assert.equal(server.got(331).length, sent);
});

test("only so many requests wait", async () => {
  const { parley, server } = await makeSignedIn();
  server.on(311, () => []);
  const asked = Array.from({ length: LIMITS.requests }, () => errorOf(parley.profile(ben)));
  assert.equal((await errorOf(parley.profile(ben))).word, "busy");
  parley.close();
  for (const error of await Promise.all(asked)) assert.equal(error.word, "disconnected");
});

test("a request that is too long, or made before a login, is not sent", async () => {
  const { parley, server } = await makeSignedIn();
  assert.equal((await errorOf(parley.edit(ben, 5, "é".repeat(32_501)))).word, "too_long");
  assert.equal((await errorOf(parley.request(325, { of: "me", about: "x".repeat(65_500) }))).word, "too_long");
  assert.equal(server.received.length, 1);
  assert.equal((await errorOf(makeScene().parley.friends())).word, "signed_out");
});

test("any request can be sent by its number", async () => {
  const { parley, server } = await makeSignedIn();
  answerWith(server, 399, 398, { of: "the future" });
  const { answer, result } = await parley.request(399, { some: "half \ud83d" });
  assert.equal(answer.of, "the future");
  assert.equal(result.ok, true);
  assert.equal(server.got(399)[0].msgBody.some, "half \ufffd");
});
