/** An hour of chatter, in simulated time: the model's memory stays the same. */
import assert from "node:assert/strict";
import test from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { rig } from "./support/model_rig.mjs";
import { settle } from "./support/fake_parley.mjs";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc");

const CONVERSATIONS = 40;
const PER_SECOND = 10;
const HOUR_S = 3600;
const SLACK_BYTES = 3e6;

test("memory is flat over an hour of chatter", async () => {
  const { model, parley, clock, log } = await rig();
  const peers = Array.from({ length: CONVERSATIONS }, (_, i) => ({ group: `g${i}` }));
  let cid = 0;
  const say = (peer, second) => {
    const by = `p${second % 500}`;
    const entry = { kind: "text", peer, by, mine: false, cid: ++cid, time_ms: clock.now(), msg: `${"words and ".repeat(6)} ${cid}` };
    if (cid % 7 === 0) entry.reply = cid - 1000;
    parley.emit("entry", entry);
    if (cid % 11 === 0) parley.emit("entry", { kind: "reacted", peer, by, user: by, mine: false, cid: ++cid, time_ms: clock.now(), target: cid - 1, emoji: "👍", on: true });
    if (cid % 5 === 0) parley.emit("typing", { peer, user: by });
    parley.emit("presence", { user: by, online: cid % 2 === 0 });
  };
  const measure = () => (collect(), collect(), process.memoryUsage().heapUsed);
  const used = [];
  for (let second = 0; second < HOUR_S; second++) {
    for (let i = 0; i < PER_SECOND; i++) say(peers[(second * 7 + i * i) % CONVERSATIONS], second * PER_SECOND + i);
    await clock.pass(1000);
    // The reader goes from one conversation to the next, and reads.
    if (second % 20 === 0) await model.open(peers[(second / 20) % CONVERSATIONS]);
    const { current } = model;
    if (current?.items.length) model.seen(current, current.items.at(-1).cid);
    parley.calls.length = 0;
    log.reads.clear();
    if (second % 600 === 599) used.push(measure());
  }
  await settle();
  for (const conversation of model.conversations) assert.ok(conversation.items.length <= (conversation.open ? 300 : 50));
  assert.ok(clock.timers < 2 * CONVERSATIONS + 600, `${clock.timers} timers`);
  const [first] = used;
  const last = /** @type {number} */ (used.at(-1));
  console.log(`# heap after each ten minutes, ${PER_SECOND} texts a second: ${used.map((bytes) => (bytes / 1e6).toFixed(1)).join(", ")} MB`);
  assert.ok(last - first < SLACK_BYTES, `the heap grew from ${first} to ${last} bytes`);
});
