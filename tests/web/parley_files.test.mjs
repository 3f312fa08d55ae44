import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, memoryStore, toEntry } from "../../services/web/parley.js";
import { settle } from "./support/fake_clock.mjs";
import { FakeUploads } from "./support/fake_uploads.mjs";
import { ben, errorOf, makeSignedIn } from "./support/scene.mjs";

const picture = (size = 1000, more = {}) => Object.assign(new Blob(["x".repeat(size)], { type: "image/png" }), { name: "sea.png", ...more });

/** A client that is signed in, and a server that takes files. */
async function makeFiles({ uploads = new FakeUploads(), ...options } = {}) {
  const scene = await makeSignedIn({ fetch: uploads.fetch, ...options });
  uploads.answer(scene.server);
  return { uploads, ...scene };
}

const until = async (condition) => {
  for (let i = 0; i < 100 && !condition(); i++) await settle();
  assert.ok(condition(), String(condition));
};

test("a picture is uploaded, then shown", async () => {
  const { parley, server, uploads, store, heard } = await makeFiles();
  const text = parley.send(ben, { msg: "the sea", file: picture() });
  assert.deepEqual([text.file.kind, text.file.name, text.file.size, text.file.mime], ["image", "sea.png", 1000, "image/png"]);
  await until(() => text.state === "stored");
  assert.deepEqual(server.got(323)[0].msgBody, { token: "token-anna", name: "sea.png", size: 1000, mime: "image/png" });
  assert.deepEqual(server.got(5)[0].msgBody, {
    ...{ token: "token-anna", toUserId: "ben", msg: "the sea", fromUserId: "anna", file: { id: uploads.ids[0], kind: "image" } },
  });
  assert.deepEqual(heard.progress.map(({ sent, size }) => [sent, size]), [[0, 1000], [1000, 1000]]);
  assert.deepEqual(await uploads.text(uploads.ids[0]), "x".repeat(1000));
  assert.deepEqual([await store.list("text:"), await store.list("bytes:")], [[], []]);
});

test("a caption may be absent, and a sticker needs no upload", async () => {
  const { parley, server, uploads } = await makeFiles();
  parley.send(ben, { file: { id: "4b1d8e02c93a7f56", kind: "sticker", name: "wave" } });
  await settle();
  const { msg, file } = server.got(5)[0].msgBody;
  assert.deepEqual([msg, file], [undefined, { id: "4b1d8e02c93a7f56", kind: "sticker" }]);
  assert.equal(uploads.requests.length, 0);
});

test("a large file goes in parts that grow", async () => {
  const { parley, uploads, heard } = await makeFiles();
  const size = 3 * LIMITS.part_least_bytes;
  const text = parley.send(ben, { file: picture(size) });
  await until(() => text.state === "stored");
  assert.deepEqual(heard.progress.map(({ sent }) => sent / LIMITS.part_least_bytes), [0, 1, 1, 3]);
  assert.equal(uploads.requests.filter(({ method }) => method === "PATCH").length, 2);
});

test("texts do not wait for a file that is on its way", async () => {
  const { parley, server, uploads } = await makeFiles();
  uploads.hold = true;
  const file = parley.send(ben, { file: picture() });
  parley.send(ben, { msg: "meanwhile" });
  await until(() => server.got(5).length === 1);
  assert.equal(server.got(5)[0].msgBody.msg, "meanwhile");
  uploads.release();
  await until(() => file.state === "stored");
});

test("files keep their order among each other", async () => {
  const { parley, server, uploads } = await makeFiles();
  uploads.hold = true;
  const [first, second] = [parley.send(ben, { file: picture(10) }), parley.send(ben, { file: picture(20) })];
  await until(() => uploads.requests.length === 2);
  uploads.releaseLast();
  await until(() => second.file.id !== undefined);
  await settle();
  assert.equal(server.got(5).length, 0);
  uploads.release();
  await until(() => second.state === "stored");
  assert.deepEqual(server.got(5).map(({ msgBody }) => msgBody.file.id), [first.file.id, second.file.id]);
});

test("an upload that breaks off goes on from what is there", async () => {
  const { parley, clock, uploads } = await makeFiles();
  uploads.breaks = [LIMITS.part_least_bytes + 70_000, LIMITS.part_least_bytes + 80_000];
  const text = parley.send(ben, { file: picture(3 * LIMITS.part_least_bytes) });
  await until(() => uploads.breaks.length === 1);
  await clock.advance(LIMITS.retry_ms);
  await clock.advance(LIMITS.retry_ms);
  await until(() => text.state === "stored");
  assert.equal((await uploads.text(uploads.ids[0])).length, 3 * LIMITS.part_least_bytes);
  assert.equal(uploads.requests.filter(({ method }) => method === "HEAD").length, 2);
});

test("a picture that became shorter when it was there counts as there", async () => {
  const { parley, clock, uploads } = await makeFiles();
  uploads.cuts = 100;
  const text = parley.send(ben, { file: picture() });
  await until(() => uploads.requests.length === 1);
  await clock.advance(LIMITS.retry_ms);
  await until(() => text.state === "stored");
  assert.deepEqual(uploads.requests.map(({ method }) => method), ["PATCH", "HEAD"]);
});

test("a part without an answer is tried again", async () => {
  const { parley, clock, uploads } = await makeFiles();
  uploads.hold = true;
  const text = parley.send(ben, { file: picture() });
  await until(() => uploads.requests.length === 1);
  await clock.advance(LIMITS.part_ms - 1);
  assert.ok(!uploads.requests[0].signal.aborted);
  uploads.hold = false;
  await clock.advance(1);
  assert.ok(uploads.requests[0].signal.aborted);
  await clock.advance(LIMITS.retry_ms);
  await until(() => text.state === "stored");
});

test("tries end, and 'again' goes on from there", async () => {
  const { parley, clock, uploads } = await makeFiles();
  uploads.status = 503;
  const text = parley.send(ben, { file: picture() });
  for (let i = 0; i < LIMITS.upload_tries; i++) await clock.advance(LIMITS.retry_ms);
  assert.deepEqual([text.state, text.error.word], ["refused", "disconnected"]);
  assert.equal(uploads.requests.length, LIMITS.upload_tries);
  uploads.status = 0;
  parley.again(text.ref);
  await until(() => text.state === "stored");
  assert.equal(uploads.ids.length, 1, "the same upload went on");
});

test("without a connection an upload waits, as texts do", async () => {
  const { parley, server, clock, uploads } = await makeFiles();
  server.link.end(1006, "");
  uploads.status = 503;
  const text = parley.send(ben, { file: picture() });
  await clock.advance(LIMITS.retry_ms);
  assert.equal(text.state, "waiting");
  uploads.status = 0;
  await clock.advance(LIMITS.retry_ms);
  await until(() => text.state === "stored");
});

test("an upload is cancelled", async () => {
  const { parley, uploads, store } = await makeFiles();
  uploads.hold = true;
  const text = parley.send(ben, { file: picture() });
  await until(() => uploads.requests.length === 1);
  parley.discard(text.ref);
  assert.equal(text.state, "discarded");
  await settle();
  assert.ok(uploads.requests[0].signal.aborted);
  assert.deepEqual([parley.outbox, await store.list("text:"), await store.list("bytes:")], [[], [], []]);
  assert.deepEqual(uploads.removed(), uploads.ids);
});

test("a file that is there is removed with its text, and not by a tab that only finds it sent", async () => {
  const { parley, server, uploads, store } = await makeFiles();
  server.on(5, (asked) => [server.refuse(asked, "blocked", "you are blocked")]);
  const text = parley.send(ben, { file: picture() });
  await until(() => text.state === "refused");
  parley.discard(text.ref);
  await settle();
  assert.deepEqual(uploads.removed(), uploads.ids);
  const other = parley.send(ben, { file: picture() });
  await until(() => other.state === "refused");
  const [[key]] = await store.list("text:");
  await store.delete(key);
  server.link.end(1008, "resumed on another connection");
  await parley.takeOver();
  await settle();
  assert.equal(other.state, "discarded");
  assert.equal(uploads.removed().length, 1);
});

test("upload() for other ends: progress, and a signal", async () => {
  const { parley, uploads } = await makeFiles();
  const told = [];
  const file = await parley.upload(picture(), { progress: (...now) => told.push(now) });
  assert.deepEqual([file, told], [{ id: uploads.ids[0], name: "sea.png", size: 1000, mime: "image/png" }, [[0, 1000], [1000, 1000]]]);
  uploads.hold = true;
  const abort = new AbortController();
  const given_up = errorOf(parley.upload(picture(), { signal: abort.signal }));
  await until(() => uploads.requests.length === 2);
  abort.abort();
  assert.equal((await given_up).word, "aborted");
  assert.equal((await errorOf(parley.upload(picture(), { signal: abort.signal }))).word, "aborted");
});

test("refusals have stable words", async () => {
  const { parley, server, uploads } = await makeFiles();
  for (const [error, status] of [["quota", 413], ["bad_file", 422], ["store_full", 507]]) {
    uploads.fault = { error, status };
    assert.equal((await errorOf(parley.upload(picture()))).word, error);
  }
  uploads.fault = null;
  server.on(323, (asked) => [server.refuse(asked, "file_too_large", "the file is larger than files may be here")]);
  const text = parley.send(ben, { file: picture() });
  await until(() => text.state === "refused");
  assert.equal(text.error.word, "file_too_large");
  assert.equal((await errorOf(() => parley.send(ben, { file: new Blob([]) }))).word, "empty");
  assert.equal((await errorOf(() => parley.send(ben, { file: {} }))).word, "empty");
  const gone = { slice: () => new Blob(["x"]), size: 1, type: "", __proto__: Blob.prototype };
  gone.slice = () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadable")) });
  uploads.answer(server);
  uploads.fails = true;
  assert.equal((await errorOf(parley.upload(gone))).word, "unreadable");
});

test("names are made plain", async () => {
  const { parley } = await makeFiles();
  const named = (name) => parley.send(ben, { file: picture(1, { name }) }).file.name;
  assert.equal(named("C:\\photos\\sea\u0000.png"), "sea.png");
  assert.equal(named("a/b/"), "file");
  assert.equal(named(".."), "file");
  assert.equal(named("a\u202egnp\u0085.\u2028exe"), "agnp.exe");
  assert.equal(named(`${"é".repeat(200)}.jpeg`), `${"é".repeat(125)}.jpeg`);
  assert.equal(parley.send(ben, { file: new Blob(["x"], { type: "text/plain;charset=utf-8" }) }).file.mime, "text/plain");
});

test("a file survives a reload with its upload", async () => {
  const store = memoryStore();
  const first = await makeFiles({ store });
  first.uploads.hold = true;
  const { ref } = first.parley.send(ben, { msg: "kept", file: picture() });
  await until(() => first.uploads.requests.length === 1);
  first.parley.close();
  first.uploads.hold = false;
  const again = await makeFiles({ store, server: first.server, uploads: first.uploads, signIn: false });
  const stored = () => again.heard.outgoing.find((text) => text.ref === ref && text.state === "stored");
  await until(stored);
  assert.equal(again.server.got(323).length, 1, "it is announced once");
  assert.deepEqual(again.uploads.requests.map(({ method }) => method), ["PATCH", "HEAD", "PATCH"]);
});

test("bytes that were not kept are missed honestly", async () => {
  const store = memoryStore();
  const full = { ...store, set: (key, value) => (key.startsWith("bytes:") ? Promise.reject(new Error("full")) : store.set(key, value)) };
  const first = await makeFiles({ store: full });
  first.uploads.hold = true;
  first.parley.send(ben, { file: picture() });
  await until(() => first.uploads.requests.length === 1);
  first.parley.close();
  const again = await makeFiles({ store: full, server: first.server, signIn: false });
  await until(() => again.parley.outbox[0]?.state === "refused");
  assert.equal(again.parley.outbox[0].error.word, "bytes_lost");
});

test("the store keeps so many bytes and no more", async () => {
  const { parley, store, uploads } = await makeFiles();
  uploads.hold = true;
  const large = (size) => ({ bytes: Object.defineProperty(picture(), "size", { value: size }), name: "film.mp4" });
  parley.send(ben, { file: large(LIMITS.kept_bytes - 10) });
  parley.send(ben, { file: large(11) });
  parley.send(ben, { file: large(10) });
  await settle();
  assert.deepEqual((await store.list("bytes:")).map(([, { bytes }]) => bytes.size), [LIMITS.kept_bytes - 10, 10]);
});

test("two uploads at once; the others wait", async () => {
  const { parley, uploads } = await makeFiles();
  uploads.hold = true;
  const texts = Array.from({ length: LIMITS.uploads + 1 }, () => parley.send(ben, { file: picture() }));
  await until(() => uploads.requests.length === LIMITS.uploads);
  await settle();
  assert.equal(uploads.requests.length, LIMITS.uploads);
  uploads.release();
  await until(() => texts.every(({ state }) => state === "stored"));
});

test("a file that waited too long is uploaded again", async () => {
  const { parley, server, uploads } = await makeFiles();
  server.on(5, (asked) => [server.refuse(asked, "no_file")]);
  const text = parley.send(ben, { file: picture() });
  await until(() => text.state === "refused");
  server.on(5, (asked) => [server.store(asked)]);
  parley.again(text.ref);
  await until(() => text.state === "stored");
  assert.equal(server.texts.length, 1);
  assert.equal(uploads.ids.length, 2);
});

test("entries show files, and addresses are renewed", async () => {
  const { parley, server, clock, uploads } = await makeFiles();
  const url = (days) => `/files/1/sea.png?until=${Math.floor(clock.now() / 1000) + days * 86400}&key=0`;
  const message = { msgType: 6, fromUserId: "ben", toUserId: "anna", cid: 9, file: { id: "1", kind: "image", name: "sea.png", size: 1, mime: "image/png", url: url(7) } };
  const entry = toEntry(message, "anna");
  assert.deepEqual([entry.kind, entry.file], ["text", message.file]);
  assert.equal(await parley.freshFile(entry), entry.file);
  assert.equal(parley.address("/files/1/x"), "http://server/files/1/x");
  const fresh = { ...message, file: { ...message.file, url: url(6) } };
  const asked = () => server.got(303).length;
  server.on(303, ({ ref }) => [{ msgType: 304, ref, messages: [fresh], more: false }, server.ok({ ref })]);
  const old = { ...entry, file: { ...entry.file, url: url(0) } };
  assert.equal((await parley.freshFile(old)).url, fresh.file.url);
  assert.equal(asked(), 1);
  uploads.files.set(new URL(parley.address(fresh.file.url)).pathname, [410, 200]);
  assert.equal(await (await parley.download({ ...entry, file: fresh.file })).text(), "bytes");
  assert.equal(asked(), 2, "an address that was refused is renewed once");
  uploads.files.set(new URL(parley.address(fresh.file.url)).pathname, [404]);
  assert.equal((await errorOf(parley.download(entry))).word, "no_file");
  server.on(303, ({ ref }) => [{ msgType: 304, ref, messages: [], more: false }, server.ok({ ref })]);
  assert.equal((await errorOf(parley.freshFile(old))).word, "no_file");
});
