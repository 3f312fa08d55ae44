/**
 * The page's state: conversations, items, people, members. It knows no element: elements read from it, and
 * listen to its events. Everything that it knows is from parley.js.
 *
 * Events: "conversations", "items" {conversation}, "person" {user}, "requests", "members" {group}, "typing"
 * {conversation}, "state". Changes at the same time make one event.
 * @module
 */
import { parsePeer } from "../parley.js";
import { Conversation } from "./model/conversation.js";
import { History } from "./model/history.js";
import { Friends } from "./model/friends.js";
import { Keep } from "./model/keep.js";
import { List } from "./model/list.js";
import { Members } from "./model/members.js";
import { People } from "./model/people.js";

/** @typedef {import("../parley.js").Entry} Entry */
/** @typedef {import("../parley.js").Peer} Peer */
/** @typedef {import("./model/item.js").Item} Item */

export const LIMITS = Object.freeze({
  // limit: web | how long somebody is shown typing | 5 s, or until a text | not shown any more
  typing_ms: 5000,
  // limit: web | read marks of one conversation | one a second | the next one covers them
  read_ms: 1000,
  // limit: web | closed conversations that keep their newest items | 8 | the one closed longest ago keeps its summary alone
  kept: 8,
  // limit: web | pause before lists that could not be loaded are asked for again | 3 s | asked again as long as there is a connection
  retry_ms: 3000,
});

/** @type {import("../parley.js").Clock} */
const systemClock = {
  now: () => Date.now(),
  setTimeout: (f, ms) => globalThis.setTimeout(f, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  random: () => Math.random(),
};

/** After these words of a fault the same may succeed a little later. */
const BUSY = new Set(["overloaded", "unavailable", "timeout", "internal", "busy"]);

export class Model extends EventTarget {
  /** @type {{user: string, name: string, about: string, avatar: string}} */ me = { user: "", name: "", about: "", avatar: "" };
  /** @type {Conversation|null} */ current = null;
  /** Counts the events that make answers on their way useless. */
  round = 0;
  #started = false;
  /** @type {Conversation[]} closed ones with a window, the one that was closed last is the last */ #closed = [];
  /** @type {Map<string, any>} */ #timers = new Map();
  /** @type {Map<string, {name: string, detail: any}>} */ #events = new Map();
  /** @type {import("../parley.js").Outgoing|"next"|null} */ #writing = null;
  #listening = new AbortController();

  /**
   * @param {import("../parley.js").Parley} parley
   * @param {{storage?: import("./model/keep.js").Storing|null, clock?: import("../parley.js").Clock}} options
   */
  constructor(parley, options = {}) {
    super();
    const { storage, clock = systemClock } = options;
    this.parley = parley;
    this.clock = clock;
    this.people = new People(this);
    this.groups = new Members(this);
    this.history = new History(this);
    this.list = new List(this);
    this.friendship = new Friends(this);
    this.keep = new Keep(clock, storage);
    this.#listen();
  }

  #listen() {
    const { signal } = this.#listening;
    /** @param {any} name @param {(detail: any) => void} take */
    const on = (name, take) => this.parley.addEventListener(name, (event) => take.call(this, event.detail), { signal });
    on("state", this.#state);
    on("entry", this.#entry);
    on("outgoing", this.#outgoing);
    on("progress", this.#progress);
    on("mark", this.#mark);
    on("typing", this.#typing);
    on("presence", this.#presence);
    on("skipped", this.#skipped);
    on("quiet", this.#quiet);
    on("epoch", this.#forgetAll);
  }

  // --- the connection --------------------------------------------------------------------------------

  get connected() {
    return this.parley.state.name === "connected";
  }

  /** After a sign-in, or after restore(). Resolves once the list is there, or at once without a connection. */
  async start() {
    if (this.#started) return;
    this.#started = true;
    this.#setUser();
    if (this.connected) await this.#sync();
  }

  #setUser() {
    const user = this.parley.user ?? "";
    if (this.me.user === user) return;
    this.me = { user, name: "", about: "", avatar: "" };
    this.keep.load(user);
    for (const text of this.parley.outbox) this.#outgoing(text);
    for (const key of this.keep.drafts) {
      const peer = parsePeer(key);
      if (peer) this.conversation(peer);
    }
    this.emit("person", { user });
  }

  /** @param {import("../parley.js").State} state */
  #state({ name }) {
    this.emit("state");
    if (!this.#started) return;
    if (name === "connected") void this.#sync();
    else if (name === "signed_out" || name === "ended") this.#stop();
  }

  #stop() {
    this.keep.save();
    this.#listening.abort();
    for (const timer of this.#timers.values()) this.clock.clearTimeout(timer);
    this.#timers.clear();
    this.round++;
  }

  /** Brings everything up to date after the connection was made. Parts that fail are tried again. */
  async #sync() {
    const round = ++this.round;
    this.#setUser();
    for (const conversation of this.list.all) {
      if (conversation.open) conversation.unsure = true;
      else conversation.empty();
    }
    this.#closed = [];
    const groups = this.groups.groups.filter((group) => this.current?.peer.group === group);
    this.groups.forget();
    // People who have gone offline meanwhile are not reported; friends and members are asked for anew.
    for (const { id } of this.people.filter((each) => each.online && !each.friend)) this.people.learn(id, { online: false });
    const parts = [
      this.list.sync(),
      this.friendship.refresh(),
      this.#profile(),
      this.current ? this.history.renew(this.current) : null,
      ...groups.map((group) => this.groups.get(group)),
    ];
    const results = await Promise.allSettled(parts);
    this.people.ask();
    this.friendship.ask();
    const failed = results.some((result) => result.status === "rejected");
    if (failed && this.connected && this.round === round) this.after("sync", LIMITS.retry_ms, () => this.#sync());
    for (const conversation of this.list.all) if (conversation.read > conversation.read_told) this.#tell(conversation);
  }

  async #profile() {
    const { name, about, avatar = "" } = await this.parley.profile({ user: this.me.user });
    this.me = { user: this.me.user, name, about, avatar };
    this.people.learn(this.me.user, { name, about, avatar });
    this.emit("person", { user: this.me.user });
  }

  /** The server was restored from a backup: nothing that is known of conversations holds. */
  #forgetAll() {
    this.round++;
    const { current } = this;
    this.keep.forgetMarks();
    this.list.clear();
    this.people.clear();
    this.groups.forget();
    this.#closed = [];
    if (current) this.list.keep(current).forget();
    this.emit("conversations");
  }

  /**
   * Calls later, once for each name.
   * @param {string} name @param {number} ms @param {() => void} call
   */
  after(name, ms, call) {
    this.clock.clearTimeout(this.#timers.get(name));
    const timer = this.clock.setTimeout(() => {
      this.#timers.delete(name);
      call();
    }, ms);
    this.#timers.set(name, timer);
  }

  // --- events ----------------------------------------------------------------------------------------

  /** @param {string} name @param {any} [detail] */
  emit(name, detail = null) {
    if (this.#events.size === 0) queueMicrotask(() => this.#dispatch());
    this.#events.set(`${name} ${detail?.conversation?.key ?? detail?.user ?? detail?.group ?? ""}`, { name, detail });
  }

  #dispatch() {
    const events = [...this.#events.values()];
    this.#events.clear();
    for (const { name, detail } of events) this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /**
   * Items of the conversation have changed.
   * @param {Conversation} conversation
   */
  touch(conversation) {
    this.emit("items", { conversation });
    this.emit("conversations");
  }

  // --- conversations -----------------------------------------------------------------------------------

  /** Those that are listed, the newest first; then friends to whom nothing was written yet. */
  get conversations() {
    return this.list.sorted;
  }

  /** Whether there are older conversations than those in the list. */
  get more() {
    return this.list.more;
  }

  /** The next page of the list. */
  loadConversations() {
    return this.list.loadMore();
  }

  get unreadTotal() {
    const now = this.clock.now();
    let total = 0;
    for (const { unread, muted_until } of this.list.all) if (muted_until <= now) total += unread;
    return total;
  }

  /** @param {Peer} peer @returns {Conversation} */
  conversation(peer) {
    return this.list.get(peer);
  }

  /**
   * The conversation that is shown now. Without a connection it fills once there is one.
   * @param {Peer} peer
   */
  async open(peer) {
    const conversation = this.conversation(peer);
    if (this.current !== conversation) {
      this.close();
      this.current = conversation;
      conversation.open = true;
      conversation.firstNew = conversation.unread > 0 ? conversation.read + 1 : null;
      this.#closed = this.#closed.filter((each) => each !== conversation);
      this.emit("conversations");
    }
    const { group } = conversation.peer;
    if (group !== undefined) void this.#openGroup(conversation, group);
    await this.#fill(conversation);
    return conversation;
  }

  /** @param {Conversation} conversation */
  async #fill(conversation) {
    try {
      await this.history.newest(conversation);
    } catch (error) {
      // A connection that is made anew brings it, or the first entry of somebody who did not exist.
      const { word = "" } = /** @type {{word?: string}} */ (error);
      if (BUSY.has(word)) this.after("fill", LIMITS.retry_ms, () => this.current === conversation && this.#fill(conversation));
    }
  }

  /** @param {Conversation} conversation @param {string} group */
  async #openGroup(conversation, group) {
    try {
      const { name, avatar, member } = await this.parley.profile({ group });
      Object.assign(conversation, { name, picture: avatar ?? "" });
      conversation.member = Boolean(member);
      this.touch(conversation);
      if (member) await this.groups.get(group);
    } catch {
      // no_group: the view shows the history
    }
  }

  close() {
    const { current } = this;
    if (!current) return;
    this.current = null;
    current.shut();
    if (current.loaded) this.#closed.push(current);
    while (this.#closed.length > LIMITS.kept) this.#closed.shift()?.empty();
    this.emit("conversations");
  }

  /** @param {Conversation} conversation */
  loadBefore(conversation) {
    return this.history.before(conversation);
  }

  /** @param {Conversation} conversation */
  loadAfter(conversation) {
    return this.history.after(conversation);
  }

  /** @param {Conversation} conversation @param {number} cid */
  loadAround(conversation, cid) {
    return this.history.around(conversation, cid);
  }

  /** @param {Conversation} conversation */
  loadNewest(conversation) {
    return this.history.newest(conversation);
  }

  // --- what is delivered -------------------------------------------------------------------------------

  /** @param {Entry} entry */
  #entry(entry) {
    const conversation = this.conversation(entry.peer);
    conversation.listed = true;
    const item = conversation.deliver(entry);
    if (conversation.open && !conversation.loaded && !this.history.isLoading(conversation)) void this.#fill(conversation);
    this.list.count(conversation, entry);
    if (entry.kind === "recalled" || entry.kind === "edited" || entry.kind === "reacted") {
      if (conversation.change(entry)) this.history.doubt(conversation, /** @type {number} */ (entry.target));
    } else if (entry.kind === "text") {
      this.#stopsTyping(conversation, entry.by ?? "");
      if (item?.reply_to != null) this.history.quotes(conversation);
    } else {
      this.friendship.take(entry);
      this.groups.take(entry);
      this.#noteGroup(conversation, entry);
    }
    this.touch(conversation);
  }

  /**
   * The changes that a notice of a group makes to the conversation.
   * @param {Conversation} conversation @param {Entry} entry
   */
  #noteGroup(conversation, { kind, user, group, by, ok, until_ms, of, on }) {
    const mine = (user ?? by) === this.me.user;
    if (kind === "dissolved" || (mine && (kind === "left" || kind === "removed"))) conversation.member = false;
    else if (mine && kind === "member_banned" && on) conversation.member = false;
    else if (mine && kind === "join_answer" && ok) conversation.member = true;
    else if (mine && kind === "member_muted") conversation.muted_ms = until_ms ?? 0;
    if (kind === "changed" && of?.user !== undefined) {
      if (of.user === this.me.user) void this.#profile().catch(() => {});
      else this.people.renew(of.user);
    }
    const new_here = mine && kind === "join_answer" && ok;
    if (group !== undefined && (new_here || (kind === "changed" && !of?.member))) this.list.rename(conversation, group);
  }

  /** @param {import("../parley.js").Outgoing} text */
  #outgoing(text) {
    const conversation = this.conversation(text.peer);
    const fresh = this.#writing === "next";
    if (fresh) this.#writing = text;
    conversation.outgoing(text, fresh);
    if (text.error?.word === "not_member") conversation.member = false;
  }

  /** @param {{ref: string, sent: number}} progress */
  #progress({ ref, sent }) {
    const text = this.parley.outbox.find((each) => each.ref === ref);
    if (text) this.conversation(text.peer).progress(ref, sent);
  }

  /** @param {{peer: Peer, user?: string, cid: number, kind: "received"|"read"}} mark */
  #mark({ peer, user, cid, kind }) {
    const conversation = this.conversation(peer);
    if (user === undefined) {
      if (kind !== "read") return;
      conversation.read_told = Math.max(conversation.read_told, cid);
      this.list.read(conversation, cid);
    } else {
      conversation.other_received = Math.max(conversation.other_received, cid);
      if (kind === "read") conversation.other_read = Math.max(conversation.other_read, cid);
      this.keep.setMarks(conversation.key, conversation.other_received, conversation.other_read);
    }
    this.touch(conversation);
  }

  /** @param {{peer: Peer, user: string}} typing */
  #typing({ peer, user }) {
    const conversation = this.conversation(peer);
    if (user === this.me.user) return;
    if (!conversation.typing.includes(user)) conversation.typing = [...conversation.typing, user];
    this.after(`typing ${user} ${conversation.key}`, LIMITS.typing_ms, () => this.#stopsTyping(conversation, user));
    this.emit("typing", { conversation });
  }

  /** @param {Conversation} conversation @param {string} user */
  #stopsTyping(conversation, user) {
    if (!conversation.typing.includes(user)) return;
    conversation.typing = conversation.typing.filter((each) => each !== user);
    const name = `typing ${user} ${conversation.key}`;
    this.clock.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    this.emit("typing", { conversation });
  }

  /** @param {{peer: Peer, until_ms: number}} quiet */
  #quiet({ peer, until_ms }) {
    this.conversation(peer).muted_until = until_ms;
    this.emit("conversations");
  }

  /** @param {{user: string, group?: string, online: boolean}} presence */
  #presence({ user, group, online }) {
    this.people.learn(user, { online });
    if (group !== undefined) this.groups.presence(group, user, online);
    else this.emit("conversations");
  }

  /**
   * The log has entries that are not delivered: the window ends before them.
   * @param {{peer: Peer, cid: number}} skipped
   */
  #skipped({ peer, cid }) {
    const conversation = this.conversation(peer);
    conversation.cid = Math.max(conversation.cid, cid);
    conversation.listed = true;
    if (conversation.open) {
      conversation.skip(cid);
      if (conversation.unsure) this.history.renew(conversation).catch(() => {}); // the next sync brings it
    } else conversation.empty();
    this.list.refresh(conversation);
    this.touch(conversation);
  }

  // --- what the user does --------------------------------------------------------------------------------

  /**
   * This was on the screen.
   * @param {Conversation} conversation @param {number} cid
   */
  seen(conversation, cid) {
    if (cid <= conversation.read) return;
    this.list.read(conversation, cid);
    this.touch(conversation);
    const name = `read ${conversation.key}`;
    if (this.#timers.has(name)) return;
    const wait = conversation.told_ms + LIMITS.read_ms - this.clock.now();
    if (wait <= 0) this.#tell(conversation);
    else this.after(name, wait, () => this.#tell(conversation));
  }

  /**
   * Sends the read mark.
   * @param {Conversation} conversation
   */
  #tell(conversation) {
    if (!this.connected) return; // #sync does it
    const { read } = conversation;
    conversation.told_ms = this.clock.now();
    this.parley.read(conversation.peer, read).then(
      () => {
        conversation.read_told = Math.max(conversation.read_told, read);
        if (!conversation.recount()) this.list.refresh(conversation);
      },
      () => {} // after the next break it is sent again
    );
  }

  /**
   * @param {Conversation} conversation
   * @param {{msg?: string, reply?: number, mentions?: string[]|"all", file?: import("../parley.js").GivenFile}} text
   */
  send(conversation, text) {
    this.#writing = "next";
    try {
      const sent = this.parley.send(conversation.peer, text);
      conversation.following = true;
      return sent;
    } finally {
      this.#writing = null;
    }
  }

  /**
   * No notifications until then; 0: again. Only the account's other connections receive it.
   * @param {Conversation} conversation @param {number} until_ms
   */
  async quiet(conversation, until_ms) {
    await this.parley.quiet(conversation.peer, until_ms);
    this.#quiet({ peer: conversation.peer, until_ms });
  }

  /** @param {Item} item */
  again({ ref }) {
    if (ref !== null) this.parley.again(ref);
  }

  /** @param {Item} item */
  discard({ ref }) {
    if (ref !== null) this.parley.discard(ref);
  }

  /** @param {Item} item @param {string} msg */
  async edit({ conversation, cid }, msg) {
    if (cid !== null) await this.parley.edit(conversation.peer, cid, msg);
  }

  /** @param {Item} item */
  async recall({ conversation, cid }) {
    if (cid !== null) await this.parley.recall(conversation.peer, cid);
  }

  /** @param {Item} item @param {string} emoji @param {boolean} on */
  async react({ conversation, cid }, emoji, on) {
    if (cid !== null) await this.parley.react(conversation.peer, cid, emoji, on);
  }

  /** @param {Conversation} conversation @param {string} text */
  setDraft(conversation, text) {
    if (conversation.draft === text) return;
    conversation.draft = text;
    this.keep.setDraft(conversation.key, text);
    this.emit("conversations");
  }

  // --- people and groups -----------------------------------------------------------------------------------

  get friends() {
    return this.friendship.friends;
  }

  get blocked() {
    return this.friendship.blocked;
  }

  get requests() {
    return this.friendship.requests;
  }

  refreshFriends() {
    return this.friendship.refresh();
  }

  /** @param {string} group */
  async members(group) {
    return [...(await this.groups.get(group)).list.values()];
  }

  /** @param {string} group */
  async refreshMembers(group) {
    return [...(await this.groups.refresh(group)).list.values()];
  }

  /**
   * The account's role in a group; null if it is not known.
   * @param {string} group
   */
  role(group) {
    return this.groups.known(group)?.list.get(this.me.user)?.role ?? null;
  }

  /** @param {string} group @param {import("./model/members.js").Group} known */
  membersChanged(group, { list, requests }) {
    const conversation = this.conversation({ group });
    conversation.muted_ms = list.get(this.me.user)?.muted_until ?? conversation.muted_ms;
    conversation.count = list.size;
    this.friendship.setJoins(group, requests);
    this.emit("members", { group });
    this.emit("conversations");
  }

  /** @param {Conversation} conversation @param {string} user */
  nameIn(conversation, user) {
    const { group } = conversation.peer;
    const nick = group === undefined ? "" : this.groups.known(group)?.list.get(user)?.nick;
    return nick || this.people.get(user).title;
  }
}
