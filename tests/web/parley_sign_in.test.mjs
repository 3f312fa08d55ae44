import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support/fake_clock.mjs";
import { errorOf, makeScene, makeSignedIn } from "./support/scene.mjs";

const names = (states) => states.map(({ name }) => name);

test("a known person gets in with one request", async () => {
  const { parley, server, heard } = makeScene({ device: "my laptop" });
  assert.equal(parley.user, null);
  assert.deepEqual(await parley.signIn({ user: "anna", password: "secret" }), { user: "anna", created: false });
  assert.equal(parley.user, "anna");
  assert.deepEqual(names(heard.state), ["connecting", "connected"]);
  assert.equal(server.received.length, 1);
  const { msgType, ref, msgBody } = server.received[0];
  assert.equal(msgType, 1);
  assert.match(ref, /^[0-9a-f]{24}$/u);
  assert.deepEqual(msgBody, {
    ...{ loginUserId: "anna", password: "secret", ext: 1, confirm: true, backlog: 50, device: "my laptop" },
  });
});

test("a new person is registered, with the password if there is one", async () => {
  for (const password of [undefined, "secret"]) {
    const { parley, server } = makeScene();
    const known = new Set();
    server.on(1, (message) =>
      known.has(message.msgBody.loginUserId)
        ? server.grant(message, message.msgBody.loginUserId)
        : [{ msgType: 2, resultCode: "fail", token: "wrong" }, server.refuse(message, "bad_login")]
    );
    server.on(113, (message) => (known.add(message.msgBody.userId), [server.ok(message)]));
    assert.deepEqual(await parley.signIn({ user: "new", password }), { user: "new", created: true });
    assert.deepEqual(
      server.received.map(({ msgType }) => msgType),
      [1, 113, 1]
    );
    assert.equal(server.got(113)[0].msgBody.password, password);
  }
});

test("a wrong password is a clear error, and nothing is made", async () => {
  const { parley, server, heard, clock } = makeScene();
  server.on(1, (message) => [server.refuse(message, "bad_login", "the account or the password is wrong")]);
  server.on(113, (message) => [server.refuse(message, "taken", "the id anna is taken")]);
  const error = await errorOf(parley.signIn({ user: "anna", password: "wrong" }));
  assert.equal(error.word, "bad_login");
  assert.equal(error.text, "the account or the password is wrong");
  assert.deepEqual(names(heard.state), ["connecting", "signed_out"]);
  assert.equal(parley.user, null);
  assert.equal(clock.waiting, 0);
  // The button works again.
  server.on(1, (message) => server.grant(message, "anna"));
  await parley.signIn({ user: "anna", password: "right" });
  assert.equal(parley.state.name, "connected");
});

test("a registration brings its token where there is one", async () => {
  const known = new Set();
  const { parley, server } = makeScene();
  server.on(1, (message) =>
    known.has(message.msgBody.loginUserId)
      ? server.grant(message, message.msgBody.loginUserId)
      : [{ msgType: 2, resultCode: "fail", token: "wrong" }, server.refuse(message, "bad_login")]
  );
  server.on(113, (message) => {
    if (message.msgBody.registration_token !== "good") return [server.refuse(message, "registration_token")];
    known.add(message.msgBody.userId);
    return [server.ok(message)];
  });
  // Without a token it was the login that was wrong; one that is refused is what was wrong.
  const person = { user: "new", password: "secret" };
  assert.equal((await errorOf(parley.signIn(person))).word, "bad_login");
  assert.equal((await errorOf(parley.signIn({ ...person, registrationToken: "bad" }))).word, "registration_token");
  assert.equal((await errorOf(parley.register(person))).word, "registration_token");
  const made = await parley.signIn({ ...person, registrationToken: "good" });
  assert.deepEqual(made, { user: "new", created: true });
  await parley.logout();
  assert.equal((await parley.register({ ...person, user: "newer", registrationToken: "good" })).user, "newer");
});

test("where registration is closed a wrong login is just that", async () => {
  const { parley, server } = makeScene();
  server.on(1, (message) => [server.refuse(message, "bad_login")]);
  server.on(113, (message) => [server.refuse(message, "registration_closed")]);
  const person = { user: "new", password: "secret" };
  assert.equal((await errorOf(parley.signIn(person))).word, "bad_login");
  assert.equal((await errorOf(parley.register(person))).word, "registration_closed");
});

test("other refusals of a login register nobody", async () => {
  for (const word of ["password_needed", "throttled", "disabled", "overloaded", "bad_request"]) {
    const { parley, server } = makeScene();
    server.on(1, (message) => [server.refuse(message, word)]);
    assert.equal((await errorOf(parley.signIn({ user: "anna" }))).word, word);
    assert.equal(server.received.length, 1);
  }
});

test("without a server signing in fails, and does not go on by itself", async () => {
  for (const reachable of [false, "hangs"]) {
    const { parley, server, clock } = makeScene();
    server.reachable = reachable;
    const ended = errorOf(parley.signIn({ user: "anna" }));
    await clock.advance(10_000);
    assert.equal((await ended).word, "disconnected");
    assert.equal(parley.state.name, "signed_out");
    await clock.advance(120_000);
    assert.equal(server.links.length, 1);
  }
});

test("a login without an answer ends", async () => {
  const { parley, server, clock } = makeScene();
  server.on(1, () => []);
  const ended = errorOf(parley.signIn({ user: "anna" }));
  await clock.advance(40_000);
  assert.equal((await ended).word, "timeout");
});

test("one login at a time", async () => {
  const { parley } = makeScene();
  const first = parley.signIn({ user: "anna" });
  assert.equal((await errorOf(parley.signIn({ user: "ben" }))).word, "busy");
  await first;
  assert.equal((await errorOf(parley.login({ user: "ben" }))).word, "busy");
  assert.equal(parley.user, "anna");
});

test("the account's id is the server's answer", async () => {
  const { parley, server } = makeScene();
  server.on(1, (message) => server.grant(message, "100000000"));
  await parley.login({ user: "anna@example.org", password: "secret" });
  assert.equal(parley.user, "100000000");
  await parley.leave("club");
  assert.equal(server.got(11)[0].msgBody.fromUserId, "100000000");
});

test("registering logs in and sets the name", async () => {
  const { parley, server } = makeScene();
  await parley.register({ user: "anna", password: "secret", name: "Anna" });
  assert.deepEqual(
    server.received.map(({ msgType }) => msgType),
    [113, 1, 325]
  );
  assert.equal(server.got(325)[0].msgBody.name, "Anna");
});

test("logging out ends the login here and there, with the texts that wait", async () => {
  const { parley, server, store, heard } = await makeSignedIn();
  server.on(5, () => []);
  parley.send({ user: "ben" }, { msg: "waits" });
  await settle();
  assert.equal((await store.list("")).length, 2);
  await parley.logout();
  assert.equal(server.got(9)[0].msgBody.logoutUserId, "anna");
  assert.deepEqual(await store.list(""), []);
  assert.equal(heard.state.at(-1).name, "signed_out");
  assert.equal(await parley.restore(), "none");
  await parley.signIn({ user: "ben" });
  assert.equal(parley.user, "ben");
});

test("the end of an account takes everything with it", async () => {
  const { parley, server, store } = await makeSignedIn();
  await parley.forgetMe({ password: "secret", texts: "blank" });
  assert.deepEqual(server.got(339)[0].msgBody, { token: "token-anna", password: "secret", texts: "blank" });
  assert.equal(parley.state.name, "signed_out");
  assert.deepEqual(await store.list(""), []);
});

test("a closed client leaves no timer and does nothing more", async () => {
  const { parley, server, clock, store } = await makeSignedIn();
  const asked = errorOf(parley.history({ user: "ben" }));
  parley.close();
  assert.equal((await asked).word, "disconnected");
  assert.equal(clock.waiting, 0);
  assert.equal((await store.list("login:")).length, 1);
  assert.equal((await errorOf(parley.signIn({ user: "anna" }))).word, "closed");
  await clock.advance(600_000);
  assert.equal(server.links.length, 1);
});

test("a token of the operator's own backend names the account", async () => {
  const { parley, server } = makeScene();
  server.on(1, (message) =>
    message.msgBody.token === "good"
      ? server.grant(message, "anna")
      : [{ msgType: 2, resultCode: "fail", token: "expired" }, server.refuse(message, "jwt_expired")]
  );
  assert.equal((await errorOf(parley.loginByToken("old"))).word, "jwt_expired");
  assert.equal(parley.state.name, "signed_out");
  assert.deepEqual(await parley.loginByToken("good"), { user: "anna", created: false });
  assert.equal(parley.user, "anna");
  assert.deepEqual(server.got(1)[1].msgBody, { token: "good", ext: 1, confirm: true, backlog: 50 });
});
