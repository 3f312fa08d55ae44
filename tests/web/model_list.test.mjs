import assert from "node:assert/strict";
import test from "node:test";
import { BEN, CLUB, rig, words } from "./support/model_rig.mjs";
import { settle } from "./support/fake_parley.mjs";

/** So many people who wrote one text each, p1 first. */
const people = (count) => (log) => {
  for (let i = 1; i <= count; i++) log.text({ user: `p${i}` }, `p${i}`, `from ${i}`);
};

test("the list has the newest first, is loaded by pages, and leaves out the account's own notices", async () => {
  const { model, hear } = await rig({
    prepare: (log) => {
      log.store({ user: "anna" }, { kind: "friend_request", by: "ben" });
      people(120)(log);
    },
  });
  assert.equal(model.conversations.length, 50);
  assert.equal(model.conversations[0].key, "user:p120");
  assert.equal(model.conversations[0].last.msg, "from 120");
  await model.loadConversations();
  assert.ok(model.more);
  await model.loadConversations();
  assert.equal(model.conversations.length, 120);
  assert.ok(!model.more);
  await model.loadConversations();
  assert.equal(model.conversations.length, 120);
  hear({ user: "p3" }, "p3", "again");
  await settle();
  assert.equal(model.conversations[0].key, "user:p3");
});

test("friends to whom nothing was written stand at the end of the list", async () => {
  const { model } = await rig({
    prepare: (log) => {
      log.text(BEN, "ben", "hi");
      log.friends = [{ user: "echo", name: "Echo", remark: "", online: true }];
    },
  });
  assert.deepEqual(model.conversations.map((each) => [each.key, each.online]), [["user:ben", false], ["user:echo", true]]);
});

test("the list shows a text that a page of history has brought, also if it is never delivered", async () => {
  const { model, log, clock } = await rig({ prepare: (log) => log.text(BEN, "ben", "one") });
  const { cid } = log.text(BEN, "ben", "two");
  const ben = await model.open(BEN);
  assert.equal(ben.last.msg, "two");
  model.seen(ben, cid); // so it counts as received, too
  await clock.pass(1000);
  assert.deepEqual([ben.last.msg, ben.unread], ["two", 0]);
});

test("a text that a page of history has brought is counted once", async () => {
  const { model, parley, log } = await rig({ prepare: (log) => log.text(BEN, "ben", "one") && log.text(BEN, "ben", "two") });
  const late = log.text(BEN, "ben", "three");
  const ben = await model.open(BEN);
  model.seen(ben, log.all(BEN)[0].cid);
  assert.equal(ben.unread, 2);
  parley.deliver(late);
  assert.equal(ben.unread, 2);
});

test("unread texts and mentions are counted, from the list and live", async () => {
  const { model, hear, parley, log } = await rig({
    prepare: (log) => {
      log.text(CLUB, "ben", "one", { mentions: ["anna"] });
      log.text(CLUB, "ben", "two");
    },
  });
  const club = model.conversation(CLUB);
  assert.deepEqual([club.unread, club.mentions], [2, 1]);
  hear(CLUB, "cora", "three", { mentions: "all" });
  hear(CLUB, "cora", "four", { mentions: ["ben"] });
  hear(CLUB, "anna", "mine, from another device");
  assert.deepEqual([club.unread, club.mentions], [4, 2]);
  assert.equal(model.unreadTotal, 4);
  parley.emit("mark", { peer: CLUB, cid: log.all(CLUB).at(-1).cid, kind: "read" });
  assert.deepEqual([club.unread, club.mentions, model.unreadTotal], [0, 0, 0]);
});

test("a text delivered while the list is on its way is counted once", async () => {
  const { model, parley, log } = await rig({ start: false, prepare: (log) => log.text(BEN, "ben", "one") });
  parley.hold = true;
  const started = model.start();
  await settle();
  parley.deliver(log.all(BEN)[0]); // in the list's answer as well
  parley.deliver(log.text(BEN, "ben", "two")); // not in it
  parley.hold = false;
  await parley.release();
  await started;
  assert.equal(model.conversation(BEN).unread, 2);
  assert.equal(model.conversation(BEN).last.msg, "two");
});

test("a part that was read, on the screen or on another device, leaves the rest unread", async () => {
  const { model, parley, log, clock } = await rig({
    prepare: (log) => { for (let i = 1; i <= 400; i++) log.text(BEN, "ben", `t${i}`, i % 10 === 0 ? { mentions: ["anna"] } : {}); },
  });
  const [ben] = model.conversations;
  assert.deepEqual([ben.unread, ben.mentions], [400, 40]);
  log.reads.set("user:ben", log.all(BEN)[99].cid);
  parley.emit("mark", { peer: BEN, cid: log.all(BEN)[99].cid, kind: "read" });
  await clock.pass(1000);
  assert.deepEqual([ben.unread, ben.mentions], [300, 30]);
  await model.open(BEN);
  assert.equal(ben.firstNew, log.all(BEN)[99].cid + 1);
  for (let i = 0; i < 6; i++) await model.loadBefore(ben);
  model.seen(ben, log.all(BEN)[199].cid);
  await clock.pass(3000);
  assert.deepEqual([ben.unread, ben.mentions], [200, 20]);
  assert.equal(log.reads.get("user:ben"), log.all(BEN)[199].cid);
});

test("an unread text that is recalled is unread no more", async () => {
  const { model, hear, notice, clock } = await rig();
  const club = model.conversation(CLUB);
  hear(CLUB, "ben", "one", { mentions: ["anna"] });
  const first = club.last.cid;
  hear(CLUB, "ben", "two");
  notice(CLUB, { kind: "recalled", by: "ben", user: "ben", target: club.last.cid });
  assert.deepEqual([club.unread, club.last.recalled], [1, true]);
  notice(CLUB, { kind: "recalled", by: "ben", user: "ben", target: first }); // no longer known here: the server is asked
  await clock.pass(1000);
  assert.deepEqual([club.unread, club.mentions], [0, 0]);
});

test("an edit changes the last text in the list", async () => {
  const { model, hear, notice } = await rig();
  const { cid } = hear(BEN, "ben", "hwllo");
  notice(BEN, { kind: "edited", by: "ben", user: "ben", target: cid, msg: "hello", edited_ms: 7 });
  assert.equal(model.conversations[0].last.msg, "hello");
});

test("read marks go out once a second at most, and the last one always", async () => {
  const { model, hear, parley, clock } = await rig();
  const ben = await model.open(BEN);
  const reads = () => parley.calls.filter(([name]) => name === "read").map((call) => call[2]);
  const cids = [];
  for (let i = 0; i < 20; i++) {
    cids.push(hear(BEN, "ben", `t${i}`).cid);
    model.seen(ben, cids.at(-1));
    assert.equal(ben.unread, 0);
    await clock.pass(100);
  }
  await clock.pass(2000);
  assert.ok(reads().length <= 4, `${reads().length} marks`);
  assert.equal(reads().at(-1), cids.at(-1));
  model.seen(ben, cids[3]);
  await clock.pass(2000);
  assert.equal(reads().at(-1), cids.at(-1));
});

test("a read mark made without a connection is sent once there is one", async () => {
  const { model, hear, parley, log } = await rig();
  const ben = await model.open(BEN);
  const { cid } = hear(BEN, "ben", "hello");
  parley.disconnect();
  model.seen(ben, cid);
  parley.connect();
  await settle();
  assert.equal(log.reads.get("user:ben"), cid);
  assert.equal(ben.unread, 0);
});

test("the line before new texts stays while a conversation is open, and is gone the next time", async () => {
  const { model, hear, log } = await rig({ prepare: (log) => { for (let i = 0; i < 9; i++) log.text(BEN, "ben", "x"); log.reads.set("user:ben", 4); } });
  const ben = await model.open(BEN);
  assert.equal(ben.firstNew, 5);
  model.seen(ben, log.all(BEN).at(-1).cid);
  hear(BEN, "ben", "live");
  assert.equal(ben.firstNew, 5);
  model.seen(ben, log.all(BEN).at(-1).cid);
  model.close();
  await model.open(BEN);
  assert.equal(ben.firstNew, null);
});

test("after a break the list is right again, also where another device took everything", async () => {
  const { model, parley, log } = await rig({ prepare: people(120) });
  await model.loadConversations();
  parley.disconnect();
  log.text({ user: "p1" }, "p1", "new from 1");
  log.text({ user: "p100" }, "p100", "new from 100");
  log.reads.set("user:p90", 999);
  parley.connect();
  await settle();
  const first = model.conversations.slice(0, 2).map((each) => [each.key, each.unread, each.last.msg]);
  assert.deepEqual(first, [["user:p100", 2, "new from 100"], ["user:p1", 2, "new from 1"]]);
  assert.equal(model.conversation({ user: "p90" }).unread, 0);
});

test("missed texts that are skipped are counted by the server", async () => {
  const { model, parley, log, clock } = await rig({ prepare: (log) => log.text(BEN, "ben", "one") });
  parley.disconnect();
  for (let i = 0; i < 300; i++) log.text(BEN, "ben", `t${i}`);
  parley.connect();
  const rest = log.all(BEN).slice(-50);
  parley.emit("skipped", { peer: BEN, cid: rest[0].cid - 1, count: 250 });
  for (const entry of rest) parley.deliver(entry);
  await clock.pass(1000);
  assert.equal(model.conversation(BEN).unread, 301);
});

test("after another epoch everything is forgotten and asked for anew", async () => {
  const { model, parley, log } = await rig({ prepare: (log) => { for (let i = 0; i < 80; i++) log.text(BEN, "ben", `old ${i}`); people(3)(log); } });
  const ben = await model.open(BEN);
  parley.disconnect();
  log.entries.clear();
  log.reads.clear();
  log.text(BEN, "ben", "restored");
  parley.emit("epoch", {});
  parley.connect();
  await settle();
  assert.equal(model.conversation(BEN), ben);
  assert.deepEqual(words(ben), ["restored"]);
  assert.deepEqual(model.conversations.map((each) => each.key), ["user:ben"]);
});

test("typing is shown for five seconds, or until the text", async () => {
  const { model, parley, hear, clock } = await rig();
  const club = model.conversation(CLUB);
  parley.emit("typing", { peer: CLUB, user: "ben" });
  parley.emit("typing", { peer: CLUB, user: "cora" });
  assert.deepEqual(club.typing, ["ben", "cora"]);
  hear(CLUB, "cora", "done");
  assert.deepEqual(club.typing, ["ben"]);
  await clock.pass(4000);
  parley.emit("typing", { peer: CLUB, user: "ben" });
  await clock.pass(4000);
  assert.deepEqual(club.typing, ["ben"]);
  await clock.pass(1000);
  assert.deepEqual(club.typing, []);
  assert.equal(clock.timers, 0);
});

test("drafts last over a reload, bounded, and put their conversation into the list", async () => {
  const first = await rig();
  first.model.setDraft(first.model.conversation(BEN), "half a thought");
  for (let i = 0; i < 120; i++) first.model.setDraft(first.model.conversation({ user: `p${i}` }), "x");
  first.model.setDraft(first.model.conversation(BEN), "half a thought, again");
  await first.clock.pass(1000);
  const saved = first.storage.values;
  const { model } = await rig({ prepare: (_, storage) => (storage.values = saved) });
  assert.equal(model.conversation(BEN).draft, "half a thought, again");
  assert.equal(model.conversations.filter((each) => each.draft).length, 100);
  model.setDraft(model.conversation(BEN), "");
  await settle();
  assert.ok(!model.conversations.includes(model.conversation(BEN)));
});

test("how far the other has read is remembered over a reload", async () => {
  const first = await rig();
  const ben = await first.model.open(BEN);
  first.model.send(ben, { msg: "hello" });
  await settle();
  first.parley.emit("mark", { peer: BEN, user: "ben", cid: ben.items[0].cid, kind: "read" });
  await first.clock.pass(1000);
  const { model } = await rig({ prepare: (log, storage) => { storage.values = first.storage.values; log.text(BEN, "anna", "hello"); } });
  assert.equal((await model.open(BEN)).items[0].state, "read");
});

test("one event is fired for all that changes at once", async () => {
  const { model, hear } = await rig();
  await model.open(BEN);
  await settle();
  const seen = [];
  for (const name of ["conversations", "items"]) model.addEventListener(name, (event) => seen.push([name, event.detail?.conversation?.key]));
  for (let i = 0; i < 5; i++) hear(BEN, "ben", `t${i}`);
  await settle();
  assert.deepEqual(seen, [["items", "user:ben"], ["conversations", undefined]]);
});

test("a conversation that is quiet does not count in the total, set here or on another device", async () => {
  const { model, hear, parley, clock } = await rig();
  hear(BEN, "ben", "hello");
  hear(CLUB, "cora", "hello");
  await model.quiet(model.conversation(BEN), clock.now() + 5000);
  assert.equal(model.unreadTotal, 1);
  parley.emit("quiet", { peer: CLUB, until_ms: clock.now() + 9000 });
  assert.equal(model.unreadTotal, 0);
  await clock.pass(6000);
  assert.equal(model.unreadTotal, 1);
  await model.quiet(model.conversation(CLUB), 0);
  assert.equal(model.unreadTotal, 2);
});
