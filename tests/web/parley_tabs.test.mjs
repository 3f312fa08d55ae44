import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, memoryStore } from "../../services/web/parley.js";
import { FakeBrowser } from "./support/fake_browser.mjs";
import { FakeClock, settle } from "./support/fake_clock.mjs";
import { FakeServer } from "./support/fake_server.mjs";
import { ben, makeScene, makeSignedIn } from "./support/scene.mjs";

/** Tabs of one browser: one store, one set of locks, one server, one clock. */
function makeBrowser({ withLocks = true } = {}) {
  const browser = new FakeBrowser();
  const shared = { store: memoryStore(), server: new FakeServer(), clock: new FakeClock() };
  const sessions = [];
  return {
    ...shared,
    locks: browser.locks,
    /** A new tab, or one that is loaded again. */
    open(session = new Map()) {
      sessions.push(session);
      return { ...makeScene({ ...shared, host: browser.tab({ withLocks, session }) }), session };
    },
  };
}

test("a second tab finds the login held, and takes it over when the user asks for it", async () => {
  const browser = makeBrowser();
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  const two = browser.open();
  assert.equal(await two.parley.restore(), "held");
  assert.equal(two.parley.held, "anna");
  assert.equal(two.parley.state.name, "signed_out");

  await two.parley.takeOver();
  await settle();
  assert.equal(two.parley.state.name, "connected");
  assert.equal(one.parley.state.name, "replaced");
  await browser.clock.advance(600_000);
  assert.equal(one.parley.state.name, "replaced");
  assert.equal(browser.server.got(317).length, 1, "neither throws the other out by itself");

  await one.parley.takeOver();
  await settle();
  assert.equal(one.parley.state.name, "connected");
  assert.equal(two.parley.state.name, "replaced");
});

test("a tab that takes a login over takes its waiting texts; none is sent twice or lost", async () => {
  const browser = makeBrowser();
  browser.server.on(5, () => []);
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  for (const msg of ["one", "two"]) one.parley.send(ben, { msg });
  await settle();
  const two = browser.open();
  await two.parley.restore();
  browser.server.on(5, (message) => [browser.server.store(message)]);
  await two.parley.takeOver();
  await settle();
  assert.deepEqual(browser.server.texts, ["one", "two"]);
  assert.equal(browser.server.got(5).length, 3, "the first once more, under its ref");
  // The first tab learns of it when it takes the login back.
  await one.parley.takeOver();
  await settle();
  assert.deepEqual(one.parley.outbox, []);
  assert.deepEqual(
    one.heard.outgoing.map(({ state }) => state),
    ["waiting", "waiting", "discarded", "discarded"]
  );
  assert.equal(browser.server.got(5).length, 3);
});

test("a tab keeps texts that the store had no room for, while another one has its login", async () => {
  const browser = makeBrowser();
  browser.server.on(5, () => []);
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  const { set } = browser.store;
  browser.store.set = (key, value) => (key.startsWith("text:") ? Promise.reject(new Error("no room")) : set(key, value));
  one.parley.send(ben, { msg: "in memory alone" });
  await settle();
  const two = browser.open();
  await two.parley.restore();
  await two.parley.takeOver();
  await settle();
  browser.server.on(5, (message) => [browser.server.store(message)]);
  await one.parley.takeOver();
  await settle();
  assert.deepEqual(browser.server.texts, ["in memory alone"]);
  assert.deepEqual(one.parley.outbox, []);
});

test("a tab that is loaded again waits for itself to be gone, and goes on", async () => {
  const browser = makeBrowser();
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  const again = browser.open(one.session);
  const restored = again.parley.restore();
  await settle();
  assert.equal(again.parley.state.name, "signed_out");
  one.parley.close();
  assert.equal(await restored, "resumed");
});

test("the copy of a tab does not wait for ever", async () => {
  const browser = makeBrowser();
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  const copy = browser.open(one.session);
  const restored = copy.parley.restore();
  await browser.clock.advance(LIMITS.lock_ms);
  assert.equal(await restored, "held");
});

test("two tabs with a login each get their own back", async () => {
  const browser = makeBrowser();
  const [one, two] = [browser.open(), browser.open()];
  await one.parley.signIn({ user: "anna" });
  await browser.clock.advance(1000);
  await two.parley.signIn({ user: "ben" });
  one.parley.close();
  two.parley.close();
  const [again, other] = [browser.open(one.session), browser.open(two.session)];
  await again.parley.restore();
  await other.parley.restore();
  assert.deepEqual([again.parley.user, other.parley.user], ["anna", "ben"]);
  other.parley.close();
  const third = browser.open();
  assert.equal(await third.parley.restore({ user: "cora" }), "none");
  assert.equal(await third.parley.restore({ user: "ben" }), "resumed");
});

test("the texts of a closed tab are sent by another one of the account", async () => {
  const browser = makeBrowser();
  browser.server.on(5, () => []);
  const [one, two] = [browser.open(), browser.open()];
  await one.parley.signIn({ user: "anna" });
  await two.parley.signIn({ user: "anna" });
  one.parley.send(ben, { msg: "from the first" });
  await settle();
  const reconnect = async () => {
    browser.server.link.end(1006, "");
    await browser.clock.advance(1000);
  };
  await reconnect();
  assert.equal(two.parley.outbox.length, 0, "as long as its own tab is there, they are that tab's");
  one.parley.close();
  browser.server.on(5, (message) => [browser.server.store(message)]);
  await reconnect();
  await settle();
  assert.deepEqual(browser.server.texts, ["from the first"]);
  assert.deepEqual(await browser.store.list("text:"), []);
});

test("the texts of another account stay where they are", async () => {
  const browser = makeBrowser();
  browser.server.on(5, () => []);
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  one.parley.send(ben, { msg: "anna's" });
  await settle();
  one.parley.close();
  const two = browser.open();
  await two.parley.signIn({ user: "ben" });
  await settle();
  assert.deepEqual(two.parley.outbox, []);
  assert.equal((await browser.store.list("text:")).length, 1);
});

test("without locks a tab takes only its own login by itself", async () => {
  const browser = makeBrowser({ withLocks: false });
  const one = browser.open();
  await one.parley.signIn({ user: "anna" });
  const again = browser.open(one.session);
  assert.equal(await again.parley.restore(), "resumed");
  const other = browser.open();
  assert.equal(await other.parley.restore(), "held");
  await other.parley.takeOver();
  await settle();
  assert.equal(other.parley.state.name, "connected");
});

test("old logins, and too many, are forgotten", async () => {
  const { parley, store, clock } = makeScene();
  const login = (id, age) => ({ id, user: "anna", token: "t", epoch: 1, used_ms: clock.now() - age });
  await store.set("login:old", login("old", LIMITS.login_age_ms + 1));
  for (let i = 0; i < LIMITS.logins + 3; i++) await store.set(`login:${i}`, login(`${i}`, 1000 + i));
  assert.equal(await parley.restore({ user: "nobody" }), "none");
  const left = (await store.list("login:")).map(([key]) => key);
  assert.equal(left.length, LIMITS.logins);
  assert.ok(!left.includes("login:old") && left.includes("login:0"));
});

test("a login is taken back after a reload though the server is away", async () => {
  const store = memoryStore();
  const first = await makeSignedIn({ store });
  first.parley.close();
  const second = makeScene({ store });
  second.server.reachable = false;
  assert.equal(await second.parley.restore(), "resumed");
  assert.equal(second.parley.user, "anna");
  second.parley.send(ben, { msg: "written meanwhile" });
  second.server.reachable = true;
  await second.clock.advance(60_000);
  assert.deepEqual(second.server.texts, ["written meanwhile"]);
});
