/**
 * Loads parts of the server's log into the windows of conversations.
 * @module
 */
import { isShown } from "./item.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("../../parley.js").Entry} Entry */
/** @typedef {{before?: number, after?: number, around?: number, limit?: number}} Where */
/** @typedef {{entries: Entry[], from?: number, to?: number, more: boolean}} Page */

export const LIMITS = Object.freeze({
  // limit: web | entries of a page of history | 50; 200 where a window is made whole after a break | the next page
  page: 50,
  renew: 200,
  // limit: web | pages asked for until the window has the entries delivered meanwhile | 3 | it is taken to have it
  tries: 3,
  // limit: web | pages in a row in which nothing is shown | 5 | the next scrolling goes on
  hidden: 5,
  // limit: web | answered texts asked for at once | 8 | the others are asked for with the next page
  quotes: 8,
});

export class History {
  /** @type {Map<Conversation, Promise<void>>} the load that is under way */ #under_way = new Map();
  /** @type {Map<Conversation, Set<number>>} texts that are asked for again */ #doubtful = new Map();
  #model;

  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.#model = model;
  }

  /**
   * One load after the other in each conversation. Loads that wait while everything is forgotten are not done.
   * @param {Conversation} conversation @param {() => Promise<void>} load
   */
  #do(conversation, load) {
    const before = this.#under_way.get(conversation) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(load);
    this.#under_way.set(conversation, mine);
    return mine.finally(() => {
      if (this.#under_way.get(conversation) === mine) this.#under_way.delete(conversation);
    });
  }

  /** @param {Conversation} conversation */
  isLoading(conversation) {
    return this.#under_way.has(conversation);
  }

  /** @param {Conversation} conversation */
  newest(conversation) {
    return this.#do(conversation, async () => {
      if (!conversation.atEnd) await this.#fresh(conversation, {});
    });
  }

  /** @param {Conversation} conversation @param {number} cid */
  around(conversation, cid) {
    return this.#do(conversation, async () => {
      if (conversation.find(cid)) return;
      await this.#fresh(conversation, { around: cid });
      conversation.following = false;
    });
  }

  /**
   * A window of its own, in place of the one that was there.
   * @param {Conversation} conversation @param {Where} where
   */
  async #fresh(conversation, where) {
    const { page, asof } = await this.#page(conversation, { ...where, limit: LIMITS.page });
    const earlier = await this.#earlier(conversation, page, where.around ?? Infinity);
    conversation.empty();
    conversation.loaded = true;
    if (earlier) this.#put(conversation, earlier.page, earlier.asof);
    this.#put(conversation, page, asof);
    [conversation.from, conversation.to] = [earlier?.page.from ?? page.from ?? 0, page.to ?? 0];
    conversation.atStart = !(earlier?.page ?? page).more || page.from === undefined;
    conversation.changed();
    if (where.around === undefined) await this.#reach(conversation);
  }

  /**
   * A page around a place tells of either side alike whether there is more. Where nothing in it precedes the place,
   * the page before it tells whether the conversation begins there.
   * @param {Conversation} conversation @param {Page} page @param {number} around
   */
  async #earlier(conversation, page, around) {
    if (!page.more || page.from === undefined || page.from < around) return null;
    return this.#page(conversation, { before: page.from, limit: LIMITS.page });
  }

  /** @param {Conversation} conversation */
  before(conversation) {
    if (!conversation.loaded) return this.newest(conversation);
    return this.#do(conversation, async () => {
      for (let i = 0; i < LIMITS.hidden && conversation.loaded && !conversation.atStart; i++) {
        const { page, asof } = await this.#page(conversation, { before: conversation.from, limit: LIMITS.page });
        this.#put(conversation, page, asof);
        conversation.from = page.from ?? conversation.from;
        conversation.atStart = !page.more;
        conversation.following = false;
        conversation.trim("end");
        conversation.changed();
        if (page.entries.some(isShown)) break;
      }
    });
  }

  /** @param {Conversation} conversation */
  after(conversation) {
    if (!conversation.loaded) return this.newest(conversation);
    return this.#do(conversation, async () => {
      for (let i = 0; i < LIMITS.hidden && conversation.loaded && !conversation.atEnd; i++) {
        const { page, asof } = await this.#page(conversation, { after: conversation.to, limit: LIMITS.page });
        this.#put(conversation, page, asof);
        conversation.to = page.to ?? conversation.to;
        conversation.following ||= !page.more;
        if (!page.more) return this.#reach(conversation);
        conversation.trim("start");
        conversation.changed();
        if (page.entries.some(isShown)) break;
      }
    });
  }

  /**
   * The window goes up to the end of the log as it was. Entries that were delivered meanwhile follow. Where they come
   * faster than they are loaded, the reader still goes along with the end: the next pages are loaded like any.
   * @param {Conversation} conversation
   */
  async #reach(conversation) {
    let more = false;
    for (let i = 0; conversation.to < conversation.heard && !more && i < LIMITS.tries; i++) {
      const { page, asof } = await this.#page(conversation, { after: conversation.to, limit: LIMITS.renew });
      this.#put(conversation, page, asof);
      conversation.to = page.to ?? conversation.heard;
      more = page.more;
    }
    const { following } = conversation;
    if (more) {
      conversation.leaveEnd();
      conversation.following = following;
    } else {
      conversation.unsure = false;
      conversation.atEnd = true;
      conversation.to = Math.max(conversation.to, conversation.heard);
    }
    conversation.trim(following ? "start" : "end");
    conversation.changed();
  }

  /**
   * After a break: the window may lack what another device of the account has taken, and changes of what it
   * has. Texts missed beyond some pages are loaded when the reader gets there.
   * @param {Conversation} conversation
   */
  renew(conversation) {
    return this.#do(conversation, async () => {
      if (!conversation.loaded) return this.#fresh(conversation, {});
      const { to, following } = conversation;
      for (let after = conversation.from - 1; ; ) {
        const { page, asof } = await this.#page(conversation, { after, limit: LIMITS.renew });
        this.#put(conversation, page, asof);
        after = page.to ?? Math.max(after, to);
        conversation.to = Math.max(conversation.to, after);
        if (!page.more) return this.#reach(conversation);
        conversation.trim(following ? "start" : "end");
        if (after >= to || conversation.to < after) break;
      }
      conversation.leaveEnd();
    });
  }

  /**
   * @param {Conversation} conversation @param {Where} where
   * @returns {Promise<{page: Page, asof: number}>} asof: changes up to there are in the page
   */
  async #page(conversation, where) {
    const { round } = this.#model;
    const { heard } = conversation;
    // The server takes no 0; cids begin at 128.
    if (where.after !== undefined) where = { ...where, after: Math.max(1, where.after) };
    const page = await this.#model.parley.history(conversation.peer, where);
    if (this.#model.round !== round) throw new Stale();
    return { page, asof: Math.max(heard, page.to ?? 0) };
  }

  /** @param {Conversation} conversation @param {Page} page @param {number} asof */
  #put(conversation, page, asof) {
    const seen = { asof, loaded_ms: this.#model.clock.now() };
    for (const entry of page.entries) {
      const item = conversation.put(entry, seen);
      if (item) conversation.setLast(item);
    }
    conversation.cid = Math.max(conversation.cid, page.to ?? 0);
    for (const cid of conversation.doubtful(page.entries, asof)) this.doubt(conversation, cid);
    this.quotes(conversation);
  }

  /**
   * Asks for one text again, which may lack a change or have it already.
   * @param {Conversation} conversation @param {number} cid
   */
  doubt(conversation, cid) {
    const doubtful = this.#doubtful.get(conversation) ?? new Set();
    if (doubtful.has(cid)) return;
    this.#doubtful.set(conversation, doubtful.add(cid));
    this.#do(conversation, async () => {
      doubtful.delete(cid);
      if (doubtful.size === 0) this.#doubtful.delete(conversation);
      if (!conversation.find(cid)) return;
      const { page, asof } = await this.#page(conversation, { before: cid + 1, limit: 1 });
      if (conversation.find(cid)) this.#put(conversation, page, asof);
    }).catch(() => {}); // after a break the whole window is asked for
  }

  /**
   * The addresses of an item's file have expired.
   * @param {import("./item.js").Item} item
   */
  async renewFile(item) {
    const { conversation, cid, file } = item;
    if (cid === null || !file) return;
    const entry = /** @type {any} */ ({ peer: conversation.peer, cid, file });
    item.takeFile(await this.#model.parley.freshFile(entry, { renew: true }));
    conversation.changed();
  }

  /**
   * Asks for the texts that are answered in the window and stand outside of it.
   * @param {Conversation} conversation
   */
  quotes(conversation) {
    for (const cid of conversation.unknownQuotes(LIMITS.quotes))
      this.#model.parley.history(conversation.peer, { before: cid + 1, limit: 1 }).then(
        ({ entries }) => conversation.setQuote(cid, entries.find((entry) => entry.cid === cid)),
        () => {} // the quotation stays without words
      );
  }
}

/** The result is of no use any more. */
export class Stale extends Error {
  word = "disconnected";
}
