/**
 * Friends, requests and those from whom the account takes nothing.
 * @module
 */

export const LIMITS = Object.freeze({
  // limit: web | groups asked at the start for requests to join, of those named by the newest 100 own notices | 8 | others show once their members are asked for
  asked_groups: 8,
  own_notices: 100,
  // limit: web | requests to join that are shown | 1,000 | the oldest are left out
  joins: 1000,
});

/** @typedef {import("../../parley.js").Entry} Entry */
/** @typedef {{user: string, name: string}} Named */

export class Friends {
  /** @type {(Named & {remark: string, online: boolean})[]} */ friends = [];
  /** @type {Named[]} */ blocked = [];
  /** @type {{in: Named[], out: Named[], joins: {group: string, user: string}[]}} */
  requests = { in: [], out: [], joins: [] };
  /** @type {Promise<void>|null} */ #asking = null;
  #again = false;
  #model;

  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.#model = model;
  }

  /** Asks for the lists; if they are asked for meanwhile, once more. */
  refresh() {
    if (this.#asking) this.#again = true;
    this.#asking ??= this.#load().finally(() => {
      this.#asking = null;
      if (this.#again && this.#model.connected) void this.refresh().catch(() => {});
      this.#again = false;
    });
    return this.#asking;
  }

  async #load() {
    const { parley, people } = this.#model;
    const { friends, requests, blocked } = await parley.friends();
    const now = new Set(friends.map(({ user }) => user));
    const shut = new Set((blocked ?? []).map(({ user }) => user));
    for (const { id } of people.filter((person) => person.friend && !now.has(person.id)))
      people.learn(id, { friend: false, remark: "", online: false });
    for (const { id } of people.filter((person) => person.blocked && !shut.has(person.id))) people.learn(id, { blocked: false });
    for (const { user, name, remark, avatar = "", online } of friends) people.learn(user, { name, remark, avatar, online, friend: true });
    for (const { user, name, avatar = "" } of requests) people.learn(user, { name, avatar });
    for (const { user, name } of blocked ?? []) people.learn(user, { name, blocked: true });
    this.friends = friends;
    this.blocked = blocked ?? [];
    const named = (/** @type {boolean} */ mine) => requests.filter((each) => each.mine === mine).map(({ user, name }) => ({ user, name }));
    this.requests = { ...this.requests, in: named(false), out: named(true) };
    this.#changed();
  }

  #changed() {
    this.#model.emit("requests");
    this.#model.emit("conversations");
  }

  /** Which groups have open requests stands in the account's own notices; the groups know whether they are still open. */
  async ask() {
    const { parley, groups, me } = this.#model;
    try {
      const { entries } = await parley.history({ user: me.user }, { limit: LIMITS.own_notices });
      const asked = entries.filter((entry) => entry.kind === "join_request").map((entry) => entry.group ?? "");
      const newest = [...new Set(asked.reverse())].slice(0, LIMITS.asked_groups);
      await Promise.allSettled(newest.map((group) => groups.get(group)));
    } catch {
      // Without them, requests show once they are made.
    }
  }

  /** @param {string} group @param {Named[]} requests */
  setJoins(group, requests) {
    const others = this.requests.joins.filter((each) => each.group !== group);
    const joins = [...others, ...requests.map(({ user }) => ({ group, user }))].slice(-LIMITS.joins);
    if (JSON.stringify(joins) === JSON.stringify(this.requests.joins)) return;
    this.requests = { ...this.requests, joins };
    this.#model.emit("requests");
  }

  /**
   * Takes a notice.
   * @param {Entry} entry
   */
  take({ kind, by, user = "", group = "", on, mine }) {
    const { requests } = this;
    if (kind === "friend_answer" || kind === "friend_removed" || (kind === "friend_request" && !mine)) {
      void this.refresh().catch(() => {}); // the next sync brings it
    } else if (kind === "join_request" && by !== null && !mine) {
      if (requests.joins.some((each) => each.group === group && each.user === by)) return;
      this.requests = { ...requests, joins: [...requests.joins, { group, user: by }].slice(-LIMITS.joins) };
      this.#changed();
    } else if (kind === "join_answer") {
      const joins = requests.joins.filter((each) => each.group !== group || each.user !== user);
      if (joins.length === requests.joins.length) return;
      this.requests = { ...requests, joins };
      this.#changed();
    } else if (kind === "blocked") {
      const { name } = this.#model.people.learn(user, { blocked: Boolean(on) });
      this.blocked = this.blocked.filter((each) => each.user !== user);
      if (on) this.blocked = [...this.blocked, { user, name }];
      void this.refresh().catch(() => {}); // an open request of that person's has ended
    }
  }
}
