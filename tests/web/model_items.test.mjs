import assert from "node:assert/strict";
import test from "node:test";
import { BEN, CLUB, rig, words } from "./support/model_rig.mjs";
import { settle } from "./support/fake_parley.mjs";

/** That many texts of Ben's. */
const write = (count) => (log) => {
  for (let i = 1; i <= count; i++) log.text(BEN, "ben", `t${i}`);
};

test("a conversation opens at its newest page, and pages of history follow in both directions", async () => {
  const { model, log } = await rig({ prepare: write(500) });
  const ben = await model.open(BEN);
  assert.equal(ben.items.length, 50);
  assert.equal(ben.items.at(-1).msg, "t500");
  assert.ok(ben.atEnd && !ben.atStart);
  for (let i = 0; i < 9; i++) await model.loadBefore(ben);
  assert.ok(ben.atStart && !ben.atEnd);
  assert.equal(ben.items.length, 300);
  assert.deepEqual(words(ben), log.view(BEN).slice(0, 300).map((each) => each.msg));
  for (let i = 0; i < 4; i++) await model.loadAfter(ben);
  assert.ok(ben.atEnd && !ben.atStart);
  assert.deepEqual(words(ben), log.view(BEN).slice(-300).map((each) => each.msg));
});

test("a text waits, is stored, arrives and is read, under one key", async () => {
  for (const how of ["receipt first", "copy first"]) {
    const { model, parley } = await rig();
    const ben = await model.open(BEN);
    parley.how = how;
    model.send(ben, { msg: "hello" });
    const [waiting] = ben.items;
    const { key } = waiting;
    assert.equal(waiting.state, "waiting");
    await settle();
    assert.equal(ben.items.length, 1);
    const [item] = ben.items;
    assert.equal(item.key, key);
    assert.equal(item.state, "stored");
    parley.emit("mark", { peer: BEN, user: "ben", cid: item.cid, kind: "received" });
    assert.equal(item.state, "arrived");
    parley.emit("mark", { peer: BEN, user: "ben", cid: item.cid, kind: "read" });
    assert.equal(item.state, "read");
  }
});

test("live texts of a group are shown in order with their changes", async () => {
  const { model, hear, notice } = await rig();
  const club = await model.open(CLUB);
  const first = hear(CLUB, "ben", "one");
  const second = hear(CLUB, "cora", "two");
  notice(CLUB, { kind: "left", by: "cora", user: "cora", group: "club" });
  notice(CLUB, { kind: "recalled", by: "ben", user: "ben", target: first.cid });
  notice(CLUB, { kind: "edited", by: "cora", user: "cora", target: second.cid, msg: "two!", edited_ms: 9 });
  notice(CLUB, { kind: "reacted", by: "ben", user: "ben", target: second.cid, emoji: "👍", on: true });
  assert.deepEqual(words(club), ["", "two!", "left"]);
  assert.ok(club.items[0].recalled);
  assert.deepEqual(club.items[1].reactions, [{ emoji: "👍", count: 1, mine: false }]);
});

test("a waiting text stands last, and takes its place by cid once it is stored", async () => {
  const { model, parley, hear, log } = await rig();
  const ben = await model.open(BEN);
  parley.how = "later";
  const one = model.send(ben, { msg: "one" });
  model.send(ben, { msg: "two" });
  const entry = log.text(BEN, "anna", "one");
  hear(BEN, "ben", "between");
  assert.deepEqual(words(ben), ["between", "one", "two"]);
  parley.receipt(one, entry);
  assert.deepEqual(words(ben), ["one", "between", "two"]);
  assert.deepEqual(ben.items.map((item) => item.state), ["stored", "stored", "waiting"]);
});

test("the same words from another device are not taken for the text that waits", async () => {
  const { model, parley, hear, log } = await rig();
  const ben = await model.open(BEN);
  parley.how = "later";
  const mine = model.send(ben, { msg: "ok" });
  const [{ key }] = ben.items;
  hear(BEN, "anna", "ok"); // taken for the waiting one until the receipt says otherwise
  assert.equal(ben.items.length, 1);
  const entry = log.text(BEN, "anna", "ok");
  parley.receipt(mine, entry);
  parley.deliver(entry);
  assert.deepEqual(words(ben), ["ok", "ok"]);
  assert.equal(ben.items[1].key, key);
  assert.notEqual(ben.items[0].key, key);
  assert.deepEqual(ben.items.map((item) => item.cid), log.all(BEN).map((each) => each.cid));
});

test("a text that waited in the store is not taken for an old one with the same words", async () => {
  const { model, parley } = await rig({ start: false, prepare: (log) => log.text(BEN, "anna", "ok") });
  parley.how = "later";
  parley.outbox = [{ ref: "old", peer: BEN, msg: "ok", state: "waiting", at: 1 }];
  await model.start();
  const ben = await model.open(BEN);
  assert.deepEqual(ben.items.map((item) => item.state), ["stored", "waiting"]);
});

test("a refused text shows the reason, and can be sent again or given up", async () => {
  const { model, parley } = await rig();
  const club = await model.open(CLUB);
  parley.how = "muted";
  model.send(club, { msg: "one" });
  model.send(club, { msg: "two" });
  await settle();
  assert.deepEqual(club.items.map((item) => [item.state, item.error.word]), [["refused", "muted"], ["refused", "muted"]]);
  parley.how = "receipt first";
  const [one, two] = club.items;
  model.again(two);
  model.discard(one);
  assert.deepEqual(words(club), ["two"]);
  assert.equal(two.state, "stored");
  assert.equal(two.error, null);
});

test("texts wait in sight without a connection, and are stored after it is back", async () => {
  const { model, parley, log } = await rig({ prepare: write(3) });
  const ben = await model.open(BEN);
  parley.disconnect();
  for (const msg of ["a", "b", "c"]) model.send(ben, { msg });
  await settle();
  assert.deepEqual(words(ben), ["t1", "t2", "t3", "a", "b", "c"]);
  assert.equal(ben.items.at(-1).state, "waiting");
  log.text(BEN, "ben", "meanwhile");
  const keys = ben.items.slice(-3).map((item) => item.key);
  parley.connect();
  await settle();
  assert.deepEqual(words(ben), ["t1", "t2", "t3", "meanwhile", "a", "b", "c"]);
  assert.deepEqual(ben.items.slice(-3).map((item) => item.key), keys);
});

test("a conversation that is opened without a connection fills once there is one", async () => {
  const { model, parley } = await rig({ prepare: write(3) });
  parley.disconnect();
  const ben = await model.open(BEN);
  await assert.rejects(model.loadBefore(ben), { word: "disconnected" });
  assert.equal(ben.items.length, 0);
  parley.connect();
  await settle();
  assert.deepEqual(words(ben), ["t1", "t2", "t3"]);
});

test("the window stays bounded while texts arrive, and keeps the lines that a reader looks at far above", async () => {
  const { model, hear } = await rig({ prepare: write(700) });
  const ben = await model.open(BEN);
  for (let i = 0; i < 400; i++) hear(BEN, "ben", `live${i}`);
  assert.equal(ben.items.length, 300);
  assert.equal(ben.items.at(-1).msg, "live399");
  for (let i = 0; i < 3; i++) await model.loadBefore(ben);
  const [first] = words(ben);
  hear(BEN, "ben", "news");
  assert.equal(words(ben)[0], first);
  assert.ok(!ben.atEnd);
  await model.loadNewest(ben);
  assert.equal(words(ben).at(-1), "news");
  assert.ok(ben.atEnd);
});

test("a reader who opens a conversation while many texts come goes along with its end", async () => {
  const { model, parley, hear } = await rig({ prepare: write(10) });
  const history = parley.history.bind(parley);
  let come = 0;
  parley.history = async (...asked) => {
    const page = await history(...asked);
    if (come < 1500) for (let i = 0; i < 250; i++) hear(BEN, "ben", `live${(come += 1)}`);
    return page;
  };
  const ben = await model.open(BEN);
  assert.ok(!ben.atEnd);
  for (let i = 0; i < 100 && !ben.atEnd; i++) {
    assert.ok(ben.following);
    await model.loadAfter(ben);
  }
  assert.ok(ben.atEnd && ben.following);
  assert.equal(words(ben).at(-1), `live${come}`);
  assert.ok(ben.items.length <= 300);
});

test("a place in the middle is loaded with the lines around it", async () => {
  const { model, log } = await rig({ prepare: write(1000) });
  const ben = await model.open(BEN);
  const { cid } = log.all(BEN)[400];
  await model.loadAround(ben, cid);
  assert.ok(ben.items.some((item) => item.cid === cid));
  assert.ok(!ben.atEnd && !ben.atStart);
  await model.loadBefore(ben);
  await model.loadAfter(ben);
  const all = log.view(BEN).map((each) => each.msg);
  assert.deepEqual(words(ben), all.slice(all.indexOf(words(ben)[0])).slice(0, ben.items.length));
});

test("the lines around the first text begin with it, and are known for the beginning", async () => {
  for (const place of ["the first cid", "a cid before it"]) {
    const { model, log } = await rig({ prepare: write(200) });
    const ben = await model.open(BEN);
    await model.loadAround(ben, place === "the first cid" ? log.all(BEN)[0].cid : 1);
    assert.equal(words(ben)[0], "t1", place);
    assert.ok(ben.atStart && !ben.atEnd, place);
  }
});

test("a reader in the middle keeps the lines there after a break", async () => {
  const { model, parley, log } = await rig({ prepare: write(1000) });
  const ben = await model.open(BEN);
  await model.loadAround(ben, log.all(BEN)[400].cid);
  while (ben.items.length < 300) await model.loadAfter(ben);
  const before = words(ben);
  parley.disconnect();
  parley.connect();
  await settle();
  assert.deepEqual(words(ben), before);
});

test("an answer shows the text that it answers, wherever that stands", async () => {
  const { model, log, hear, notice } = await rig({ prepare: write(400) });
  const old = log.all(BEN)[0];
  const ben = await model.open(BEN);
  hear(BEN, "ben", "answer", { reply: old.cid });
  assert.equal(ben.items.at(-1).reply.msg, null);
  await settle();
  assert.deepEqual(ben.items.at(-1).reply, { cid: old.cid, by: "ben", msg: "t1" });
  notice(BEN, { kind: "recalled", by: "ben", user: "ben", target: old.cid });
  assert.equal(ben.items.at(-1).reply.msg, "");
  const near = hear(BEN, "ben", "near");
  hear(BEN, "ben", "next", { reply: near.cid });
  notice(BEN, { kind: "edited", by: "ben", user: "ben", target: near.cid, msg: "nearer", edited_ms: 5 });
  assert.equal(ben.items.at(-1).reply.msg, "nearer");
});

test("a window that may lack something after a break is made whole, changes included", async () => {
  const { model, parley, log } = await rig({ prepare: write(120) });
  const ben = await model.open(BEN);
  parley.disconnect();
  // Another device took these meanwhile: they are not delivered.
  log.store(BEN, { kind: "recalled", by: "ben", user: "ben", target: log.all(BEN)[119].cid });
  log.text(BEN, "ben", "missed");
  parley.connect();
  await settle();
  assert.deepEqual(words(ben), log.view(BEN).slice(-51).map((each) => each.msg));
  assert.ok(ben.atEnd);
});

test("after a 318 the window ends before the skipped texts, and goes on from there", async () => {
  const { model, parley, log } = await rig({ prepare: write(120) });
  const ben = await model.open(BEN);
  parley.disconnect();
  for (let i = 0; i < 700; i++) log.text(BEN, "ben", `missed${i}`);
  const backlog = log.all(BEN).slice(-50);
  parley.connect();
  parley.emit("skipped", { peer: BEN, cid: backlog[0].cid - 1, count: 650 });
  for (const entry of backlog) parley.deliver(entry);
  await settle();
  assert.ok(!ben.atEnd);
  const all = log.view(BEN).map((each) => each.msg);
  const isPart = () => {
    const at = all.indexOf(words(ben)[0]);
    assert.deepEqual(words(ben), all.slice(at, at + ben.items.length));
  };
  isPart();
  assert.ok(words(ben).includes("t120"));
  for (let i = 0; i < 40 && !ben.atEnd; i++) {
    await model.loadAfter(ben);
    isPart();
  }
  assert.equal(words(ben).at(-1), "missed699");
});

test("a reaction that a page may have already is counted once", async () => {
  const { model, parley, log } = await rig({ prepare: write(10) });
  const { cid } = log.all(BEN)[5];
  parley.hold = true;
  const opening = model.open(BEN);
  await settle();
  // Stored before the page is read, delivered after it.
  const early = log.store(BEN, { kind: "reacted", by: "ben", user: "ben", target: cid, emoji: "👍", on: true });
  await parley.release();
  const ben = await opening;
  parley.hold = false;
  parley.deliver(early);
  await settle();
  assert.deepEqual(ben.find(cid).reactions, [{ emoji: "👍", count: 1, mine: false }]);
});

test("a text that is asked for again and let go meanwhile does not come back", async () => {
  const { model, parley, log, hear } = await rig({ prepare: write(10) });
  const ben = await model.open(BEN);
  parley.hold = true;
  parley.deliver(log.store(BEN, { kind: "reacted", by: "ben", user: "ben", target: ben.items[0].cid, emoji: "👍", on: true }));
  await settle();
  assert.deepEqual(parley.held, ["history"]);
  for (let i = 0; i < 300; i++) hear(BEN, "ben", `live${i}`);
  await parley.release();
  assert.deepEqual(words(ben), log.view(BEN).slice(-300).map((each) => each.msg));
});

test("a conversation that could not be loaded is asked for again, or at the first text", async () => {
  const { model, parley, hear, clock } = await rig({ prepare: write(3) });
  parley.faults.history = "overloaded";
  const ben = await model.open(BEN);
  assert.ok(!ben.loaded);
  delete parley.faults.history;
  await clock.pass(3000);
  assert.deepEqual(words(ben), ["t1", "t2", "t3"]);

  parley.faults.history = "no_account";
  const zoe = await model.open({ user: "zoe" });
  delete parley.faults.history;
  await clock.pass(10_000);
  assert.ok(!zoe.loaded);
  hear(zoe.peer, "zoe", "I am new here");
  hear(zoe.peer, "zoe", "hello");
  await settle();
  assert.deepEqual(words(zoe), ["I am new here", "hello"]);
});
