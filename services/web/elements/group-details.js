/**
 * A group: its profile, members, requests to join, and the actions that the reader's role allows.
 * @module
 */
import { avatarSetting } from "./avatar-setting.js";
import "./member-list.js";
import { asking, attempt, editable, friendPicker, goTo, headOf, idOf, personOf, personRow, quietPart, refill, section, tile, why } from "./people-parts.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";

const EVENTS = ["requests", "conversations", "person"];
/** Notices after which the reader may be a member, or none. */
const MEMBERSHIP = ["join_answer", "left", "removed", "member_banned", "dissolved"];
/** The seconds of slow mode that are offered. */
const SLOW_S = [0, 5, 15, 30, 60, 300, 3600];

export class GroupDetails extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {string} */ group = "";
  /** @type {any} the fields of the 312 */ profile = null;
  /** @type {any[]} */ members = [];
  #update = () => this.render();
  #membersChanged = (/** @type {any} */ event) => (event.detail?.group ?? this.group) === this.group && void this.loadMembers();
  #notice = (/** @type {any} */ event) => void this.noticed(event.detail);
  #inviting = false;

  connectedCallback() {
    const names = ["head", "requests", "profile", "own", "invite", "members", "banned", "end"];
    this.parts = Object.fromEntries(names.map((name) => [name, h("div", { class: `${name}-part` })]));
    this.error = h("div");
    this.append(h("div", { class: "stack parts" }, this.error, ...Object.values(this.parts)));
    for (const event of EVENTS) this.page.model.addEventListener(event, this.#update);
    this.page.model.addEventListener("members", this.#membersChanged);
    this.page.parley.addEventListener("entry", this.#notice);
    this.addEventListener("settled", this.#update);
    this.render();
    void this.load();
  }

  disconnectedCallback() {
    for (const event of EVENTS) this.page.model.removeEventListener(event, this.#update);
    this.page.model.removeEventListener("members", this.#membersChanged);
    this.page.parley.removeEventListener("entry", this.#notice);
  }

  async load() {
    await attempt(/** @type {HTMLElement} */ (this.error), async () => {
      this.profile = await this.page.parley.profile({ group: this.group });
    });
    await this.loadMembers();
  }

  async loadMembers() {
    if (this.member) this.members = await this.page.model.members(this.group).catch(() => this.members);
    if (this.isConnected) this.render();
  }

  /**
   * The group's own profile is asked for again once somebody changed it.
   * @param {any} entry
   */
  async noticed(entry) {
    if (entry.peer?.group !== this.group) return;
    const mine = MEMBERSHIP.includes(entry.kind) && (entry.user ?? entry.by) === this.page.model.me.user;
    if (mine || (entry.kind === "changed" && entry.of?.group !== undefined)) await this.load();
    if (entry.kind === "member_banned" && this.parts?.banned.querySelector("details[open]")) await this.loadBanned();
  }

  get conversation() {
    return this.page.model.conversation({ group: this.group });
  }

  get member() {
    return this.conversation.member !== false && this.profile?.member !== false;
  }

  render() {
    const { page, group, conversation, member } = this;
    const role = member ? page.model.role(group) ?? this.members.find((each) => idOf(each) === page.model.me.user)?.role : null;
    const runs = role === "owner" || role === "administrator";
    const parts = /** @type {Record<string, HTMLElement>} */ (this.parts);
    const { name, about = "", slow_s = 0, avatar: picture = "" } = this.profile ?? {};
    const title = name || conversation.title || group;
    const count = this.members.length;
    refill(parts.head, { title, picture, about, count, member, runs }, () => [
      headOf({ id: group, title, picture, group: true, about: runs ? "" : about, under: underName(member, count) }),
      runs ? avatarSetting(page, { group }, picture !== "", () => this.load()) : null,
      member ? this.tiles() : this.joinButton(),
    ]);
    const joins = runs ? page.model.requests.joins.filter((/** @type {any} */ each) => each.group === group) : [];
    refill(parts.requests, joins, () => (joins.length > 0 ? [this.requests(joins)] : []));
    refill(parts.profile, { runs, name, about, slow_s, role }, () => (this.profile && member ? this.profilePart(runs, title, about, slow_s) : []));
    const mine = this.members.find((each) => idOf(each) === page.model.me.user);
    refill(parts.own, { nick: mine?.nick, until: conversation.muted_until, member }, () => (member ? this.own(mine?.nick ?? "") : []));
    refill(parts.invite, { runs, friends: page.model.friends?.length, inviting: this.#inviting, count }, () => (runs ? [this.invite()] : []));
    this.showMembers(parts.members, role, member);
    refill(parts.banned, { runs }, () => (runs ? [this.banned()] : []));
    refill(parts.end, { role, member, title, count }, () => (member && role ? [this.end(role, title)] : []));
  }

  tiles() {
    const { page, conversation } = this;
    return h(
      "div",
      { class: "tiles" },
      tile("write", "send", t("people.write"), () => goTo(page, conversation.peer)),
      tile("search-here", "search", t("people.search"), () => page.openPanel("search", { conversation })),
    );
  }

  joinButton() {
    const part = h("div", { class: "stack" });
    const join = () =>
      void attempt(part, async () => {
        await this.page.parley.joinGroup(this.group);
        part.replaceChildren(h("p", { class: "small", role: "status" }, t("people.join-asked")));
      });
    part.append(h("button", { type: "button", class: "primary", dataset: { act: "join" }, on: { click: join } }, icon("plus"), t("people.join")));
    return part;
  }

  /** @param {any[]} joins */
  requests(joins) {
    return section(t("people.join-requests"), ...joins.map((request) => Object.assign(document.createElement("request-card"), { page: this.page, request })));
  }

  /** @param {boolean} runs @param {string} title @param {string} about @param {number} slow */
  profilePart(runs, title, about, slow) {
    if (!runs) return slow > 0 ? [section(t("people.slow"), h("p", { class: "small muted" }, t("people.slow-is", { time: seconds(slow) })))] : [];
    const save = (/** @type {any} */ fields) => this.page.parley.set({ group: this.group }, fields).then(() => this.load());
    return [
      section(
        t("people.profile"),
        editable({ act: "group-name", label: t("people.group-name"), value: title, empty: "", maxlength: 64 }, (name) => save({ name })),
        editable({ act: "group-about", label: t("people.about"), value: about, empty: t("people.no-about"), maxlength: 512, lines: true }, (value) => save({ about: value })),
        this.slowMode(slow, save),
      ),
    ];
  }

  /** @param {number} slow @param {(fields: any) => Promise<any>} save */
  slowMode(slow, save) {
    const offered = SLOW_S.includes(slow) ? SLOW_S : [...SLOW_S, slow].sort((one, other) => one - other);
    const select = h(
      "select",
      {
        id: "slow-mode", dataset: { act: "slow" },
        on: {
          change: async () => {
            if (!(await attempt(part, () => save({ slow_s: Number(select.value) })))) select.value = String(slow);
          },
        },
      },
      offered.map((each) => h("option", { value: each, selected: each === slow }, each === 0 ? t("people.slow-off") : seconds(each))),
    );
    const part = h("div", { class: "field" }, h("label", { for: "slow-mode" }, t("people.slow")), select, h("p", { class: "muted small" }, t("people.slow-hint")));
    return part;
  }

  /** @param {string} nick */
  own(nick) {
    return [
      section(
        t("people.for-you"),
        editable({ act: "nick", label: t("people.nick"), value: nick, empty: t("people.no-nick"), maxlength: 64 }, async (value) => {
          await this.page.parley.set({ member: { group: this.group } }, { nick: value });
          await this.page.model.refreshMembers(this.group);
        }),
      ),
      quietPart(this.page, this.conversation),
    ];
  }

  invite() {
    const { page, group } = this;
    const there = new Set(this.members.map(idOf));
    const open = (/** @type {boolean} */ inviting) => () => {
      this.#inviting = inviting;
      this.render();
      /** @type {HTMLElement | null | undefined} */ (this.parts?.invite.querySelector(inviting ? "input, button" : "button"))?.focus();
    };
    if (!this.#inviting)
      return h("div", { class: "part" }, h("button", { type: "button", dataset: { act: "invite" }, on: { click: open(true) } }, icon("plus"), t("people.invite")));
    const picker = friendPicker(page, t("people.choose-friends"), (id) => !there.has(id));
    const form = h("form", { class: "stack", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); void add(); } } });
    const add = async () => {
      const done = await attempt(form, async () => {
        /** @type {string[]} */
        const failed = [];
        for (const user of picker.chosen())
          await page.parley.invite(group, user).catch((/** @type {any} */ error) => failed.push(`\u2068${personOf(page, user).title}\u2069: ${why(error)}`));
        await page.model.refreshMembers(group);
        if (failed.length > 0) throw new Error(failed.join(" "));
      });
      if (done) open(false)();
    };
    form.append(
      picker.element,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: "primary", dataset: { act: "invite-chosen" } }, t("people.invite-chosen")),
        h("button", { type: "button", on: { click: open(false) } }, t("common.cancel")),
      ),
    );
    return section(t("people.invite"), form);
  }

  /** @param {HTMLElement} host @param {string | null} role @param {boolean} member */
  showMembers(host, role, member) {
    host.hidden = !member || this.members.length === 0;
    let list = /** @type {any} */ (host.firstElementChild);
    if (!list) host.append((list = Object.assign(document.createElement("member-list"), { page: this.page, group: this.group })));
    list.show(this.members, role);
  }

  banned() {
    this.bannedList = h("div", { class: "stack", "aria-live": "polite" });
    const loadOnce = (/** @type {Event} */ event) => /** @type {any} */ (event.target).open && void this.loadBanned();
    return h("details", { class: "part", dataset: { act: "banned" }, on: { toggle: loadOnce } }, h("summary", null, t("people.banned")), this.bannedList);
  }

  async loadBanned() {
    const host = /** @type {HTMLElement} */ (this.bannedList);
    await attempt(host, async () => {
      const { banned } = await this.page.parley.allMembers(this.group);
      host.replaceChildren(
        ...(banned.length > 0 ? banned.map((each) => this.bannedRow(each)) : [h("p", { class: "muted small" }, t("people.nobody-banned"))]),
      );
    });
  }

  /** @param {{user: string, name: string}} each */
  bannedRow({ user, name }) {
    const row = h("div", { class: "banned", dataset: { user } });
    const unban = () =>
      void attempt(row, async () => {
        await this.page.parley.ban(this.group, user, false);
        await this.loadBanned();
        /** @type {HTMLElement | null | undefined} */ (this.parts?.banned.querySelector("summary"))?.focus();
      });
    row.append(
      h("div", { class: "row plain" }, ...personRow({ id: user, title: name || user }), h("button", { type: "button", dataset: { act: `unban-${user}` }, on: { click: unban } }, t("people.unban"))),
    );
    return row;
  }

  /** @param {string} role @param {string} title */
  end(role, title) {
    const { page, group } = this;
    const name = `\u2068${title}\u2069`;
    const over = (/** @type {"leave" | "dissolve"} */ act) => async () => {
      await page.parley[act](group);
      page.closePanel();
      page.announce(t(act === "leave" ? "people.left" : "people.dissolved", { name }));
    };
    if (role === "owner")
      return section(
        t("people.end"),
        h("p", { class: "muted small" }, t("people.owner-stays")),
        asking({ act: "dissolve", icon: "trash", label: t("people.dissolve"), question: t("people.dissolve-sure", { name, count: this.members.length }) }, over("dissolve")),
      );
    return section(t("people.end"), asking({ act: "leave", icon: "sign-out", label: t("people.leave"), question: t("people.leave-sure", { name }) }, over("leave")));
  }
}
customElements.define("group-details", GroupDetails);

/** @param {boolean} member @param {number} count */
function underName(member, count) {
  if (!member) return t("people.not-in-group");
  return count > 0 ? t("shell.members", { count }) : t("shell.group");
}

/**
 * A length of time in words.
 * @param {number} count
 */
function seconds(count) {
  if (count % 3600 === 0) return t("people.hours", { count: count / 3600 });
  if (count % 60 === 0) return t("people.minutes", { count: count / 60 });
  return t("people.seconds", { count });
}
