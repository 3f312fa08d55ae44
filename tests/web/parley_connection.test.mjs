import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support/fake_clock.mjs";
import { FakeBrowser } from "./support/fake_browser.mjs";
import { ben, errorOf, makeScene, makeSignedIn } from "./support/scene.mjs";

const last = (list) => list.at(-1);

test("reconnecting waits a random time, up to twice as long after each try, 30 s at most", async () => {
  for (const chance of [0.001, 0.5, 0.999]) {
    const { parley, server, clock } = await makeSignedIn();
    clock.chance = chance;
    server.reachable = false;
    const waits = [];
    server.link.end(1006, "");
    for (let i = 0; i < 8; i++) {
      assert.equal(parley.state.name, "waiting");
      waits.push(parley.state.retry_at - clock.now());
      const links = server.links.length;
      await clock.advance(waits[i]);
      assert.equal(server.links.length, links + 1);
    }
    const most = [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000];
    assert.deepEqual(
      waits,
      most.map((ms) => ms * chance)
    );
  }
});

test("a connection that held begins anew with short waits, one that did not goes on with long ones", async () => {
  const { parley, server, clock } = await makeSignedIn();
  const waitOf = () => parley.state.retry_at - clock.now();
  server.link.end(1006, "");
  assert.equal(waitOf(), 500);
  await clock.advance(500);
  assert.equal(parley.state.name, "connected");
  server.link.end(1006, "");
  assert.equal(waitOf(), 1000);
  await clock.advance(1000);
  await clock.advance(10_000);
  server.link.end(1006, "");
  assert.equal(waitOf(), 500);
});

test("resuming asks for missed entries, by the token", async () => {
  const { parley, server, clock } = await makeSignedIn({ device: "my laptop" });
  server.link.end(1001, "");
  await clock.advance(500);
  assert.equal(parley.state.name, "connected");
  assert.deepEqual(last(server.received).msgBody, {
    ...{ token: "token-anna", ext: 1, confirm: true, backlog: 50, device: "my laptop" },
  });
});

test("retry() connects at once", async () => {
  const { parley, server } = await makeSignedIn();
  server.link.end(1006, "");
  parley.retry();
  await settle();
  assert.equal(parley.state.name, "connected");
  parley.retry();
  await settle();
  assert.equal(server.links.length, 2, "a connection that is there stays");
});

test("a busy or full server is left alone for at least a second", async () => {
  for (const [meet, word] of [["refused", "overloaded"], ["closed"]]) {
    const { parley, server, clock } = await makeSignedIn();
    clock.chance = 0;
    if (meet === "refused") {
      server.on(317, (message) => [server.refuse(message, word)]);
      server.link.end(1006, "");
      await clock.advance(0);
    } else {
      server.link.end(1013, "the server is full");
    }
    assert.equal(parley.state.retry_at - clock.now(), 1000);
  }
});

test("a server that cannot resume just now is asked again", async () => {
  for (const word of ["unavailable", "timeout", "throttled", "too_many", "internal"]) {
    const { parley, server, clock } = await makeSignedIn();
    server.on(317, (message) => [server.refuse(message, word)]);
    server.link.end(1006, "");
    await clock.advance(500);
    assert.equal(parley.state.name, "waiting", word);
    server.on(317, (message) => server.grant(message, "anna"));
    await clock.advance(30_000);
    assert.equal(parley.state.name, "connected", word);
  }
});

test("a token that is void ends the login; the texts wait for the next one", async () => {
  for (const word of ["bad_token", "disabled"]) {
    const { parley, server, clock, store } = await makeSignedIn();
    server.on(5, () => []);
    parley.send(ben, { msg: "waits" });
    await settle();
    server.on(317, (message) => [server.refuse(message, word, "log in again")]);
    server.link.end(1006, "");
    await clock.advance(500);
    assert.deepEqual(parley.state, { name: "ended", reason: "log in again", user: "anna" });
    assert.equal(parley.user, null);
    await clock.advance(120_000);
    assert.equal(server.links.length, 2);
    assert.deepEqual(await store.list("login:"), []);
    server.on(5, (message) => [server.store(message)]);
    await parley.signIn({ user: "anna" });
    await settle();
    assert.deepEqual(server.texts, ["waits"]);
    assert.deepEqual(await store.list("text:"), []);
  }
});

test("a login that was resumed elsewhere, or was put out, is left alone until it is taken over", async () => {
  for (const reason of [
    "resumed on another connection",
    "another connection of the account has taken its place",
    "the operator closed this connection",
  ]) {
    const { parley, server, clock } = await makeSignedIn();
    server.link.push({ msgType: 101, msg: `${reason}: why`, fromUserId: "SYSTEM" });
    server.link.end(1008, reason);
    assert.deepEqual(parley.state, { name: "replaced", reason: `${reason}: why` });
    parley.retry();
    await clock.advance(600_000);
    assert.equal(server.links.length, 1);
    assert.equal((await errorOf(() => parley.send(ben, { msg: "hello" }))).word, "replaced");
    await parley.takeOver();
    await settle();
    assert.equal(parley.state.name, "connected");
  }
});

test("an account or a login that was ended elsewhere ends here", async () => {
  for (const reason of ["the account was deleted", "this login was ended from another device"]) {
    const { parley, server, clock } = await makeSignedIn();
    server.link.push({ msgType: 101, msg: reason, fromUserId: "SYSTEM" });
    server.link.end(1008, reason);
    await clock.advance(60_000);
    assert.deepEqual(parley.state, { name: "ended", reason, user: "anna" });
    assert.equal(server.links.length, 1);
  }
});

test("other ends of a connection are followed by another try", async () => {
  for (const [code, reason] of [[1008, "more unread answers than the queue holds"], [1011, ""], [1001, ""]]) {
    const { parley, server, clock } = await makeSignedIn();
    server.link.end(code, reason);
    await clock.advance(500);
    assert.equal(parley.state.name, "connected");
  }
});

test("a connection that does not open is given up", async () => {
  const { parley, server, clock } = await makeSignedIn();
  server.reachable = "hangs";
  server.link.end(1006, "");
  await clock.advance(500);
  assert.equal(parley.state.name, "connecting");
  await clock.advance(10_000);
  assert.equal(parley.state.name, "waiting");
});

test("another epoch: everything is to be forgotten, and cids count anew", async () => {
  const { server, clock, heard } = await makeSignedIn();
  const text = (cid) => ({ msgType: 6, msg: "hi", fromUserId: "ben", cid, time_ms: 1 });
  server.link.push(text(500));
  server.link.end(1006, "");
  await clock.advance(500);
  assert.equal(heard.epoch.length, 0);
  server.link.end(1006, "");
  server.epoch = 8;
  await clock.advance(1000);
  assert.equal(heard.epoch.length, 1);
  server.link.push(text(400));
  assert.deepEqual(
    heard.entry.map(({ cid }) => cid),
    [500, 400]
  );
});

// --- signs of life ---------------------------------------------------------------------------------

test("after 45 s of silence a sign of life is asked for; without an answer the connection is lost", async () => {
  const { parley, server, clock } = await makeSignedIn();
  await clock.advance(44_999);
  assert.equal(server.got(99).length, 0);
  await clock.advance(1);
  assert.equal(server.got(99).length, 1);
  await clock.advance(30_000);
  assert.equal(parley.state.name, "connected");
  assert.equal(server.links.length, 1);
  server.on(99, () => []);
  await clock.advance(15_000);
  assert.equal(server.got(99).length, 2);
  await clock.advance(9_999);
  assert.equal(parley.state.name, "connected");
  await clock.advance(1);
  assert.equal(parley.state.name, "waiting");
  assert.equal(server.link.readyState, 3);
  server.on(99, (message) => [server.ok(message)]);
  await clock.advance(500);
  assert.equal(parley.state.name, "connected");
});

test("while a text waits for its answer, silence is short", async () => {
  const { parley, server, clock } = await makeSignedIn();
  await clock.advance(40_000);
  for (const number of [5, 99]) server.on(number, () => []);
  parley.send(ben, { msg: "hello" });
  await clock.advance(5_000);
  assert.equal(server.got(99).length, 1, "45 s after the last sign of life");
  server.link.push(server.ok(server.got(99)[0]));
  await clock.advance(24_999);
  assert.equal(server.got(99).length, 1);
  await clock.advance(1);
  assert.equal(server.got(99).length, 2);
  server.on(5, (message) => [server.store(message)]);
  await clock.advance(10_500);
  assert.deepEqual(server.texts, ["hello"]);
});

test("any message is a sign of life", async () => {
  const { server, clock } = await makeSignedIn();
  for (let i = 0; i < 10; i++) {
    await clock.advance(30_000);
    server.link.push({ msgType: 107, friendId: "ben", time_ms: 1 });
  }
  assert.equal(server.got(99).length, 0);
});

test("a hidden tab asks for nothing until it is shown", async () => {
  const host = new FakeBrowser().tab();
  const { parley, server, clock } = await makeSignedIn({ host });
  host.show(false);
  await clock.advance(600_000);
  assert.equal(server.got(99).length, 0);
  server.on(99, () => []);
  host.show(true);
  await settle();
  assert.equal(server.got(99).length, 1);
  await clock.advance(10_000);
  assert.equal(parley.state.name, "waiting");
  server.on(99, (message) => [server.ok(message)]);
  host.show(false);
  host.show(true);
  await settle();
  assert.equal(parley.state.name, "connected", "shown again, it does not wait");
});

for (const stop of ["leave", "freeze"])
  test(`a page that is stopped (${stop}) has no connection until it is shown again`, async () => {
    const host = new FakeBrowser().tab();
    const { parley, server } = await makeSignedIn({ host });
    parley.send(ben, { msg: "one" });
    await settle();
    host[stop]();
    assert.equal(server.link.readyState, 3, "the server learns of it at once");
    parley.send(ben, { msg: "two" });
    await settle();
    assert.deepEqual([parley.state.name, server.links.length], ["waiting", 1]);
    host.show(true);
    await settle();
    assert.deepEqual([parley.state.name, server.links.length], ["connected", 2]);
    assert.deepEqual(server.texts, ["one", "two"]);
  });

test("a page without a login stays so when it is stopped", async () => {
  const host = new FakeBrowser().tab();
  const { parley, server } = await makeSignedIn({ host });
  await parley.logout();
  const links = server.links.length;
  host.leave();
  host.show(true);
  await settle();
  assert.deepEqual([parley.state.name, server.links.length], ["signed_out", links]);
});

test("the browser goes offline and online", async () => {
  const host = new FakeBrowser().tab();
  const { parley, server, clock } = await makeSignedIn({ host });
  host.connect(false);
  await settle();
  assert.equal(parley.state.name, "connected", "a server on this machine is still there");
  server.on(99, () => []);
  server.reachable = false;
  await clock.advance(1000);
  host.connect(false);
  await clock.advance(10_000);
  assert.equal(parley.state.name, "offline");
  for (const msg of ["one", "two"]) parley.send(ben, { msg });
  await clock.advance(60_000);
  assert.equal(parley.state.name, "offline");
  assert.ok(parley.state.retry_at >= clock.now());
  server.reachable = true;
  server.on(99, (message) => [server.ok(message)]);
  host.connect(true);
  await settle();
  assert.equal(parley.state.name, "connected");
  assert.deepEqual(server.texts, ["one", "two"]);
});

test("a socket that lies dead while the network is new is found", async () => {
  const host = new FakeBrowser().tab();
  const { parley, server, clock } = await makeSignedIn({ host });
  server.on(99, () => []);
  host.connect(true);
  await clock.advance(10_500);
  assert.equal(server.links.length, 2);
  assert.equal(parley.state.name, "connected");
});

test("bytes that are no JSON are a fault, and harm nothing", async () => {
  const { parley, server, heard } = await makeSignedIn();
  server.link.onmessage({ data: "{" });
  assert.equal(heard.fault.length, 1);
  server.link.push({ msgType: 777 }, { msgType: 300, ref: "unknown", ok: true }, {});
  assert.equal(parley.state.name, "connected");
});

test("messages of a connection that was given up are ignored", async () => {
  const { server, clock, heard } = await makeSignedIn();
  const [old] = server.links;
  const { onmessage } = old;
  old.end(1006, "");
  await clock.advance(500);
  onmessage({ data: JSON.stringify({ msgType: 107, friendId: "ben" }) });
  assert.deepEqual(heard.presence, []);
});

test("a page that never gets a connection keeps no more than it has", async () => {
  const scene = makeScene();
  await scene.store.set("login:a", { id: "a", user: "anna", token: "token-anna", epoch: 7, used_ms: scene.clock.now() });
  scene.server.reachable = false;
  assert.equal(await scene.parley.restore(), "resumed");
  await scene.clock.advance(3_600_000);
  assert.equal(scene.clock.waiting, 1, "one timer, for the next try");
});
