/**
 * One text or notice of a conversation, as it is shown.
 * @module
 */

/** @typedef {import("../../parley.js").Entry} Entry */
/** @typedef {import("../../parley.js").Outgoing} Outgoing */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/**
 * One on its way has no id yet; `bytes` are those that were chosen here.
 * @typedef {Omit<import("../../parley.js").SharedFile, "id"> & {id?: string, bytes?: Blob}} ItemFile
 */

/**
 * What a history page knows: changes up to `asof` are in it, later ones may be.
 * @typedef {{asof: number, loaded_ms: number}} Seen
 */

/** Notices that stand in their conversation. The others change lists or other items, and are not shown. */
const SHOWN = new Set([
  "text", "system", "left", "removed", "join_answer", "dissolved", "member_muted", "member_banned",
]);

/** @param {Entry} entry */
export function isShown(entry) {
  if (entry.kind === "changed") return entry.of?.group !== undefined && entry.of.member === undefined;
  return SHOWN.has(entry.kind) && !(entry.kind === "join_answer" && !entry.ok);
}

/**
 * Whether a text names an account.
 * @param {{mentions?: string[]|"all"|null}} text @param {string} user
 */
export const isMentioned = (text, user) => text.mentions === "all" || Boolean(text.mentions?.includes(user));

export class Item {
  /** @type {string} stays the same as long as the item lives */ key = "";
  /** @type {string} */ kind = "text";
  /** @type {number|null} */ cid = null;
  /** @type {string|null} */ ref = null;
  /** @type {string|null} */ by = null;
  mine = false;
  time_ms = 0;
  msg = "";
  /** @type {number|null} the cid of the text that is answered */ reply_to = null;
  /** @type {string[]|"all"|null} */ mentions = null;
  /** @type {number|null} */ edited_ms = null;
  recalled = false;
  /** @type {import("../../parley.js").Reaction[]} */ reactions = [];
  /** @type {ItemFile|null} */ file = null;
  /** How many bytes of its file have arrived. */
  sent = 0;
  /** @type {"waiting"|"stored"|"refused"} */ progress = "stored";
  /** @type {import("../../parley.js").Reason|null} */ error = null;
  /** @type {boolean|undefined} */ ok;
  /** @type {string|undefined} */ user;
  /** @type {boolean|undefined} */ on;
  /** @type {number|undefined} */ until_ms;
  /** @type {import("../../parley.js").Changed|undefined} */ of;
  /** @type {Seen} */ seen = { asof: 0, loaded_ms: -Infinity };
  /** What was there when it was written; a text of another device with the same words is older. */
  after = Infinity;
  /** @type {Conversation} */ #conversation;

  /** @param {Conversation} conversation */
  constructor(conversation) {
    this.#conversation = conversation;
  }

  /** @param {Conversation} conversation @param {Entry} entry @param {Seen} [seen] */
  static of(conversation, entry, seen) {
    const item = new Item(conversation);
    item.key = `cid:${entry.cid}`;
    item.take(entry, seen);
    return item;
  }

  /** @param {Conversation} conversation @param {Outgoing} text */
  static waiting(conversation, text) {
    const item = new Item(conversation);
    item.key = `ref:${text.ref}`;
    item.ref = text.ref;
    item.by = conversation.model.parley.user;
    item.mine = true;
    item.time_ms = text.at;
    item.msg = text.msg;
    item.reply_to = text.reply ?? null;
    item.mentions = text.mentions ?? null;
    item.file = text.file ?? null;
    item.progress = "waiting";
    return item;
  }

  /**
   * Takes the entry's fields; the key stays.
   * @param {Entry} entry @param {Seen} [seen]
   */
  take(entry, seen) {
    const { kind, cid, time_ms, by, mine, ok, user, on, until_ms, of } = entry;
    Object.assign(this, { kind, cid, time_ms, by, mine, ok, user, on, until_ms, of, progress: "stored", error: null });
    this.msg = entry.msg ?? "";
    this.reply_to = entry.reply ?? null;
    this.mentions = entry.mentions ?? null;
    this.takeFile(entry.file ?? null);
    this.edited_ms = entry.edited_ms ?? null;
    this.recalled = Boolean(entry.recalled);
    this.reactions = entry.reactions ?? [];
    this.seen = seen ?? { asof: cid, loaded_ms: -Infinity };
  }

  /**
   * The bytes that were sent from here go on showing their picture.
   * @param {ItemFile|null} file
   */
  takeFile(file) {
    const bytes = this.file?.bytes;
    this.file = file && bytes ? { ...file, bytes } : file;
  }

  get conversation() {
    return this.#conversation;
  }

  /** Its author's name here. */
  get name() {
    return this.by === null ? "" : this.#conversation.model.nameIn(this.#conversation, this.by);
  }

  /** @returns {"waiting"|"stored"|"arrived"|"read"|"refused"} */
  get state() {
    const { other_read, other_received, group } = this.#conversation;
    if (this.progress !== "stored" || group || !this.mine || this.cid === null) return this.progress;
    return this.cid <= other_read ? "read" : this.cid <= other_received ? "arrived" : "stored";
  }

  /** The text that is answered, as far as it is known; the words are null if not, and empty if it was recalled. */
  get reply() {
    return this.reply_to === null ? null : this.#conversation.quote(this.reply_to);
  }

  /**
   * Whether it counts as unread behind the mark.
   * @param {number} read
   */
  counts(read) {
    return this.kind === "text" && !this.mine && !this.recalled && this.cid !== null && this.cid > read;
  }

  recall() {
    this.recalled = true;
    this.msg = "";
    this.file = null;
    this.mentions = null;
    this.reactions = [];
  }

  /** @param {string} emoji @param {boolean} on @param {boolean} mine */
  react(emoji, on, mine) {
    const one = this.reactions.find((reaction) => reaction.emoji === emoji);
    if (mine && Boolean(one?.mine) === on) return;
    if (!one && !on) return;
    const count = (one?.count ?? 0) + (on ? 1 : -1);
    const now = { emoji, count, mine: mine ? on : Boolean(one?.mine) };
    const others = one ? this.reactions.map((each) => (each === one ? now : each)) : [...this.reactions, now];
    this.reactions = others.filter((each) => each.count > 0);
  }
}
