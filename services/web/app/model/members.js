/**
 * The members of groups: asked for once, then kept up to date by notices.
 * @module
 */

export const LIMITS = Object.freeze({
  // limit: web | groups whose members the page knows | 8 | those of the group not used for longest are forgotten
  groups: 8,
});

/**
 * @typedef {{id: string, user: string, name: string, nick: string, role: "owner"|"administrator"|"member",
 *   online: boolean, muted_until: number, avatar?: string, read?: number}} Member
 * @typedef {{list: Map<string, Member>, requests: {user: string, name: string}[],
 *   banned: {user: string, name: string}[]}} Group
 */

export class Members {
  /** @type {Map<string, Promise<Group>>} the group that was wanted last is the last */ #asked = new Map();
  /** @type {Map<string, Group>} */ #groups = new Map();
  #model;

  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.#model = model;
  }

  /**
   * The members known now, without asking.
   * @param {string} group
   */
  known(group) {
    return this.#groups.get(group);
  }

  /** @param {string} group @returns {Promise<Group>} */
  get(group) {
    let asked = this.#asked.get(group);
    if (asked) this.#asked.delete(group);
    else asked = this.#load(group);
    this.#asked.set(group, asked);
    for (const other of this.#asked.keys()) {
      if (this.#asked.size <= LIMITS.groups) break;
      this.forget(other);
    }
    return asked;
  }

  /** @param {string} group */
  refresh(group) {
    this.#asked.delete(group);
    return this.get(group);
  }

  /** @param {string} [group] all of them, if none is named */
  forget(group) {
    if (group === undefined) {
      this.#asked.clear();
      this.#groups.clear();
    } else {
      this.#asked.delete(group);
      this.#groups.delete(group);
    }
  }

  /** The groups that are kept. */
  get groups() {
    return [...this.#groups.keys()];
  }

  /** @param {string} group @returns {Promise<Group>} */
  async #load(group) {
    const { parley, people } = this.#model;
    try {
      const { members, requests, banned } = await parley.allMembers(group);
      /** @type {Group} */
      const known = { list: new Map(), requests: requests ?? [], banned: banned ?? [] };
      for (const member of members) {
        known.list.set(member.user, { id: member.user, ...member });
        people.learn(member.user, { name: member.name, avatar: member.avatar ?? "", online: member.online });
      }
      if (this.#asked.has(group)) this.#groups.set(group, known);
      this.#model.membersChanged(group, known);
      return known;
    } catch (error) {
      this.#asked.delete(group); // the next that asks tries again
      throw error;
    }
  }

  /**
   * Takes a notice of a group.
   * @param {import("../../parley.js").Entry} entry
   */
  take({ kind, group = "", by, user = "", ok, of, nick, until_ms, on }) {
    const known = this.#groups.get(group);
    if (!known) return;
    const { list } = known;
    const id = of?.member?.user ?? (user || by || "");
    const member = list.get(id);
    if (kind === "join_request") {
      if (!known.requests.some((each) => each.user === id)) known.requests.push({ user: id, name: this.#model.people.get(id).name });
    } else if (kind === "join_answer" && ok && !member) {
      const { name, online } = this.#model.people.get(id);
      list.set(id, { id, user: id, name, nick: "", role: "member", online, muted_until: 0 });
    } else if (kind === "left" || kind === "removed" || (kind === "member_banned" && on)) list.delete(id);
    else if (kind === "admin_added" && member) member.role = "administrator";
    else if (kind === "admin_removed" && member) member.role = "member";
    else if (kind === "member_muted" && member) member.muted_until = until_ms ?? 0;
    else if (kind === "changed" && of?.member && member) member.nick = nick ?? "";
    else if (kind === "dissolved") this.forget(group);
    else if (kind !== "join_answer") return;
    if (kind === "join_answer") known.requests = known.requests.filter((each) => each.user !== id);
    this.#model.membersChanged(group, known);
  }

  /** @param {string} group @param {string} user @param {boolean} online */
  presence(group, user, online) {
    const known = this.#groups.get(group);
    const member = known?.list.get(user);
    if (!known || !member || member.online === online) return;
    member.online = online;
    this.#model.membersChanged(group, known);
  }
}
