import assert from "node:assert/strict";
import { test } from "node:test";
import { byteLength, LIMITS, memoryStore, wellFormed } from "../../services/web/parley.js";
import { settle } from "./support/fake_clock.mjs";
import { ben, errorOf, makeScene, makeSignedIn } from "./support/scene.mjs";

const club = { group: "club" };
const states = (outgoing) => outgoing.map(({ state }) => state);

test("a text is stored, and leaves the outbox", async () => {
  const { parley, server, store, heard } = await makeSignedIn();
  const text = parley.send(ben, { msg: "hello", reply: 12, mentions: ["ben"] });
  assert.equal(text.state, "waiting");
  assert.deepEqual(parley.outbox, [text]);
  assert.equal(server.got(5).length, 0, "it is kept before it is sent");
  await settle();
  const [{ ref, msgBody }] = server.got(5);
  assert.equal(ref, text.ref);
  assert.deepEqual(msgBody, {
    ...{ token: "token-anna", toUserId: "ben", msg: "hello", fromUserId: "anna", reply: 12, mentions: ["ben"] },
  });
  assert.equal(text.state, "stored");
  assert.equal(text.cid, 1001);
  assert.deepEqual(states(heard.outgoing), ["waiting", "stored"]);
  assert.deepEqual(parley.outbox, []);
  assert.deepEqual(await store.list("text:"), []);
});

test("a text to a group", async () => {
  const { parley, server } = await makeSignedIn();
  parley.send(club, { msg: "hello all", mentions: "all" });
  await settle();
  assert.deepEqual(server.got(7)[0].msgBody, {
    ...{ token: "token-anna", toGroup: "club", msg: "hello all", fromUserId: "anna", mentions: "all" },
  });
});

test("texts of one conversation go one after the other, those of others beside them", async () => {
  const { parley, server } = await makeSignedIn();
  server.on(5, () => []);
  for (const msg of ["one", "two"]) parley.send(ben, { msg });
  parley.send(club, { msg: "three" });
  await settle();
  assert.deepEqual(
    [...server.got(5), ...server.got(7)].map(({ msgBody }) => msgBody.msg),
    ["one", "three"]
  );
  server.link.push(server.store(server.got(5)[0]));
  await settle();
  assert.equal(server.got(5)[1].msgBody.msg, "two");
});

test("texts written without a connection are sent in order once there is one", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.reachable = false;
  server.link.end(1006, "");
  for (const msg of ["one", "two", "three"]) parley.send(ben, { msg });
  await clock.advance(60_000);
  assert.equal(parley.outbox.length, 3);
  server.reachable = true;
  await clock.advance(30_000);
  assert.deepEqual(server.texts, ["one", "two", "three"]);
  assert.deepEqual(parley.outbox, []);
});

test("a lost answer: the text is sent again under its ref, and is stored once", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.on(5, (message, link) => {
    server.store(message);
    server.on(5, (again) => [server.store(again)]);
    queueMicrotask(() => link.end(1006, ""));
    return [];
  });
  const text = parley.send(ben, { msg: "once" });
  await clock.advance(1000);
  const refs = server.got(5).map(({ ref }) => ref);
  assert.deepEqual(refs, [text.ref, text.ref]);
  assert.deepEqual(server.texts, ["once"]);
  assert.equal(text.state, "stored");
});

test("a text that the program's end kept from being sent is sent by the next run", async () => {
  const memory = memoryStore();
  const store = { ...memory, list: async (prefix) => (await memory.list(prefix)).reverse() };
  const first = await makeSignedIn({ store });
  first.server.on(5, () => []);
  for (const msg of ["one", "two"]) first.parley.send(ben, { msg });
  await settle();
  const [one] = first.server.got(5);
  // The program is gone without a word: nothing of it is asked any more.
  const second = makeScene({ store });
  assert.equal(await second.parley.restore(), "resumed");
  assert.equal(second.parley.user, "anna");
  assert.deepEqual(states(second.heard.outgoing), ["waiting", "waiting"]);
  await settle();
  assert.equal(second.server.got(317)[0].msgBody.token, "token-anna");
  assert.equal(second.server.got(5)[0].ref, one.ref);
  assert.deepEqual(second.server.texts, ["one", "two"]);
  assert.deepEqual(await store.list("text:"), []);
});

test("a refused text has the reason, stays, and can be sent again or given up", async () => {
  const { parley, server, store, heard } = await makeSignedIn();
  server.on(5, (message) => [server.refuse(message, "blocked", "ben does not take messages from you")]);
  const text = parley.send(ben, { msg: "hello" });
  await settle();
  assert.equal(text.state, "refused");
  assert.deepEqual(text.error, { word: "blocked", text: "ben does not take messages from you" });
  assert.deepEqual(parley.outbox, [text]);
  const again = makeScene({ store, server });
  await again.parley.restore();
  assert.equal(again.parley.outbox[0].error.word, "blocked", "also after a reload");
  again.parley.close();

  parley.again(text.ref);
  await settle();
  assert.equal(server.got(5).length, 2);
  server.on(5, (message) => [server.store(message)]);
  parley.again(text.ref);
  await settle();
  assert.deepEqual(states(heard.outgoing), ["waiting", "refused", "waiting", "refused", "waiting", "stored"]);
  assert.equal(text.error, undefined);

  server.on(5, (message) => [server.refuse(message, "muted")]);
  const other = parley.send(ben, { msg: "never mind" });
  await settle();
  parley.discard(other.ref);
  assert.equal(other.state, "discarded");
  assert.deepEqual(parley.outbox, []);
  await settle();
  assert.deepEqual(await store.list("text:"), []);
});

test("a refused text holds back none behind it", async () => {
  const { parley, server } = await makeSignedIn();
  server.on(5, (message) =>
    message.msgBody.msg === "bad" ? [server.refuse(message, "bad_request")] : [server.store(message)]
  );
  for (const msg of ["bad", "good"]) parley.send(ben, { msg });
  await settle();
  assert.deepEqual(server.texts, ["good"]);
});

test("a busy server is asked again later under the same ref, and order holds", async () => {
  for (const word of ["overloaded", "unavailable", "timeout", "unknown_outcome", "throttled"]) {
    const { parley, server, clock } = await makeSignedIn();
    server.on(5, (message) => [server.refuse(message, word)]);
    const text = parley.send(ben, { msg: "one" });
    parley.send(ben, { msg: "two" });
    await clock.advance(1999);
    assert.equal(server.got(5).length, 1, "after 1 s and half of 2 s");
    await clock.advance(1);
    assert.equal(server.got(5).length, 2);
    await clock.advance(2999);
    assert.equal(server.got(5).length, 2, "after 1 s and half of 4 s");
    server.on(5, (message) => [server.store(message)]);
    await clock.advance(1);
    assert.ok(server.got(5).slice(0, 3).every(({ ref }) => ref === text.ref));
    assert.deepEqual(server.texts, ["one", "two"]);
  }
});

test("a text that is given up on its way is not sent again", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.on(5, () => []);
  const one = parley.send(ben, { msg: "one" });
  parley.send(ben, { msg: "two" });
  await settle();
  parley.discard(one.ref);
  await settle();
  server.link.end(1006, "");
  server.on(5, (message) => [server.store(message)]);
  await clock.advance(1000);
  assert.deepEqual(server.texts, ["two"]);
});

test("the limits of a text", async () => {
  const { parley, server } = await makeSignedIn();
  assert.equal((await errorOf(() => parley.send(ben, { msg: "" }))).word, "empty");
  assert.equal((await errorOf(() => parley.send(ben, { msg: "é".repeat(32_501) }))).word, "too_long");
  assert.equal((await errorOf(() => parley.send(ben, { msg: '"'.repeat(40_000) }))).word, "too_long");
  assert.deepEqual(parley.outbox, []);
  parley.send(ben, { msg: "é".repeat(32_500) });
  parley.send(ben, { msg: "half of an emoji: \ud83d, a whole one: 😀, \ufefffirst" });
  await settle();
  assert.equal(byteLength(server.texts[0]), 65_000);
  assert.equal(server.texts[1], "half of an emoji: \ufffd, a whole one: 😀, \ufefffirst");
  assert.equal(wellFormed("\ufeffmark"), "\ufeffmark");
});

test("the outbox has a limit, and reports it", async () => {
  const { parley, server } = await makeSignedIn();
  server.on(5, () => []);
  for (let i = 0; i < LIMITS.outbox; i++) parley.send(ben, { msg: `text ${i}` });
  const error = await errorOf(() => parley.send(ben, { msg: "one more" }));
  assert.equal(error.word, "outbox_full");
  assert.equal(parley.outbox.length, LIMITS.outbox);
  parley.discard(parley.outbox[5].ref);
  parley.send(ben, { msg: "one more" });
});

test("texts to many conversations wait for each other", async () => {
  const { parley, server } = await makeSignedIn();
  server.on(5, () => []);
  for (let i = 0; i < LIMITS.sending + 5; i++) parley.send({ user: `friend${i}` }, { msg: "hello" });
  await settle();
  assert.equal(server.got(5).length, LIMITS.sending);
  server.link.push(server.store(server.got(5)[0]));
  await settle();
  assert.equal(server.got(5).length, LIMITS.sending + 1);
});

test("a store without room does not keep a text from being sent", async () => {
  const store = { ...memoryStore(), set: async () => Promise.reject(new Error("no room")) };
  const { parley, server } = await makeSignedIn({ store });
  parley.send(ben, { msg: "hello" });
  await settle();
  assert.deepEqual(server.texts, ["hello"]);
});

test("a text before the login is refused", async () => {
  const { parley } = makeScene();
  assert.equal((await errorOf(() => parley.send(ben, { msg: "hello" }))).word, "signed_out");
});
