/**
 * Parts that the views share.
 * @module
 */
import { h } from "../app/dom.js";
import { locale, t } from "../app/i18n.js";
import { asking, attempt, dateAndTime } from "../elements/people-parts.js";

const PAGE = 50;

/** @typedef {{api: import("./api.js").Api, announce: (text: string) => void}} Admin the `admin` of every view */

/**
 * A page of the operator: a heading, and below it what `make` returns once it is asked for.
 */
export class AdminView extends HTMLElement {
  /** @type {Admin} */ admin = /** @type {any} */ (null);
  /** The id of what is shown in detail; empty: the list. */
  what = "";
  /** What the list is searched for; empty: all of it. */
  search = "";
  /**
   * Shows the item as it is now.
   * @type {() => Promise<any>}
   */
  again = async () => {};

  /** @param {string} title @param {...any} children */
  fill(title, ...children) {
    this.replaceChildren(h("h1", { tabindex: -1 }, title), ...children);
  }

  /**
   * A part that is loaded, and can be loaded again.
   * @param {() => Promise<any>} make its content, or an array of it
   */
  loaded(make) {
    const inside = h("div", { class: "stack" }, h("p", { class: "muted small" }, t("admin.loading")));
    const box = h("div", { class: "stack", "aria-live": "polite" }, inside);
    const load = () => attempt(box, async () => inside.replaceChildren(...[await make()].flat()));
    void load();
    return { box, load };
  }
}

/**
 * Does it, says so, and shows the item as it is now.
 * @param {AdminView} view @param {string} done @param {() => Promise<any>} action
 */
export async function carryOut(view, done, action) {
  await action();
  view.admin.announce(done);
  await view.again();
  /** @type {HTMLElement | null} */ (view.querySelector("h1"))?.focus();
}

/** @typedef {{act: string, words?: string, id: string, action: () => Promise<any>, class?: string}} Deed its words are
 * `admin.WORDS`, `-sure` and `-done`, those of `act` unless others are named */

/**
 * A button for what is asked twice.
 * @param {AdminView} view @param {Deed} deed
 */
export function asked(view, { act, words = act, id, action, class: look = "small danger" }) {
  return asking({ act, label: t(`admin.${words}`), question: t(`admin.${words}-sure`, { id }), class: look }, () => carryOut(view, t(`admin.${words}-done`, { id }), action));
}

/**
 * A button for what gives something back, and is done at once.
 * @param {AdminView} view @param {Deed} deed
 */
export function given(view, { act, words = act, id, action, class: look = "small" }) {
  const button = h("button", { type: "button", class: look, dataset: { act } }, t(`admin.${words}`));
  const part = h("div", { class: "ask" }, button);
  button.addEventListener("click", () => attempt(part, () => carryOut(view, t(`admin.${words}-done`, { id }), action)));
  return part;
}

/**
 * A list by pages, with a button for the next one. A search has empty pages; then it goes on by itself, as long as
 * its view is shown.
 * @param {{view: AdminView, load: (from: any) => Promise<{items: any[], next?: any}>, row: (item: any) => any, empty: string}} how
 */
export function paged({ view, load, row, empty }) {
  const list = h("ul", { class: "rows" });
  const box = h("div", { class: "stack" }, list);
  /** @param {any} [from] */
  async function add(from) {
    let { items, next } = await load(from);
    while (!items.length && next !== undefined && view.isConnected) ({ items, next } = await load(next));
    list.append(...items.map((item) => h("li", null, row(item))));
    if (!list.childElementCount) list.replaceWith(h("p", { class: "muted" }, empty));
    more?.remove();
    more = null;
    if (next === undefined) return;
    more = h("button", { type: "button", dataset: { act: "more" }, on: { click: () => attempt(box, () => add(next)) } }, t("admin.more"));
    box.append(more);
  }
  /** @type {HTMLElement | null} */
  let more = null;
  return add().then(() => box);
}

/**
 * The parameters of a page of a list.
 * @param {any} after
 */
export const pageOf = (after) => ({ after, limit: PAGE });

/** @param {string} text @param {"good" | "warn" | "bad" | ""} [look] */
export const chip = (text, look = "") => h("span", { class: `chip ${look}` }, text);

/** @param {string} id */
export const name = (id) => h("bdi", null, id);

/** @param {any[]} pairs of a label and a value; those without a value are left out */
export function facts(pairs) {
  const shown = pairs.filter((pair) => pair).filter(([, value]) => value !== undefined && value !== "" && value !== null);
  return h("dl", { class: "facts" }, shown.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", { dir: "auto" }, value))));
}

/** @param {number | undefined} ms */
export const time = (ms) => (ms ? dateAndTime(ms) : undefined);

/** @param {number} count */
export const count = (count) => new Intl.NumberFormat(locale()).format(count);

/**
 * "3 days", "5 hr", "12 min".
 * @param {number} ms
 */
export function duration(ms) {
  const units = /** @type {const} */ ([["day", 86400e3], ["hour", 3600e3], ["minute", 60e3], ["second", 1e3]]);
  const [unit, size] = units.find(([, each]) => ms >= each) ?? units[3];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(Math.floor(ms / size));
}

/**
 * A page of a list of the API, of all or of those with the search in their names.
 * @param {AdminView} view @param {string} list "accounts" @param {any} after
 */
export async function searched({ admin, search }, list, after) {
  const found = await admin.api.get(`/${list}`, { ...pageOf(after), search });
  return { items: found[list], next: found.next };
}

/**
 * A field with a button that goes to where `to` says.
 * @param {{id: string, label: string, act?: string, value?: string, to: (text: string) => string}} how
 */
export function finder({ id, label, act = t("admin.show"), value = "", to }) {
  const field = h("input", { id, type: "search", value, autocomplete: "off", autocapitalize: "none", spellcheck: "false", dir: "auto", maxlength: 64, required: true });
  return h(
    "form",
    {
      class: "find",
      role: "search",
      on: {
        submit(/** @type {Event} */ event) {
          event.preventDefault();
          if (field.value.trim()) location.hash = to(field.value.trim());
        },
      },
    },
    h("div", { class: "field grow" }, h("label", { for: id }, label), field),
    h("button", { type: "submit" }, act),
  );
}

/**
 * What stands above a list: its search, and during one the ways to the one with just this id, which needs no search,
 * and back to all.
 * @param {AdminView} view @param {string} list @param {string} label @param {string} all
 */
export function searching({ search }, list, label, all) {
  return [
    finder({ id: `find-${list}`, label, act: t("people.search"), value: search, to: (text) => searchOf(list, text) }),
    search ? h("p", { class: "ways" }, link(list, search, t("admin.by-id", { id: `\u2068${search}\u2069` })), h("a", { href: address(list) }, all)) : "",
  ];
}

/**
 * Where a view is in the address; of one item, or of a search.
 * @param {string} view
 * @param {any} [what]
 */
export const address = (view, what) => (what === undefined ? `#${view}` : `#${view}/${encodeURIComponent(String(what))}`);

/** @param {string} view @param {string} search */
export const searchOf = (view, search) => `${address(view, "")}/${encodeURIComponent(search)}`;

/** @param {string} view @param {any} what @param {...any} children */
export const link = (view, what, ...children) => h("a", { href: address(view, what) }, ...children);
