/**
 * The members of a group, those with rights first. Each row opens into what the reader may do: nothing
 * is offered that the server would refuse for the reader's role.
 * @module
 */
import { asking, attempt, dateAndTime, filterInput, fits, focusOn, goTo, idOf, personOf, personRow } from "./people-parts.js";
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";

const SHOWN = 50;
const FILTERED_FROM = 8;
const RANK = { owner: 0, administrator: 1, member: 2 };
const MINUTE_MS = 60_000;
const MUTES_MIN = [10, 60, 1440];

export class MemberList extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  group = "";
  /** @type {any[]} */ #members = [];
  /** @type {"owner" | "administrator" | "member" | null} */ #role = null;
  #wanted = "";
  #limit = SHOWN;
  /** @type {string | null} the member whose actions are shown */ #open = null;
  /** @type {Map<string, {row: HTMLElement, shows: string}>} */ #rows = new Map();

  connectedCallback() {
    if (this.list) return;
    this.heading = h("h2", { tabindex: -1 });
    this.filter = filterInput(t("people.filter-members"), (wanted) => {
      this.#wanted = wanted;
      this.#limit = SHOWN;
      this.render();
    });
    this.list = h("ul", { class: "members" });
    this.more = h("button", { type: "button", class: "quiet", on: { click: () => this.showMore() } }, t("people.show-more"));
    this.append(h("section", { class: "part stack" }, this.heading, this.filter, this.list, this.more));
    this.addEventListener("settled", () => this.render());
  }

  /** @param {any[]} members @param {any} role the reader's */
  show(members, role) {
    this.#role = role;
    this.#members = members
      .map((each) => {
        const id = idOf(each);
        const title = each.nick || personOf(this.page, id).title;
        return { ...each, id, title: title === id ? each.name || id : title };
      })
      .sort((one, other) => rankOf(one) - rankOf(other) || Number(Boolean(other.online)) - Number(Boolean(one.online)) || one.title.localeCompare(other.title));
    this.render();
  }

  render() {
    const { list } = this;
    if (!list) return;
    const fitting = this.#members.filter((each) => fits(each, this.#wanted));
    const shown = fitting.slice(0, this.#limit);
    const ids = new Set(shown.map((each) => each.id));
    const active = document.activeElement;
    const act = active && list.contains(active) ? /** @type {HTMLElement} */ (active).dataset.act : null;
    for (const [id, { row }] of this.#rows)
      if (!ids.has(id)) {
        row.remove();
        this.#rows.delete(id);
      }
    /** @type {Element | null} */
    let at = list.firstElementChild;
    for (const each of shown) {
      const row = this.row(each);
      if (at && row === at) at = at.nextElementSibling;
      else list.insertBefore(row, at);
    }
    if (this.heading) this.heading.textContent = t("people.members", { count: this.#members.length });
    if (this.filter) this.filter.hidden = this.#members.length <= FILTERED_FROM;
    if (this.more) this.more.hidden = fitting.length <= this.#limit;
    if (act && document.activeElement !== active) focusOn(list, act);
  }

  showMore() {
    const first = this.#limit;
    this.#limit += SHOWN;
    this.render();
    /** @type {HTMLElement | null | undefined} */ (this.list?.children[first]?.querySelector("button"))?.focus();
  }

  /** @param {any} member */
  row(member) {
    const known = this.#rows.get(member.id);
    const open = this.#open === member.id;
    const { id, title, role, online, muted_until } = member;
    const { picture } = personOf(this.page, id);
    const shows = JSON.stringify({ title, picture, role, online, muted_until, open, mine: this.#role });
    if (known && (known.shows === shows || known.row.querySelector(".asking, [aria-busy]"))) return known.row;
    const row = known?.row ?? h("li", { dataset: { user: id } });
    const focused = row.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.act : null;
    this.#rows.set(id, { row, shows });
    row.replaceChildren(
      h(
        "button",
        {
          type: "button", class: "row", "aria-expanded": String(open), dataset: { act: `member-${id}` },
          on: { click: () => this.toggle(id) },
        },
        ...personRow({ id, title, picture, online }, ...this.marks(member)),
      ),
    );
    if (open) row.append(this.actions(member));
    if (focused) focusOn(row, focused);
    return row;
  }

  /** @param {any} member */
  marks({ id, role, muted_until }) {
    const me = id === this.page.model.me.user;
    return [
      muted_until > Date.now() ? h("span", { class: "chip muted-member" }, t("people.muted")) : null,
      me ? h("span", { class: "chip" }, t("common.you")) : null,
      role === "owner" || role === "administrator" ? h("span", { class: `chip ${role}` }, t(`people.${role}`)) : null,
    ];
  }

  /** @param {string} id */
  toggle(id) {
    this.#open = this.#open === id ? null : id;
    this.render();
  }

  /**
   * What the reader may do about a member.
   * @param {any} member
   */
  actions(member) {
    const { page, group } = this;
    const { id, title, role, muted_until } = member;
    const name = `\u2068${title}\u2069`;
    const part = h("div", { class: "member-actions stack" });
    if (id === page.model.me.user) return add(part, h("p", { class: "muted small" }, t("people.thats-you")));
    const plain = (/** @type {string} */ act, /** @type {string} */ label, /** @type {() => any} */ action) =>
      h("button", { type: "button", dataset: { act: `${act}-${id}` }, on: { click: () => void attempt(part, action).then(() => this.render()) } }, label);
    const changed = (/** @type {() => Promise<any>} */ action) => async () => {
      await action();
      await page.model.refreshMembers(group);
    };
    const actions = h(
      "div",
      { class: "actions" },
      plain("write", t("people.write"), () => goTo(page, { user: id })),
      plain("profile", t("people.more"), () => page.openDetails({ user: id })),
    );
    part.append(actions);
    if (this.#role === "owner" && role === "member")
      actions.append(plain("promote", t("people.make-administrator"), changed(() => page.parley.addAdmin(group, id))));
    if (this.#role === "owner" && role === "administrator")
      actions.append(plain("dismiss", t("people.dismiss"), changed(() => page.parley.removeAdmin(group, id))));
    if (!mayRule(this.#role, role)) return part;
    part.append(this.mute(part, id, muted_until, changed));
    const gone = (/** @type {() => Promise<any>} */ action) => async () => {
      await changed(action)();
      this.heading?.focus();
    };
    part.append(h(
      "div",
      { class: "actions" },
      asking({ act: `remove-${id}`, label: t("people.remove"), question: t("people.remove-sure", { name }) }, gone(() => page.parley.removeMember(group, id))),
      asking({ act: `ban-${id}`, label: t("people.ban"), question: t("people.ban-sure", { name }) }, gone(() => page.parley.ban(group, id, true))),
    ));
    return part;
  }

  /** @param {HTMLElement} part @param {string} id @param {number} until @param {(action: () => Promise<any>) => () => Promise<void>} changed */
  mute(part, id, until, changed) {
    const set = (/** @type {number} */ until_ms) => () =>
      void attempt(part, changed(() => this.page.parley.muteMember(this.group, id, until_ms))).then(() => this.render());
    if (until > Date.now())
      return h(
        "div",
        { class: "actions" },
        h("span", { class: "small muted" }, t("people.muted-until", { time: dateAndTime(until) })),
        h("button", { type: "button", dataset: { act: `unmute-${id}` }, on: { click: set(0) } }, t("people.unmute")),
      );
    return h(
      "div",
      { class: "actions", role: "group", "aria-label": t("people.mute") },
      h("span", { class: "small muted" }, t("people.mute")),
      MUTES_MIN.map((minutes) =>
        h(
          "button",
          { type: "button", class: "small", dataset: { act: `mute-${minutes}-${id}` }, on: { click: () => set(Date.now() + minutes * MINUTE_MS)() } },
          minutes < 60 ? t("people.minutes", { count: minutes }) : t("people.hours", { count: minutes / 60 }),
        ),
      ),
    );
  }
}
customElements.define("member-list", MemberList);

/** @param {HTMLElement} part @param {Node} child */
function add(part, child) {
  part.append(child);
  return part;
}

/** @param {any} member */
function rankOf(member) {
  return RANK[/** @type {keyof typeof RANK} */ (member.role)] ?? RANK.member;
}

/**
 * The owner may mute, remove and ban anyone else; an administrator only plain members.
 * @param {string | null} mine @param {string} theirs
 */
function mayRule(mine, theirs) {
  return (mine === "owner" && theirs !== "owner") || (mine === "administrator" && theirs === "member");
}
