import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LIMITS, parsePeer, peerKey, toEntry } from "../../services/web/parley.js";
import { settle } from "./support/fake_clock.mjs";
import { ben, makeSignedIn } from "./support/scene.mjs";

const place = { cid: 77, time_ms: 1795378144458 };
const own = { user: "anna" };
const club = { group: "club" };

/** [message, entry without its place]; anna reads. */
const CASES = [
  [
    { msgType: 6, msg: "hi", fromUserId: "ben", reply: 12, mentions: ["anna"], edited_ms: 5 },
    { kind: "text", peer: ben, by: "ben", mine: false, msg: "hi", reply: 12, mentions: ["anna"], edited_ms: 5 },
  ],
  [
    { msgType: 6, msg: "", fromUserId: "anna", toUserId: "ben", recalled: true },
    { kind: "text", peer: ben, by: "anna", mine: true, msg: "", recalled: true },
  ],
  [
    { msgType: 8, msg: "hi", fromUserId: "ben", toGroup: "club", reactions: [{ emoji: "👍", count: 2, mine: true }] },
    {
      ...{ kind: "text", peer: club, by: "ben", mine: false, msg: "hi", group: "club" },
      reactions: [{ emoji: "👍", count: 2, mine: true }],
    },
  ],
  [
    { msgType: 8, msg: "hi", fromUserId: "anna", toGroup: "club", mentions: "all" },
    { kind: "text", peer: club, by: "anna", mine: true, msg: "hi", group: "club", mentions: "all" },
  ],
  [
    { msgType: 100, msg: "maintenance", fromUserId: "SYSTEM" },
    { kind: "system", peer: { user: "SYSTEM" }, by: "SYSTEM", mine: false, msg: "maintenance" },
  ],
  [
    { msgType: 101, msg: "your report was read", fromUserId: "SYSTEM" },
    { kind: "system", peer: own, by: "SYSTEM", mine: false, msg: "your report was read" },
  ],
  [
    { msgType: 102, msg: "full", fromUserId: "SYSTEM", toGroup: "club" },
    { kind: "system", peer: club, by: "SYSTEM", mine: false, msg: "full", group: "club" },
  ],
  [{ msgType: 103, fromUserId: "ben" }, { kind: "friend_request", peer: own, by: "ben", mine: false }],
  [
    { msgType: 14, fromUserId: "ben", confirmResult: true, toUserId: "anna" },
    { kind: "friend_answer", peer: own, by: "ben", mine: false, user: "anna", ok: true },
  ],
  [
    { msgType: 16, fromUserId: "ben", toUserId: "anna" },
    { kind: "friend_removed", peer: own, by: "ben", mine: false, user: "anna" },
  ],
  [
    { msgType: 105, fromUserId: "ben", groupId: "club" },
    { kind: "join_request", peer: own, by: "ben", mine: false, group: "club" },
  ],
  [
    { msgType: 4, confirmResult: true, groupId: "club", toUserId: "ben" },
    { kind: "join_answer", peer: club, by: "ben", mine: false, user: "ben", group: "club", ok: true },
  ],
  [
    { msgType: 4, confirmResult: false, groupId: "club", toUserId: "anna" },
    { kind: "join_answer", peer: own, by: "anna", mine: true, user: "anna", group: "club", ok: false },
  ],
  [
    { msgType: 12, fromUserId: "ben", groupId: "club" },
    { kind: "left", peer: club, by: "ben", mine: false, user: "ben", group: "club" },
  ],
  [
    { msgType: 18, fromGroupId: "club", fromAdministratorUserId: "ben", toUserId: "anna" },
    { kind: "removed", peer: club, by: "ben", mine: false, user: "anna", group: "club" },
  ],
  [
    { msgType: 20, groupId: "club", ownerId: "ben", toUserId: "anna" },
    { kind: "admin_added", peer: own, by: "ben", mine: false, user: "anna", group: "club" },
  ],
  [
    { msgType: 22, fromUserId: "anna", groupId: "club", ownerId: "ben" },
    { kind: "admin_removed", peer: own, by: "ben", mine: false, user: "anna", group: "club" },
  ],
  [{ msgType: 112, groupId: "club" }, { kind: "dissolved", peer: club, by: null, mine: false, group: "club" }],
  [
    { msgType: 315, peer: ben, user: "ben", target: 12 },
    { kind: "recalled", peer: ben, by: "ben", mine: false, user: "ben", target: 12 },
  ],
  [
    { msgType: 327, peer: club, user: "anna", target: 12, msg: "new", edited_ms: 6 },
    { kind: "edited", peer: club, by: "anna", mine: true, user: "anna", target: 12, msg: "new", edited_ms: 6 },
  ],
  [
    { msgType: 329, peer: ben, user: "ben", target: 12, emoji: "👍", on: true },
    { kind: "reacted", peer: ben, by: "ben", mine: false, user: "ben", target: 12, emoji: "👍", on: true },
  ],
  [
    { msgType: 321, user: "ben", on: true },
    { kind: "blocked", peer: own, by: "anna", mine: true, user: "ben", on: true },
  ],
  [
    { msgType: 325, of: { user: "ben" } },
    { kind: "changed", peer: own, by: "ben", mine: false, of: { user: "ben" } },
  ],
  [
    { msgType: 325, of: { group: "club" }, by: "ben" },
    { kind: "changed", peer: club, by: "ben", mine: false, of: { group: "club" }, group: "club" },
  ],
  [
    { msgType: 325, of: { member: { group: "club", user: "anna" } }, nick: "Pike" },
    {
      ...{ kind: "changed", peer: club, by: "anna", mine: true, group: "club", nick: "Pike" },
      of: { member: { group: "club", user: "anna" } },
    },
  ],
  [
    { msgType: 333, group: "club", by: "ben", user: "dora", until_ms: 1900000000000 },
    { kind: "member_muted", peer: club, by: "ben", mine: false, group: "club", user: "dora", until_ms: 1900000000000 },
  ],
  [
    { msgType: 335, group: "club", by: "ben", user: "dora", on: true },
    { kind: "member_banned", peer: club, by: "ben", mine: false, group: "club", user: "dora", on: true },
  ],
  [{ msgType: 399, what: "is not known yet" }, { kind: "unknown", peer: own, by: null, mine: false }],
];

test("every message that is stored is an entry", () => {
  for (const [message, entry] of CASES)
    assert.deepEqual(toEntry({ ...message, ...place }, "anna"), { ...entry, ...place }, `type ${message.msgType}`);
});

test("the list above has every type of which the protocol's page has a sample with a cid", () => {
  const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const notices = new Set();
  for (const [, text] of page.matchAll(/^ +< (\{.*"msgType":.*\})$/gmu)) {
    const message = JSON.parse(text.replaceAll("...", ""));
    if ("cid" in message && !("ref" in message) && message.msgType !== 318) notices.add(message.msgType);
  }
  notices.delete(301);
  notices.delete(302);
  assert.ok(notices.size > 8, `${[...notices]}`);
  const here = new Set(CASES.map(([{ msgType }]) => msgType));
  assert.deepEqual([...notices].filter((type) => !here.has(type)), []);
});

test("entries arrive live, once each, and are confirmed once a second", async () => {
  const { parley, server, clock, heard } = await makeSignedIn();
  const text = (cid) => ({ msgType: 6, msg: `${cid}`, fromUserId: "ben", cid, time_ms: 1 });
  server.link.push(text(128));
  await clock.advance(0);
  assert.deepEqual(
    server.got(301).map(({ msgBody }) => msgBody),
    [{ peer: ben, cid: 128 }]
  );
  server.link.push(text(129), text(130), { msgType: 112, groupId: "club", ...place });
  await clock.advance(999);
  assert.equal(server.got(301).length, 1);
  await clock.advance(1);
  assert.deepEqual(
    server.got(301).slice(1).map(({ msgBody }) => msgBody),
    [{ peer: ben, cid: 130 }, { peer: club, cid: 77 }]
  );
  // The connection breaks before a confirmation: entries that are sent again are not reported again, but confirmed.
  server.link.push(text(131));
  server.link.end(1006, "");
  await clock.advance(500);
  server.link.push(text(131), text(132));
  await clock.advance(1000);
  assert.deepEqual(
    heard.entry.filter(({ kind }) => kind === "text").map(({ cid }) => cid),
    [128, 129, 130, 131, 132]
  );
  assert.equal(server.got(301).at(-1).msgBody.cid, 132);
  assert.equal(parley.state.name, "connected");
});

test("a program may confirm by itself", async () => {
  const { parley, server, clock } = await makeSignedIn({ autoConfirm: false });
  server.link.push({ msgType: 6, msg: "hi", fromUserId: "ben", ...place });
  await clock.advance(5000);
  assert.equal(server.got(301).length, 0);
  parley.confirm(ben, 77);
  await clock.advance(0);
  assert.equal(server.got(301).length, 1);
});

test("marks, typing, presence, quiet, skipped", async () => {
  const { server, heard } = await makeSignedIn();
  server.link.push(
    { msgType: 301, peer: ben, cid: 12, user: "ben", time_ms: 1 },
    { msgType: 302, peer: ben, cid: 13, time_ms: 1 },
    { msgType: 313, peer: club, user: "ben", time_ms: 1 },
    { msgType: 107, friendId: "ben", time_ms: 1 },
    { msgType: 108, friendId: "ben", time_ms: 1 },
    { msgType: 109, groupId: "club", userId: "ben", time_ms: 1 },
    { msgType: 110, groupId: "club", userId: "ben", time_ms: 1 },
    { msgType: 337, peer: ben, until_ms: 99, time_ms: 1 },
    { msgType: 318, peer: club, cid: 90, skipped: 412 },
    { msgType: 101, msg: "a reason", fromUserId: "SYSTEM" }
  );
  await settle();
  assert.deepEqual(heard.mark, [
    { peer: ben, user: "ben", cid: 12, kind: "received" },
    { peer: ben, user: undefined, cid: 13, kind: "read" },
  ]);
  assert.deepEqual(heard.typing, [{ peer: club, user: "ben" }]);
  assert.deepEqual(heard.presence, [
    { user: "ben", online: true },
    { user: "ben", online: false },
    { user: "ben", group: "club", online: true },
    { user: "ben", group: "club", online: false },
  ]);
  assert.deepEqual(heard.quiet, [{ peer: ben, until_ms: 99 }]);
  assert.deepEqual(heard.skipped, [{ peer: club, cid: 90, count: 412 }]);
  assert.deepEqual(heard.fault, [{ text: "a reason" }]);
  assert.deepEqual(heard.entry, []);
});

test("the memory of conversations has a bound", async () => {
  const { server, heard } = await makeSignedIn();
  const text = (user) => ({ msgType: 6, msg: "hi", fromUserId: user, cid: 5, time_ms: 1 });
  for (let i = 0; i <= LIMITS.conversations; i++) server.link.push(text(`user${i}`));
  server.link.push(text(`user${LIMITS.conversations}`), text("user1"));
  assert.equal(heard.entry.length, LIMITS.conversations + 1);
  server.link.push(text("user0"));
  assert.equal(heard.entry.length, LIMITS.conversations + 2, "the least recently active one is forgotten");
});

test("peers as strings", () => {
  for (const peer of [ben, club, { user: "a:b" }, { group: "user:x" }, { user: "line\nbreak" }])
    assert.deepEqual(parsePeer(peerKey(peer)), peer);
  for (const key of ["", "user:", "ben", "room:x"]) assert.equal(parsePeer(key), null);
});
