/**
 * Anna writes numbered texts to ben and to a group, while something goes wrong: usage: flood.mjs URL COUNT.
 * Prints the number of stored ones as it grows; at the end each was received once, in order.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Parley, peerKey } from "../../../services/web/parley.js";
import { WebSocket } from "../support/websocket.mjs";

const [url, count] = [process.argv[2], Number(process.argv[3])];
const unique = randomBytes(4).toString("hex");
const [anna, ben] = [new Parley({ url, WebSocket }), new Parley({ url, WebSocket })];
await anna.signIn({ user: `anna-${unique}` });
await ben.signIn({ user: `ben-${unique}` });
await anna.askFriend(ben.user);
await ben.answerFriend(anna.user, true);
await anna.createGroup(`club-${unique}`);
await anna.invite(`club-${unique}`, ben.user);

const peers = [{ user: ben.user }, { group: `club-${unique}` }];
/** The texts that ben has of each conversation: cid -> number. */
const received = { [`user:${anna.user}`]: new Map(), [peerKey(peers[1])]: new Map() };

/** Takes a text; none arrives twice. */
function take({ kind, peer, cid, msg }) {
  if (kind !== "text") return;
  const texts = received[peerKey(peer)];
  assert.ok(!texts.has(cid), `${cid} arrived twice`);
  texts.set(cid, Number(msg));
}

/** Reads the texts that a login left out, since they were many. */
async function readSkipped({ peer, cid: last }) {
  for (let after = Math.max(0, ...received[peerKey(peer)].keys()); after < last; ) {
    const page = await ben.history(peer, { after, limit: 200 }).catch(() => null);
    if (page === null) {
      await new Promise((resolve) => setTimeout(resolve, 100)); // there is no connection
      continue;
    }
    for (const entry of page.entries) if (entry.cid <= last) take(entry);
    after = page.to ?? last;
  }
}
let written = 0;
let stored = 0;
let broken = 0;

const finished = new Promise((resolve) => {
  const look = () => {
    const all = Object.values(received).every((texts) => texts.size >= count);
    if (stored === 2 * count && all) resolve();
  };
  ben.addEventListener("entry", ({ detail }) => {
    take(detail);
    look();
  });
  ben.addEventListener("skipped", ({ detail }) => readSkipped(detail).then(look));
  anna.addEventListener("outgoing", ({ detail: text }) => {
    assert.notEqual(text.state, "refused", JSON.stringify(text.error));
    if (text.state !== "stored") return;
    if (++stored % 20 === 0) console.log(`stored ${stored}`);
    write();
    look();
  });
});
anna.addEventListener("state", ({ detail }) => {
  if (detail.name === "waiting") broken++;
});

/** As much as the outbox takes. */
function write() {
  while (written < 2 * count && anna.outbox.length < 100) {
    const number = written++;
    anna.send(peers[number % 2], { msg: String(number >> 1) });
  }
}

write();
await finished;
const wanted = Array.from({ length: count }, (_, i) => i);
for (const texts of Object.values(received)) {
  const in_order = [...texts].sort(([one], [other]) => one - other);
  assert.deepEqual(in_order.map(([, number]) => number), wanted);
}
for (const [i, peer] of peers.entries()) {
  const numbers = [];
  for (let before, more = true; more; ) {
    const page = await anna.history(peer, { before, limit: 200 });
    numbers.unshift(...page.entries.filter(({ kind }) => kind === "text").map(({ msg }) => Number(msg)));
    ({ from: before, more } = page);
  }
  assert.deepEqual(numbers, wanted, `conversation ${i}`);
}
console.log(`all arrived, ${broken} breaks`);
anna.close();
ben.close();
