/** Whatever happens in whatever order, the window ends up as a part of the server's log. */
import assert from "node:assert/strict";
import test from "node:test";
import { CLUB, rig } from "./support/model_rig.mjs";
import { settle } from "./support/fake_parley.mjs";

const SEEDS = 60;
const STEPS = 250;
const EMOJI = ["👍", "❤️"];

/** Random numbers that a seed repeats. */
function randomOf(seed) {
  let state = seed * 2654435761 + 1;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  return { next, below: (n) => Math.floor(next() * n), pick: (list) => list[Math.floor(next() * list.length)] };
}

/** The parts of an item that must be as the log has them. */
const essence = ({ cid, kind, by, msg, recalled, edited_ms, reactions, reply, reply_to }) => ({
  cid,
  kind,
  by,
  msg: msg ?? "",
  recalled: Boolean(recalled),
  edited_ms: recalled ? null : edited_ms ?? null,
  reactions: [...(reactions ?? [])].sort((one, other) => (one.emoji < other.emoji ? -1 : 1)),
  reply: reply_to !== undefined ? reply_to : reply ?? null,
});

class World {
  queue = []; // stored, on its way to this client

  constructor(parts, random) {
    Object.assign(this, parts);
    this.random = random;
  }

  store(entry) {
    const stored = this.log.store(CLUB, entry);
    this.queue.push(stored);
    return stored;
  }

  someText() {
    return this.random.pick(this.log.all(CLUB).filter((entry) => entry.kind === "text"));
  }

  change() {
    const target = this.someText();
    if (!target || this.log.shown(target).recalled) return;
    const by = this.random.pick(["anna", "ben", "cora"]);
    const edited_ms = (this.clock.time += 1);
    const kind = this.random.pick(["recalled", "edited", "reacted", "reacted", "reacted"]);
    const emoji = this.random.pick(EMOJI);
    const has = this.log.all(CLUB).filter((each) => each.target === target.cid && each.emoji === emoji && each.user === by).at(-1)?.on;
    if (kind === "recalled") this.store({ kind, by, user: by, target: target.cid });
    else if (kind === "edited") this.store({ kind, by, user: by, target: target.cid, msg: `edited ${edited_ms}`, edited_ms });
    else this.store({ kind, by, user: by, target: target.cid, emoji, on: !has });
  }

  write() {
    const reply = this.random.below(5) === 0 ? this.someText()?.cid : undefined;
    this.store({ kind: "text", by: this.random.pick(["ben", "cora", "anna"]), msg: `text ${this.random.below(9)}`, ...(reply && { reply }) });
  }

  send() {
    const text = this.parley.send(CLUB, { msg: `text ${this.random.below(9)}` });
    this.sent.push(text);
  }

  /** The server stores the first text that waits; its copy and its receipt arrive in any order. */
  accept() {
    const text = this.sent.find((each) => each.state === "waiting" && !each.entry);
    if (!text || this.parley.state.name !== "connected") return;
    Object.defineProperty(text, "entry", { value: this.store({ kind: "text", by: "anna", msg: text.msg }) });
    if (this.random.below(2)) this.parley.receipt(text, text.entry);
  }

  receive(count = 1) {
    if (this.parley.state.name !== "connected") return;
    for (const entry of this.queue.splice(0, count)) this.parley.deliver(entry);
  }

  receipts() {
    for (const text of this.sent) if (text.entry && text.state === "waiting") this.parley.receipt(text, text.entry);
  }

  reconnect() {
    const how = this.random.below(3);
    this.parley.disconnect();
    for (let i = this.random.below(30); i > 0; i--) this.random.below(4) ? this.write() : this.change();
    if (how === 0) this.queue = []; // another device took all of it
    this.parley.connect();
    if (how === 1 && this.queue.length > 10) {
      const left_out = this.queue.splice(0, this.queue.length - 10);
      this.parley.emit("skipped", { peer: CLUB, cid: left_out.at(-1).cid, count: left_out.length });
    }
  }

  async step() {
    const { model, parley, conversation } = this;
    const quietly = (promise) => promise.catch((error) => assert.equal(error.word, "disconnected"));
    const cid = this.someText()?.cid ?? 1;
    const acts = [
      [20, () => this.write()],
      [8, () => this.change()],
      [16, () => this.receive(1 + this.random.below(4))],
      [3, () => this.send()],
      [5, () => this.accept()],
      [10, () => parley.release(1 + this.random.below(2))],
      [4, () => void quietly(model.loadBefore(conversation))],
      [4, () => void quietly(model.loadAfter(conversation))],
      [1, () => void quietly(model.loadNewest(conversation))],
      [1, () => void quietly(model.loadAround(conversation, cid))],
      [2, () => this.clock.pass(this.random.below(4000))],
      [1, () => this.reconnect()],
      [1, () => void ((parley.hold = !parley.hold), parley.hold || void parley.release())],
    ];
    let at = this.random.below(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of acts) {
      if (at < weight) return void (await act());
      at -= weight;
    }
  }

  /** Everything has arrived and was answered. */
  async finish() {
    const { parley } = this;
    parley.hold = false;
    for (let i = 0; i < 5; i++) {
      while (this.sent.some((each) => !each.entry)) this.accept();
      this.receipts();
      this.receive(Infinity);
      await parley.release();
      await this.clock.pass(10_000);
    }
  }

  check(what) {
    const { items } = this.conversation;
    const shown = items.map(essence);
    const log = this.log.view(CLUB).map(essence);
    const start = log.findIndex((entry) => entry.cid === shown[0]?.cid);
    const part = start < 0 ? [] : log.slice(start, start + shown.length);
    for (let i = 0; i < shown.length; i++) assert.deepEqual(shown[i], part[i], `${what}, item ${i} of ${shown.length}`);
    assert.ok(items.length <= 300);
    assert.equal(new Set(items.map((item) => item.key)).size, items.length, "keys are unique");
    if (this.conversation.atEnd) assert.equal(shown.at(-1)?.cid, log.at(-1)?.cid, `${what}: the end`);
    if (this.conversation.atStart) assert.equal(shown[0]?.cid, log[0]?.cid, `${what}: the start`);
  }
}

test("random interleavings of deliveries, history, sending and breaks", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomOf(seed);
    const parts = await rig({ prepare: (log) => { for (let i = random.below(400); i > 0; i--) log.text(CLUB, "ben", `old ${i}`); } });
    parts.parley.how = "later";
    const conversation = await parts.model.open(CLUB);
    const world = new World({ ...parts, conversation, sent: [] }, random);
    for (let i = 0; i < STEPS; i++) {
      await world.step();
      await settle();
    }
    await world.finish();
    world.check(`seed ${seed}`);
    await parts.model.loadNewest(conversation);
    for (let i = 0; i < 20 && !conversation.atEnd; i++) await parts.model.loadAfter(conversation);
    assert.ok(conversation.atEnd);
    world.check(`seed ${seed}, newest`);
    const { unread } = parts.log.unread(CLUB);
    assert.equal(conversation.unread, unread, `seed ${seed}: unread`);
  }
});
