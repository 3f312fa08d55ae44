/**
 * A server's log in memory, and a Parley on it: the model's tests use it. The log gives cids as the real
 * one does, answers history, lists and marks, and delivers at once or when the test asks for it.
 */
import { ParleyError, memoryStore, parsePeer, peerKey } from "../../../services/web/parley.js";

const CHANGES = new Set(["recalled", "edited", "reacted"]);
/* History leaves out notices with numbers from 300 on. */
const HIDDEN = new Set([...CHANGES, "changed", "member_muted", "member_banned", "blocked"]);

/** A clock that only moves when a test moves it. */
export class TestClock {
  time = 1_795_000_000_000;
  #timers = new Map();
  #count = 0;

  now = () => this.time;
  random = () => 0.5;
  setTimeout = (call, ms) => {
    this.#timers.set(++this.#count, { call, at: this.time + ms });
    return this.#count;
  };
  clearTimeout = (timer) => void this.#timers.delete(timer);

  get timers() {
    return this.#timers.size;
  }

  /** Lets that much time pass, and due timers run in order. */
  async pass(ms) {
    await settle();
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((one, other) => one[1].at - other[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].call();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle() {
  for (let i = 0; i < 60; i++) await Promise.resolve();
}

/** The entries of every account's conversations. */
export class Log {
  /* As in the server's database, cids begin at 128. */
  #cid = 127;
  /** @type {Map<string, any[]>} entries by conversation, as seen by `me` */ entries = new Map();
  /** @type {Map<string, number>} */ reads = new Map();
  people = new Map();
  groups = new Map();
  friends = [];
  requests = [];
  blocked = [];

  constructor(me, clock) {
    this.me = me;
    this.clock = clock;
  }

  /** Stores an entry and returns it. */
  store(peer, entry) {
    const key = peerKey(peer);
    const by = entry.by ?? null;
    const stored = { peer, time_ms: this.clock.now(), ...entry, by, mine: by === this.me, cid: (this.#cid += 1) };
    if (!this.entries.has(key)) this.entries.set(key, []);
    this.entries.get(key).push(stored);
    return stored;
  }

  text(peer, by, msg, more = {}) {
    return this.store(peer, { kind: "text", by, msg, ...more });
  }

  all(peer) {
    return this.entries.get(peerKey(peer)) ?? [];
  }

  /** A text as history shows it, with all that was done to it. */
  shown(entry) {
    const { reply, mentions } = entry;
    if (entry.kind !== "text") return { ...entry };
    let now = { ...entry, ...(reply !== undefined && { reply }), ...(mentions !== undefined && { mentions }) };
    const users = new Map();
    for (const change of this.all(entry.peer)) {
      if (change.target !== entry.cid) continue;
      if (change.kind === "recalled") return { ...entry, msg: "", recalled: true, mentions: undefined };
      if (change.kind === "edited") now = { ...now, msg: change.msg, edited_ms: change.edited_ms };
      if (change.kind === "reacted") {
        const set = users.get(change.emoji) ?? users.set(change.emoji, new Set()).get(change.emoji);
        if (change.on) set.add(change.user);
        else set.delete(change.user);
      }
    }
    const reactions = [...users].filter(([, set]) => set.size > 0).map(([emoji, set]) => ({ emoji, count: set.size, mine: set.has(this.me) }));
    return reactions.length > 0 ? { ...now, reactions } : now;
  }

  /** Everything that a page shows of a conversation. */
  view(peer) {
    return this.all(peer).filter((entry) => !HIDDEN.has(entry.kind)).map((entry) => this.shown(entry));
  }

  history(peer, { before, after, around, limit = 50 }) {
    const all = this.all(peer);
    let page;
    let more;
    if (after !== undefined) {
      if (after < 1) throw Object.assign(new Error("after must be a whole number from 1"), { word: "bad_request" });
      const rest = all.filter((entry) => entry.cid > after);
      page = rest.slice(0, limit);
      more = rest.length > page.length;
    } else if (around !== undefined) {
      const at = all.findIndex((entry) => entry.cid >= around);
      const start = Math.max(0, (at < 0 ? all.length : at) - (limit >> 1));
      page = all.slice(start, start + limit);
      more = page.length < all.length;
    } else {
      const rest = before === undefined ? all : all.filter((entry) => entry.cid < before);
      page = rest.slice(-limit);
      more = rest.length > page.length;
    }
    const entries = page.filter((entry) => !HIDDEN.has(entry.kind)).map((entry) => this.shown(entry));
    return { entries, from: page[0]?.cid, to: page.at(-1)?.cid, more };
  }

  unread(peer) {
    const read = this.reads.get(peerKey(peer)) ?? 0;
    const unread = this.view(peer).filter((entry) => entry.kind === "text" && !entry.mine && !entry.recalled && entry.cid > read);
    const mentions = unread.filter(({ mentions }) => mentions === "all" || mentions?.includes(this.me));
    return { unread: Math.min(unread.length, 999), mentions: Math.min(mentions.length, 999), read };
  }

  conversations({ before = Infinity, limit = 50 }) {
    const rows = [...this.entries]
      .map(([key, entries]) => ({ key, cid: entries.at(-1).cid }))
      .filter(({ cid }) => cid < before)
      .sort((one, other) => other.cid - one.cid);
    const conversations = rows.slice(0, limit).map(({ key, cid }) => {
      const peer = parsePeer(key);
      const last = this.view(peer).at(-1) ?? null;
      const name = peer.user !== undefined ? this.people.get(peer.user)?.name : this.groups.get(peer.group)?.name;
      return { peer, name, cid, last, received: cid, muted_until: 0, ...this.unread(peer) };
    });
    return { conversations, more: rows.length > limit };
  }
}

/** A Parley whose server is a Log. `hold` keeps answers until `release()`. */
export class FakeParley extends EventTarget {
  state = { name: "signed_out" };
  store = memoryStore();
  outbox = [];
  /** @type {[string, ...any[]][]} the calls so far */ calls = [];
  hold = false;
  /** @type {Record<string, string>} words with which requests are refused */ faults = {};
  #held = [];
  #refs = 0;

  constructor(log) {
    super();
    this.log = log;
    this.user = log.me;
  }

  emit(type, detail) {
    const event = new Event(type);
    event.detail = detail;
    this.dispatchEvent(event);
  }

  connect() {
    this.state = { name: "connected" };
    this.emit("state", this.state);
    for (const text of [...this.outbox]) this.#try(text);
  }

  disconnect() {
    this.state = { name: "waiting", retry_at: 0 };
    for (const { reject } of this.#held.splice(0)) reject(new ParleyError("disconnected"));
    this.emit("state", this.state);
  }

  /** Delivers an entry that the log has. */
  deliver(entry) {
    this.emit("entry", { ...entry });
  }

  /** The answer as it is now; it arrives at once, or when the test asks for it. */
  #answer(name, args, answer) {
    this.calls.push([name, ...args]);
    if (this.state.name !== "connected") return Promise.reject(new ParleyError("disconnected"));
    if (this.faults[name]) return Promise.reject(new ParleyError(this.faults[name]));
    if (!this.hold) return Promise.resolve(answer());
    const value = answer();
    return new Promise((resolve, reject) => this.#held.push({ resolve: () => resolve(value), reject, name }));
  }

  get held() {
    return this.#held.map(({ name }) => name);
  }

  async release(count = Infinity) {
    for (const { resolve } of this.#held.splice(0, count)) resolve();
    await settle();
  }

  history(peer, where = {}) {
    return this.#answer("history", [peer, where], () => this.log.history(peer, where));
  }

  conversations(where = {}) {
    return this.#answer("conversations", [where], () => this.log.conversations(where));
  }

  friends() {
    const { friends, requests, blocked } = this.log;
    return this.#answer("friends", [], () => ({ friends: [...friends], requests: [...requests], blocked: [...blocked] }));
  }

  allMembers(group) {
    return this.#answer("members", [group], () => ({ members: [], requests: [], banned: [], ...structuredClone(this.log.groups.get(group)) }));
  }

  profile(whose) {
    return this.#answer("profile", [whose], () => {
      if (whose.group !== undefined) return { name: whose.group, about: "", member: true, ...this.log.groups.get(whose.group) };
      return { user: whose.user, name: whose.user, about: "", remark: "", friend: false, ...this.log.people.get(whose.user) };
    });
  }

  read(peer, cid) {
    return this.#answer("read", [peer, cid], () => {
      this.log.reads.set(peerKey(peer), Math.max(cid, this.log.reads.get(peerKey(peer)) ?? 0));
      return {};
    });
  }

  quiet(peer, until_ms) {
    return this.#answer("quiet", [peer, until_ms], () => ({}));
  }

  #change(peer, entry) {
    return this.#answer(entry.kind, [peer, entry], () => {
      this.deliver(this.log.store(peer, { by: this.user, user: this.user, ...entry }));
      return {};
    });
  }

  recall(peer, target) {
    return this.#change(peer, { kind: "recalled", target });
  }

  edit(peer, target, msg) {
    return this.#change(peer, { kind: "edited", target, msg, edited_ms: this.log.clock.now() });
  }

  react(peer, target, emoji, on) {
    return this.#change(peer, { kind: "reacted", target, emoji, on });
  }

  // --- texts

  /** The fate of a text: "receipt first", "copy first", or the word of a refusal. */
  how = "receipt first";

  send(peer, { msg, reply, mentions }) {
    const text = { ref: `r${++this.#refs}`, peer, msg, state: "waiting", at: this.log.clock.now() };
    if (reply !== undefined) text.reply = reply;
    if (mentions !== undefined) text.mentions = mentions;
    this.outbox.push(text);
    this.emit("outgoing", text);
    queueMicrotask(() => this.#try(text));
    return text;
  }

  #try(text) {
    if (this.state.name !== "connected" || text.state !== "waiting" || this.how === "later") return;
    if (this.how !== "receipt first" && this.how !== "copy first") {
      Object.assign(text, { state: "refused", error: { word: this.how, text: this.how } });
      return this.emit("outgoing", text);
    }
    const { peer, msg, reply, mentions } = text;
    const entry = this.log.text(peer, this.user, msg, { ...(reply !== undefined && { reply }), ...(mentions && { mentions }) });
    if (this.how === "copy first") this.deliver(entry);
    this.receipt(text, entry);
    if (this.how === "receipt first") this.deliver(entry);
  }

  receipt(text, { cid, time_ms }) {
    this.outbox = this.outbox.filter((each) => each !== text);
    Object.assign(text, { state: "stored", cid, time_ms });
    this.emit("outgoing", text);
  }

  again(ref) {
    const text = this.outbox.find((each) => each.ref === ref);
    Object.assign(text, { state: "waiting", error: undefined });
    this.emit("outgoing", text);
    this.#try(text);
  }

  discard(ref) {
    const text = this.outbox.find((each) => each.ref === ref);
    this.outbox = this.outbox.filter((each) => each !== text);
    text.state = "discarded";
    this.emit("outgoing", text);
  }
}

/** A localStorage. */
export class TestStorage {
  values = new Map();
  getItem = (key) => this.values.get(key) ?? null;
  setItem = (key, value) => void this.values.set(key, String(value));
  removeItem = (key) => void this.values.delete(key);
}
