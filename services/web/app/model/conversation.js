/**
 * One conversation: its summary, and a window of its items. The window is a part of the server's log
 * without holes; further pages are loaded at either end, and texts far from the reader are let go.
 * @module
 */
import { peerKey } from "../../parley.js";
import { isMentioned, isShown, Item } from "./item.js";

/** @typedef {import("../../parley.js").Entry} Entry */
/** @typedef {import("../../parley.js").Peer} Peer */
/** @typedef {import("./item.js").Seen} Seen */
/** @typedef {{by: string|null, msg: string|null, file?: Item["file"], asked?: boolean}} Quote */

export const LIMITS = Object.freeze({
  // limit: web | items of the open conversation | 300 | those far from the reader are let go, and loaded again when needed
  window: 300,
  // limit: web | items of a closed conversation | 50 | the oldest are let go
  closed: 50,
  // limit: web | answered texts that are remembered for the items of a conversation | 300 | shown without their words
  quotes: 300,
  // limit: web | changes of a conversation that are held against pages on their way | 64 | an older one is taken for known to the page
  changes: 64,
  // limit: web | how long after a page was loaded a reaction may be in it already | 60 s | counted as a new one
  doubt_ms: 60000,
});

export class Conversation {
  name = "";
  picture = ""; // of a group
  /** @type {Item|null} */ last = null;
  cid = 0; // of the newest entry that is known of
  heard = 0; // of the newest entry that was delivered
  unread = 0;
  mentions = 0;
  counted = 0; // up to where unread and mentions count
  uncounted = false; // only the server knows which are unread
  read = 0;
  read_told = 0; // as the server knows it
  told_ms = -Infinity;
  received = 0;
  other_read = 0;
  other_received = 0;
  muted_until = 0;
  muted_ms = 0; // until when the account may not write in this group
  count = 0; // members, once they were asked for
  draft = "";
  /** @type {any[]} files that were chosen and are not sent yet */ chosen = [];
  /** @type {string[]} */ typing = [];
  open = false;
  member = true;
  /** @type {number|null} texts from this cid on were new when the conversation was opened */ firstNew = null;
  listed = false; // by the server

  atStart = false;
  atEnd = false;
  loaded = false;
  unsure = false; // after a break, until it is known which texts the window lacks
  from = 0; // the window covers the log from here
  to = 0; // to here
  following = true; // the reader goes along with the end of the log, and is not at old texts

  /** @type {Item[]} by cid */ #kept = [];
  /** @type {Item[]} not stored yet */ #waiting = [];
  /** @type {Item[]|null} */ #items = null;
  /** @type {Map<string, Item>} texts whose 300 is missing */ #refs = new Map();
  /** @type {Map<number, Quote>} texts that are answered here */ #quotes = new Map();
  /** @type {{cid: number, target: number}[]} the newest changes that were delivered */ #changes = [];

  /** @param {import("../model.js").Model} model @param {Peer} peer */
  constructor(model, peer) {
    this.model = model;
    this.peer = peer;
    this.key = peerKey(peer);
    this.group = peer.group !== undefined;
  }

  get title() {
    if (this.peer.user !== undefined) return this.model.people.get(this.peer.user).title;
    return this.name || this.peer.group;
  }

  /** The address of its picture, or nothing. */
  get avatar() {
    return this.peer.user !== undefined ? this.model.people.get(this.peer.user).avatar : this.picture;
  }

  get online() {
    return this.peer.user !== undefined && this.model.people.get(this.peer.user).online;
  }

  get last_ms() {
    return Math.max(this.last?.time_ms ?? 0, this.#waiting.at(-1)?.time_ms ?? 0);
  }

  /** The window: the stored items by cid, then the waiting ones. */
  get items() {
    return (this.#items ??= this.atEnd || !this.loaded ? [...this.#kept, ...this.#waiting] : [...this.#kept]);
  }

  get newest() {
    return this.#kept.at(-1)?.cid ?? 0;
  }

  get waits() {
    return this.#waiting.length > 0;
  }

  // --- the window ----------------------------------------------------------------------------------

  changed() {
    this.#items = null;
    this.model.touch(this);
  }

  /**
   * The place of the first item from this cid on.
   * @param {number} cid
   */
  #place(cid) {
    let [low, high] = [0, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/** @type {number} */ (this.#kept[middle].cid) < cid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} cid @returns {Item|undefined} */
  find(cid) {
    const item = this.#kept[this.#place(cid)];
    return item?.cid === cid ? item : undefined;
  }

  /** @param {Item} item */
  #insert(item) {
    this.#kept.splice(this.#place(/** @type {number} */ (item.cid)), 0, item);
    if (item.reply_to !== null) this.#noteQuote(item.reply_to);
    this.changed();
  }

  /** @param {Item} item */
  #remove(item) {
    const kept = this.#kept.indexOf(item);
    if (kept >= 0) this.#kept.splice(kept, 1);
    const waiting = this.#waiting.indexOf(item);
    if (waiting >= 0) this.#waiting.splice(waiting, 1);
    this.changed();
  }

  /**
   * Puts an entry into the window, which covers its place.
   * @param {Entry} entry @param {Seen} [seen] what the page knows that it is from
   */
  put(entry, seen) {
    if (!isShown(entry)) return null;
    const known = this.find(entry.cid);
    if (known) {
      if (seen && seen.asof >= known.seen.asof) this.#renew(known, entry, seen);
      else if (known.file && !known.file.url && entry.file) {
        known.takeFile(entry.file);
        this.changed();
      }
      return known;
    }
    const own = entry.mine && this.#waiting.find((item) => isSame(item, entry) && entry.cid > item.after);
    const item = own || Item.of(this, entry, seen);
    if (own) {
      this.#waiting.splice(this.#waiting.indexOf(own), 1);
      own.take(entry, seen);
    }
    this.#insert(item);
    return item;
  }

  /** @param {Item} item @param {Entry} entry @param {Seen} seen */
  #renew(item, entry, seen) {
    item.take(entry, seen);
    if (this.#quotes.has(entry.cid)) this.#quotes.set(entry.cid, quoteOf(item));
    this.changed();
  }

  /**
   * Lets go the items beyond the limit, at the start or at the end.
   * @param {"start"|"end"} side @param {number} [max]
   */
  trim(side, max = LIMITS.window) {
    const over = this.#kept.length - max;
    if (over <= 0) return;
    if (side === "start") {
      for (const item of this.#kept.splice(0, over))
        if (this.#quotes.has(item.cid ?? 0)) this.#quotes.set(item.cid ?? 0, quoteOf(item));
      this.from = this.#kept[0]?.cid ?? this.to;
      this.atStart = false;
    } else {
      this.#kept.splice(max);
      this.to = Math.min(this.to, this.newest);
      this.leaveEnd();
    }
    const used = new Set(this.#kept.map((item) => item.reply_to));
    for (const cid of this.#quotes.keys()) if (!used.has(cid)) this.#quotes.delete(cid);
    this.changed();
  }

  /** The window ends before the end of the log. Own texts that stand beyond what was delivered go. */
  leaveEnd() {
    this.atEnd = this.unsure = this.following = false;
    this.#kept.splice(this.#place(this.to + 1));
    this.changed();
  }

  /** It is not shown any more: the end of the window stays. */
  shut() {
    this.open = false;
    this.firstNew = null;
    this.following = true;
    if (this.atEnd) this.trim("start", LIMITS.closed);
    else this.empty();
  }

  /**
   * Entries up to there will not be delivered: the window ends before them.
   * @param {number} cid
   */
  skip(cid) {
    if (cid <= this.to) return;
    this.heard = Math.max(this.heard, cid);
    if (this.loaded) this.unsure = true;
  }

  /** Everything that was known holds no more. */
  forget() {
    this.empty();
    this.last = null;
    this.cid = this.heard = this.counted = this.unread = this.mentions = 0;
    this.read = this.read_told = this.received = this.other_read = this.other_received = 0;
    this.firstNew = null;
    this.#changes = [];
  }

  /** Forgets the window; waiting texts stay. */
  empty() {
    this.#kept = [];
    this.#quotes.clear();
    this.atStart = this.atEnd = this.loaded = this.unsure = false;
    this.from = this.to = 0;
    this.following = true;
    this.changed();
  }

  // --- what is delivered ----------------------------------------------------------------------------

  /** @param {Entry} entry @returns {Item|null} what it is shown as */
  deliver(entry) {
    this.heard = Math.max(this.heard, entry.cid);
    this.cid = Math.max(this.cid, entry.cid);
    let item = null;
    if (this.atEnd && !this.unsure) {
      if (entry.cid >= this.from) item = this.put(entry);
      this.to = Math.max(this.to, entry.cid);
      // A reader who looks at old texts keeps them; the end of the window goes.
      this.trim(this.following ? "start" : "end", this.open ? LIMITS.window : LIMITS.closed);
    }
    if (isShown(entry)) this.setLast(item ?? Item.of(this, entry));
    return item;
  }

  /** @param {Item} item */
  setLast(item) {
    if ((item.cid ?? 0) >= (this.last?.cid ?? 0)) this.last = item;
  }

  /**
   * A text was recalled or edited, or somebody reacted to it.
   * @param {Entry} entry @returns {boolean} whether the text must be asked for, since it may have the change already
   */
  change(entry) {
    const target = /** @type {number} */ (entry.target);
    this.#changes.push({ cid: entry.cid, target });
    if (this.#changes.length > LIMITS.changes) this.#changes.shift();
    const items = [this.find(target)];
    if (this.last?.cid === target && this.last !== items[0]) items.push(this.last);
    let doubt = false;
    for (const item of items) if (item && !item.recalled) doubt = this.#apply(item, entry) || doubt;
    if (this.#quotes.has(target) && entry.kind !== "reacted") {
      const { by, file } = /** @type {Quote} */ (this.#quotes.get(target));
      this.#quotes.set(target, entry.kind === "recalled" ? { by, msg: "" } : { by, file, msg: entry.msg ?? "" });
    }
    this.changed();
    return doubt;
  }

  /** @param {Item} item @param {Entry} entry */
  #apply(item, entry) {
    if (entry.kind === "recalled") item.recall();
    else if (entry.kind === "edited") {
      if ((entry.edited_ms ?? 0) < (item.edited_ms ?? 0)) return false;
      item.msg = entry.msg ?? "";
      item.edited_ms = entry.edited_ms ?? entry.time_ms;
    } else if (entry.cid > item.seen.asof) {
      if (this.model.clock.now() - item.seen.loaded_ms < LIMITS.doubt_ms) return true;
      item.react(entry.emoji ?? "", Boolean(entry.on), entry.user === this.model.parley.user);
    }
    return false;
  }

  /**
   * Items of a page that may lack a change which was delivered meanwhile.
   * @param {Entry[]} entries @param {number} asof
   */
  doubtful(entries, asof) {
    const late = new Set(this.#changes.filter((change) => change.cid > asof).map((change) => change.target));
    return entries.map((entry) => entry.cid).filter((cid) => late.has(cid));
  }

  // --- own texts ------------------------------------------------------------------------------------

  /** @param {import("../../parley.js").Outgoing} text @param {boolean} fresh written just now, in this tab */
  outgoing(text, fresh) {
    let item = this.#refs.get(text.ref);
    if (!item) {
      if (text.state === "discarded") return;
      item = Item.waiting(this, text);
      if (fresh) item.after = this.cid;
      this.#refs.set(text.ref, item);
      this.#waiting.push(item);
      if (item.reply_to !== null) this.#noteQuote(item.reply_to);
    }
    if (text.state === "stored") this.#stored(item, text);
    else if (text.state === "discarded") {
      this.#refs.delete(text.ref);
      if (item.cid === null) this.#remove(item);
    } else if (item.cid === null) {
      item.progress = text.state;
      item.error = text.error ?? null;
    }
    this.changed();
  }

  /**
   * The text has its place in the log. Its copy may be there already.
   * @param {Item} item @param {import("../../parley.js").Outgoing} text
   */
  #stored(item, text) {
    const cid = /** @type {number} */ (text.cid);
    this.#refs.delete(text.ref);
    if (item.cid !== cid) {
      // It was taken for another text with the same words, from another device: that one stands for itself.
      if (item.cid !== null) this.#part(item);
      const copy = this.find(cid);
      this.#remove(item);
      if (copy) this.#remove(copy);
      const { edited_ms, reactions, recalled, seen } = copy ?? { edited_ms: null, reactions: [], recalled: false, seen: { asof: cid, loaded_ms: -Infinity } };
      Object.assign(item, { cid, time_ms: text.time_ms ?? item.time_ms, progress: "stored", error: null });
      Object.assign(item, { edited_ms, reactions, recalled, seen, msg: copy?.msg ?? item.msg });
      if (copy) item.takeFile(copy.file);
      if (cid >= this.from && (this.atEnd || cid <= this.to)) this.#insert(item);
    }
    this.cid = Math.max(this.cid, cid);
    this.setLast(item);
  }

  /** @param {Item} item */
  #part(item) {
    if (this.find(item.cid ?? 0) !== item) return; // its place was let go meanwhile
    const other = new Item(this);
    Object.assign(other, item, { key: `cid:${item.cid}`, ref: null });
    this.#remove(item);
    this.#insert(other);
  }

  /**
   * So much of the file of a waiting text has arrived.
   * @param {string} ref @param {number} sent
   */
  progress(ref, sent) {
    const item = this.#refs.get(ref);
    if (!item) return;
    item.sent = sent;
    this.model.touch(this);
  }

  // --- answers ---------------------------------------------------------------------------------------

  /**
   * @param {number} cid
   * @returns {{cid: number, by: string|null, msg: string|null, file?: Item["file"]}}
   */
  quote(cid) {
    const { by, msg, file } = this.find(cid) ?? this.#quotes.get(cid) ?? { by: null, msg: null };
    return { cid, by, msg, ...(file && { file }) };
  }

  /** @param {number} cid */
  #noteQuote(cid) {
    if (this.#quotes.has(cid) || this.#quotes.size >= LIMITS.quotes) return;
    const known = this.find(cid);
    this.#quotes.set(cid, known ? quoteOf(known) : { by: null, msg: null });
  }

  /**
   * The answered texts that nothing is known of; each is named once.
   * @param {number} max
   */
  unknownQuotes(max) {
    const unknown = [...this.#quotes].filter(([cid, { msg, asked }]) => msg === null && !asked && !this.find(cid));
    const newest = unknown.slice(-max);
    for (const [, quote] of newest) quote.asked = true;
    return newest.map(([cid]) => cid);
  }

  /** @param {number} cid @param {Entry|undefined} entry */
  setQuote(cid, entry) {
    if (!this.#quotes.has(cid)) return;
    if (entry) this.#quotes.set(cid, entry.recalled ? { by: entry.by, msg: "" } : quoteOf(entry));
    this.changed();
  }

  // --- unread ----------------------------------------------------------------------------------------

  /**
   * Counts the texts behind the read mark, where the window has all of it.
   * @returns {boolean} whether it has
   */
  recount() {
    if (this.read >= this.cid || this.read >= this.counted) this.unread = this.mentions = 0;
    else if (this.atEnd && (this.atStart || this.from <= this.read + 1)) {
      const unread = this.#kept.filter((item) => item.counts(this.read));
      this.unread = unread.length;
      this.mentions = unread.filter((item) => isMentioned(item, this.model.parley.user ?? "")).length;
      this.counted = Math.max(this.counted, this.to);
    } else return this.unread === 0;
    return true;
  }
}

/** @param {Item|Entry} text @returns {Quote} */
function quoteOf({ by, msg, file }) {
  return { by, msg: msg ?? "", file };
}

/** @param {Item} item @param {Entry} entry */
function isSame(item, entry) {
  const same = item.msg === (entry.msg ?? "") && item.reply_to === (entry.reply ?? null) && item.file?.id === entry.file?.id;
  return item.progress === "waiting" && entry.kind === "text" && same;
}
