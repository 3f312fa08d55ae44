/**
 * The list of conversations: pages of it from the server, kept up to date by delivered entries.
 * @module
 */
import { peerKey } from "../../parley.js";
import { Conversation } from "./conversation.js";
import { isMentioned, isShown, Item } from "./item.js";

/** @typedef {import("../../parley.js").Entry} Entry */
/** @typedef {import("../../parley.js").Peer} Peer */
/** @typedef {Awaited<ReturnType<import("../../parley.js").Parley["conversations"]>>["conversations"][number]} Row */

export const LIMITS = Object.freeze({
  // limit: web | conversations of a page of the list | 50 | the next page is loaded when scrolled to
  page: 50,
  // limit: web | conversations of the list that are loaded again after a break | 10 pages of 200 | older ones stay as they were
  again: 200,
  pages: 10,
  // limit: web | unread texts and mentions that are counted | 999 | not counted further, as the server does
  unread: 999,
  // limit: web | pause before the server is asked for the unread texts of a conversation | 0.2 s | asked once for all changes
  refresh_ms: 200,
});

export class List {
  /** @type {Map<string, Conversation>} */ #all = new Map();
  /** @type {Conversation[]|null} */ #sorted = null;
  #more = false;
  #before = 0; // the cid that the next page begins before; 0: none was loaded
  /** @type {Set<Entry[]>} entries delivered while pages are on their way */ #late = new Set();
  /** @type {Promise<void>|null} */ #loading = null;
  #model;

  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.#model = model;
    model.addEventListener("conversations", () => (this.#sorted = null));
  }

  get all() {
    return this.#all.values();
  }

  get more() {
    return this.#more;
  }

  /** @param {Peer} peer */
  get(peer) {
    const key = peerKey(peer);
    let conversation = this.#all.get(key);
    if (!conversation) {
      conversation = this.keep(new Conversation(this.#model, peer));
      const { keep } = this.#model;
      conversation.draft = keep.draft(key);
      [conversation.other_received, conversation.other_read] = keep.marks(key);
    }
    return conversation;
  }

  /** @param {Conversation} conversation */
  keep(conversation) {
    this.#all.set(conversation.key, conversation);
    return conversation;
  }

  clear() {
    this.#all.clear();
    this.#sorted = null;
    this.#more = false;
    this.#before = 0;
  }

  /** @param {Conversation} conversation */
  #isListed(conversation) {
    const { user } = conversation.peer;
    // The account's own notices are shown where they belong; only the operator's words to it are a conversation.
    if (user === this.#model.me.user) return conversation.last?.kind === "system";
    if (conversation.listed || conversation.open || conversation.draft || conversation.waits) return true;
    return !this.#more && user !== undefined && this.#model.people.get(user).friend;
  }

  get sorted() {
    if (!this.#more) for (const { user } of this.#model.friends) this.get({ user });
    return (this.#sorted ??= [...this.#all.values()].filter((each) => this.#isListed(each)).sort(
      (one, other) => other.last_ms - one.last_ms || other.cid - one.cid || one.title.localeCompare(other.title)
    ));
  }

  // --- pages ---------------------------------------------------------------------------------------

  /** After the connection was made: the loaded pages are loaded again, at least the first page. */
  async sync() {
    const back_to = this.#before;
    /** @type {number|undefined} */
    let before;
    for (let page = 0; page < LIMITS.pages; page++) {
      /** @type {{more: boolean, before?: number}} */
      const next = await this.#page({ before, limit: back_to ? LIMITS.again : LIMITS.page });
      before = next.before ?? 0;
      this.#more = next.more;
      this.#before = before;
      if (!next.more || before <= back_to || !back_to) break;
    }
    this.#model.emit("conversations");
  }

  loadMore() {
    this.#loading ??= this.#page({ before: this.#before, limit: LIMITS.page })
      .then(({ more, before }) => {
        this.#more = more;
        this.#before = before ?? this.#before;
        this.#model.emit("conversations");
      })
      .finally(() => (this.#loading = null));
    return this.#more ? this.#loading : Promise.resolve();
  }

  /**
   * @param {{before?: number, limit: number}} where
   * @returns {Promise<{more: boolean, before?: number}>}
   */
  async #page(where) {
    const { parley, round } = this.#model;
    /** @type {Entry[]} */
    const late = [];
    this.#late.add(late);
    try {
      const { conversations, more } = await parley.conversations(where);
      if (this.#model.round !== round) return { more: this.#more, before: this.#before };
      for (const row of conversations) this.#take(row, late);
      return { more, before: conversations.at(-1)?.cid };
    } finally {
      this.#late.delete(late);
    }
  }

  /** @param {Row} row @param {Entry[]} late */
  #take(row, late) {
    const conversation = this.get(row.peer);
    const { user, group } = row.peer;
    if (user !== undefined && row.name !== undefined) this.#model.people.learn(user, { name: row.name, avatar: row.avatar ?? "" });
    else if (group !== undefined) Object.assign(conversation, { name: row.name ?? conversation.name, picture: row.avatar ?? "" });
    conversation.listed = true;
    conversation.cid = Math.max(conversation.cid, row.cid);
    conversation.received = Math.max(conversation.received, row.received);
    conversation.read_told = Math.max(conversation.read_told, row.read);
    conversation.muted_until = row.muted_until;
    if (row.last && isShown(row.last)) conversation.setLast(conversation.find(row.last.cid) ?? Item.of(conversation, row.last));
    this.#setUnread(conversation, row, late);
    if (row.last && group !== undefined) this.#noteMember(conversation, row.last);
  }

  /** @param {Conversation} conversation @param {Entry} last */
  #noteMember(conversation, { kind, user, by }) {
    const mine = (user ?? by) === this.#model.me.user;
    if (kind === "dissolved" || (mine && (kind === "left" || kind === "removed"))) conversation.member = false;
  }

  /** @param {Conversation} conversation @param {Row} row @param {Entry[]} late */
  #setUnread(conversation, row, late) {
    conversation.read = Math.max(conversation.read, row.read);
    if (conversation.read > row.read) return void conversation.recount();
    conversation.uncounted = false;
    conversation.unread = row.unread;
    conversation.mentions = row.mentions;
    conversation.counted = row.cid;
    for (const entry of late) {
      if (this.get(entry.peer) !== conversation || entry.cid <= row.cid) continue;
      if (entry.kind === "recalled") return this.refresh(conversation); // its text is gone: only the server knows
      this.#count(conversation, entry);
    }
  }

  // --- what is delivered ------------------------------------------------------------------------------

  /** @param {Conversation} conversation @param {Entry} entry */
  count(conversation, entry) {
    for (const late of this.#late) late.push(entry);
    this.#count(conversation, entry);
    if (conversation.uncounted) this.refresh(conversation);
  }

  /** @param {Conversation} conversation @param {Entry} entry */
  #count(conversation, entry) {
    if (entry.cid <= conversation.counted) return;
    if (entry.kind === "recalled") return this.#countRecall(conversation, entry);
    conversation.counted = entry.cid;
    if (entry.kind !== "text" || entry.mine || entry.recalled || entry.cid <= conversation.read) return;
    conversation.unread = Math.min(conversation.unread + 1, LIMITS.unread);
    if (isMentioned(entry, this.#model.me.user)) conversation.mentions = Math.min(conversation.mentions + 1, LIMITS.unread);
  }

  /**
   * A text that nobody has read is taken back.
   * @param {Conversation} conversation @param {Entry} entry
   */
  #countRecall(conversation, { cid, target = 0 }) {
    const was = conversation.counted;
    conversation.counted = cid;
    if (target <= conversation.read || target > was || conversation.unread === 0) return;
    const item = conversation.find(target) ?? (conversation.last?.cid === target ? conversation.last : undefined);
    // Whether it was counted is not known of a text that is not here, or that history has shown as recalled.
    if (!item || item.recalled) return this.refresh(conversation);
    if (!item.counts(conversation.read)) return;
    conversation.unread--;
    if (isMentioned(item, this.#model.me.user)) conversation.mentions = Math.max(0, conversation.mentions - 1);
  }

  /** @param {Conversation} conversation @param {number} cid */
  read(conversation, cid) {
    if (cid <= conversation.read) return;
    conversation.read = cid;
    if (!conversation.recount() && conversation.read_told >= cid) this.refresh(conversation);
  }

  /**
   * Asks the server for the unread texts of one conversation. It is on a page of its own if nothing newer is in it;
   * otherwise that is on its way, and then it is asked for again.
   * @param {Conversation} conversation
   */
  refresh(conversation) {
    conversation.uncounted = true;
    this.#model.after(`unread ${conversation.key}`, LIMITS.refresh_ms, () => {
      this.#page({ before: conversation.cid + 1, limit: 1 }).then(
        () => this.#model.emit("conversations"),
        () => {} // the next sync brings it
      );
    });
  }

  /**
   * A group has another name or picture.
   * @param {Conversation} conversation @param {string} group
   */
  rename(conversation, group) {
    this.#model.parley.profile({ group }).then(
      ({ name, avatar }) => {
        Object.assign(conversation, { name, picture: avatar ?? "" });
        this.#model.touch(conversation);
      },
      () => {} // it keeps its name until it is opened
    );
  }
}
