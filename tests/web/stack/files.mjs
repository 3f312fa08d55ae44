/** Files against a server: PARLEY_URL is its WebSocket, PARLEY_PICTURE the path of a picture. Run by test_parley_js.py. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Parley } from "../../../services/web/parley.js";
import { errorOf } from "../support/scene.mjs";
import { WebSocket } from "../support/websocket.mjs";

const url = process.env.PARLEY_URL;
const picture = new Blob([readFileSync(process.env.PARLEY_PICTURE)], { type: "image/png" });
const DEADLINE_MS = 60_000;
const open = [];

/** A new account: its client, and `next(event, condition)`, which waits for such an event from now on. */
async function person(name) {
  const parley = new Parley({ url, WebSocket });
  open.push(parley);
  await parley.signIn({ user: `${name}-${randomBytes(4).toString("hex")}` });
  const next = (event, condition) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no such ${event}`)), DEADLINE_MS);
      const look = ({ detail }) => {
        if (!condition(detail)) return;
        clearTimeout(timer);
        parley.removeEventListener(event, look);
        resolve(detail);
      };
      parley.addEventListener(event, look);
    });
  return { parley, next, peer: { user: parley.user } };
}

test.afterEach(() => {
  for (const parley of open.splice(0)) parley.close();
});

/** The media type of what stands at an address. */
async function typeOf(address) {
  const answer = await fetch(address);
  await answer.arrayBuffer();
  return answer.ok ? answer.headers.get("content-type") : String(answer.status);
}

const bytesOf = async (blob) => Buffer.from(await blob.arrayBuffer());

test("a picture is sent, received, downloaded and recalled", async () => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const arrived = ben.next("entry", ({ file }) => file);
  const sent = anna.parley.send(ben.peer, { msg: "the sea", file: Object.assign(picture, { name: "sea.png" }) });
  const entry = await arrived;
  assert.deepEqual([entry.kind, entry.msg, entry.file.kind, entry.file.name], ["text", "the sea", "image", "sea.png"]);
  assert.deepEqual([entry.file.size, entry.file.width, entry.file.height], [picture.size, 640, 480]);
  assert.deepEqual(await bytesOf(await ben.parley.download(entry)), await bytesOf(picture));
  assert.match(await typeOf(ben.parley.address(entry.file.preview)), /^image\//u);
  const fresh = await ben.parley.freshFile(entry, { renew: true });
  assert.deepEqual([fresh.id, fresh.kind], [entry.file.id, "image"]);
  const { conversations } = await ben.parley.conversations();
  assert.equal(conversations[0].last.file.id, entry.file.id);
  const recalled = ben.next("entry", ({ kind }) => kind === "recalled");
  await anna.parley.recall(ben.peer, sent.cid);
  await recalled;
  assert.equal((await errorOf(ben.parley.freshFile(entry, { renew: true }))).word, "no_file");
  assert.equal((await errorOf(ben.parley.download(entry))).word, "no_file");
});

test("any file, with a hard name", async () => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const bytes = randomBytes(700_000);
  const name = 'a "b" 海 %2f .tar.gz';
  const arrived = ben.next("entry", ({ file }) => file);
  anna.parley.send(ben.peer, { file: { bytes: new Blob([bytes]), name } });
  const entry = await arrived;
  assert.deepEqual([entry.msg, entry.file.kind, entry.file.name], ["", "file", name]);
  assert.deepEqual(await bytesOf(await ben.parley.download(entry)), bytes);
});

test("stickers: another's becomes one's own, and is sent without an upload", async () => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.parley.addSticker(picture);
  const [sticker] = await anna.parley.stickers();
  assert.deepEqual([sticker.id, sticker.kind, sticker.width], [id, "sticker", 640]);
  const arrived = ben.next("entry", ({ file }) => file);
  anna.parley.send(ben.peer, { file: sticker });
  const entry = await arrived;
  assert.equal(entry.file.kind, "sticker");
  const own = await ben.parley.addSticker(entry);
  assert.notEqual(own, id);
  const back = anna.next("entry", ({ file, mine }) => file && !mine);
  ben.parley.send(anna.peer, { file: (await ben.parley.stickers())[0] });
  assert.equal((await back).file.id, own);
  await ben.parley.removeSticker(own);
  assert.deepEqual(await ben.parley.stickers(), []);
  assert.equal((await errorOf(ben.parley.addSticker(id))).word, "no_file");
});

test("avatars of a person and of a group", async () => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  await anna.parley.setAvatar("me", picture);
  const { avatar } = await ben.parley.profile(anna.peer);
  assert.match(await typeOf(ben.parley.address(avatar)), /^image\//u);
  const group = `club-${randomBytes(4).toString("hex")}`;
  await anna.parley.createGroup(group, "Club");
  await anna.parley.setAvatar({ group }, picture);
  assert.notEqual((await ben.parley.profile({ group })).avatar, "");
  await anna.parley.setAvatar("me", null);
  assert.equal((await ben.parley.profile(anna.peer)).avatar, "");
  const text = new Blob(["no picture"], { type: "text/plain" });
  assert.equal((await errorOf(anna.parley.setAvatar("me", text))).word, "no_file");
});

test("what the server refuses", async () => {
  const anna = await person("anna");
  const large = { bytes: Object.defineProperty(new Blob(["x"]), "size", { value: 2 ** 31 }), name: "film.mp4" };
  const sent = anna.parley.send({ user: anna.parley.user }, { file: large });
  await anna.next("outgoing", ({ state }) => state === "refused");
  assert.equal(sent.error.word, "file_too_large");
});
