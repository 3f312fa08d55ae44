/**
 * Parts that the panels of people, groups and settings share.
 * @module
 */
import { avatar } from "./person-avatar.js";
import { button, h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { wellFormed } from "../parley.js";

/** A quiet without an end: the last moment of the year 9999. */
export const FOREVER_MS = 253_402_300_799_000;
const HOUR_MS = 3_600_000;
/** From so many items on a list has a filter, and shows so many of them at first. */
const FILTERED_FROM = 8;

/**
 * The reason of a failure, in the reader's language by the stable word, else in the server's words.
 * @param {any} error
 */
export function why(error) {
  const key = `error.${error?.word}`;
  const text = t(key);
  return text === key ? error?.text || String(error?.message ?? error) : text;
}

/**
 * The id of an item of a list of people, which may be the id itself.
 * @param {any} each @returns {string}
 */
export function idOf(each) {
  return each?.user ?? each?.id ?? each;
}

/**
 * Runs an action for `host`. Meanwhile its buttons do nothing more; the reason of a failure is shown at its end
 * and spoken.
 * @param {HTMLElement} host
 * @param {() => any} action
 * @returns {Promise<boolean>} whether it was done
 */
export async function attempt(host, action) {
  if (host.getAttribute("aria-busy") === "true") return false;
  host.querySelector(":scope > .error")?.remove();
  host.setAttribute("aria-busy", "true");
  try {
    await action();
    return true;
  } catch (error) {
    host.append(h("p", { class: "error small", role: "alert" }, why(error)));
    return false;
  } finally {
    host.removeAttribute("aria-busy");
  }
}

/**
 * Asks somebody for friendship; as `attempt`.
 * @param {HTMLElement} host
 * @param {any} page
 * @param {string} user
 */
export function befriend(host, page, user) {
  return attempt(host, async () => {
    try {
      await page.parley.askFriend(user);
    } catch (error) {
      const closed = /** @type {any} */ (error)?.word === "strangers";
      throw closed ? new Error(t("people.takes-no-requests")) : error;
    }
    await page.model.refreshFriends();
  });
}

/** The content of each host. @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Fills `host` anew if its content has changed, but not while the reader edits or answers something
 * in it: then the `settled` event of that part is the moment. The focus stays on the same control.
 * @param {HTMLElement} host
 * @param {any} shows
 * @param {() => import("../app/dom.js").Child[]} make
 */
export function refill(host, shows, make) {
  const text = JSON.stringify(shows);
  if (shown.get(host) === text || host.querySelector(".asking, .editing, [aria-busy]")) return;
  shown.set(host, text);
  const active = host.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
  host.replaceChildren(h("div", { class: "stack" }, ...make()));
  if (active) focusOn(host, active.dataset.act);
}

/**
 * Focuses the control that does `act`; where it is gone, the part that it was in.
 * @param {HTMLElement} host @param {string} [act]
 */
export function focusOn(host, act) {
  const same = act ? host.querySelector(`[data-act="${CSS.escape(act)}"]`) : null;
  if (!same) host.tabIndex = -1;
  /** @type {HTMLElement} */ (same ?? host).focus();
}

/**
 * Tells the panel around that an edit or a question is over.
 * @param {HTMLElement} part
 */
function settled(part) {
  part.dispatchEvent(new CustomEvent("settled", { bubbles: true }));
}

/** @param {HTMLElement} host @param {() => void} leave */
export function leaveOnEscape(host, leave) {
  host.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault(); // the panel stays open
    event.stopPropagation();
    leave();
  });
}

/**
 * A button whose action is asked for once more, in its place. "No" has the focus first.
 * @param {{act: string, icon?: string, label: string, question: string, yes?: string, class?: string}} how
 * @param {() => any} action
 */
export function asking({ act, icon: picture, label, question, yes = label.replace("…", ""), class: look = "danger" }, action) {
  const part = h("div", { class: "ask" });
  const first = h("button", { type: "button", class: look, dataset: { act }, on: { click: ask } }, picture ? icon(picture) : null, label);
  function ask() {
    const no = h("button", { type: "button", dataset: { act: `${act}-no` }, on: { click: leave } }, t("common.no"));
    const id = `ask-${act}`;
    const form = h(
      "div",
      { class: "asking card", role: "group", "aria-labelledby": id },
      h("p", { id }, question),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "danger", dataset: { act: `${act}-yes` }, on: { click: carryOut } }, yes),
        no,
      ),
    );
    leaveOnEscape(form, leave);
    part.replaceChildren(form);
    no.focus();
  }
  function leave() {
    part.replaceChildren(first);
    first.focus();
    settled(part);
  }
  async function carryOut() {
    const form = /** @type {HTMLElement} */ (part.firstElementChild);
    if (await attempt(form, action)) leave();
  }
  part.append(first);
  return part;
}

/**
 * A text that is shown with a pencil, and edited in its place.
 * @param {{act: string, label: string, value: string, empty: string, maxlength: number, lines?: boolean}} how
 * @param {(value: string) => any} save
 */
export function editable({ act, label, value, empty, maxlength, lines = false }, save) {
  const part = h("div", { class: "editable" });
  const id = `edit-${act}`;
  function show() {
    part.replaceChildren(
      h("div", { class: "grow" }, h("span", { class: "label" }, label), h("p", { dir: "auto", class: value ? "prose" : "muted" }, value || empty)),
      Object.assign(button({ icon: "edit", label: `${t("people.edit")}: ${label}`, on: edit }), { id }),
    );
    /** @type {HTMLElement} */ (part.lastElementChild).dataset.act = act;
  }
  function edit() {
    const input = h(lines ? "textarea" : "input", { id, dir: "auto", maxlength, rows: lines ? 3 : null, dataset: { act: `${act}-input` } });
    input.value = value;
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.requestSubmit();
    });
    const form = h(
      "form",
      { class: "editing field grow", on: { submit: keep } },
      h("label", { for: id }, label),
      input,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: "primary", dataset: { act: `${act}-save` } }, t("common.save")),
        h("button", { type: "button", on: { click: leave } }, t("common.cancel")),
      ),
    );
    leaveOnEscape(form, leave);
    part.replaceChildren(form);
    input.focus();
    input.select();
    async function keep(/** @type {Event} */ event) {
      event.preventDefault();
      const wanted = wellFormed(input.value.trim().replace(/\s+/g, " ")) /* the server takes no line breaks here */;
      if (wanted === value) return leave();
      if (!(await attempt(form, () => save(wanted)))) return;
      value = wanted;
      leave();
    }
  }
  function leave() {
    show();
    /** @type {HTMLElement} */ (part.lastElementChild).focus();
    settled(part);
  }
  show();
  return part;
}

/**
 * A square button of a picture over a word.
 * @param {string} act @param {string} picture @param {string} label @param {() => void} on
 */
export function tile(act, picture, label, on) {
  return h("button", { type: "button", class: "tile", dataset: { act }, on: { click: on } }, icon(picture), label);
}

/**
 * A part of a panel under a heading.
 * @param {string} title
 * @param {...import("../app/dom.js").Child} children
 */
export function section(title, ...children) {
  return h("section", { class: "part stack" }, h("h2", null, title), ...children);
}

/**
 * Large picture, name and id of a person or group.
 * @param {{id: string, title: string, name?: string, picture?: string, group?: boolean, online?: boolean, under?: string, about?: string}} who
 */
export function headOf({ id, title, name, picture, group, online, under, about }) {
  const called = name && name !== title ? name : null;
  return h(
    "div",
    { class: "profile" },
    avatar({ id, title, picture, group, online, size: "large" }),
    h("h2", { dir: "auto" }, title),
    called ? h("p", { dir: "auto" }, called) : null,
    title === id && !called ? null : h("p", { class: "muted small" }, h("bdi", null, id)),
    under ? h("p", { class: "small muted" }, under) : null,
    about ? h("p", { class: "prose about", dir: "auto" }, about) : null,
  );
}

/**
 * A row of a person within a list.
 * @param {{id: string, title: string, picture?: string, online?: boolean, under?: string | null}} who
 * @param {...import("../app/dom.js").Child} extra
 */
export function personRow({ id, title, picture, online, under }, ...extra) {
  const line = under === undefined && title !== id ? id : under;
  return [
    avatar({ id, title, picture, online }),
    h(
      "span",
      { class: "grow" },
      h("bdi", { class: "line name" }, title),
      line ? h("bdi", { class: "line small muted" }, line) : null,
      online ? h("span", { class: "visually-hidden" }, t("shell.online")) : null,
    ),
    ...extra,
  ];
}

/**
 * For how long the notifications of a conversation are off, and buttons to change that.
 * @param {import("../app/main.js").Page} page
 * @param {any} conversation
 */
export function quietPart(page, conversation) {
  const until = conversation.muted_until ?? 0;
  const quiet = until > Date.now();
  /** @param {number} until_ms */
  const set = (until_ms) => () =>
    attempt(part, () => page.model.quiet(conversation, until_ms)).then(() => settled(part));
  /** @param {string} act @param {string} label @param {() => number} until_ms */
  const choice = (act, label, until_ms) =>
    h("button", { type: "button", dataset: { act }, on: { click: () => void set(until_ms())() } }, label);
  const part = h("div", { class: "stack" });
  part.append(
    h("p", { class: "muted small" }, quiet ? quietUntil(until) : t("people.quiet-off")),
    h(
      "div",
      { class: "actions" },
      quiet
        ? choice("quiet-end", t("people.quiet-end"), () => 0)
        : [
            choice("quiet-1", t("people.quiet-hour", { count: 1 }), () => Date.now() + HOUR_MS),
            choice("quiet-8", t("people.quiet-hour", { count: 8 }), () => Date.now() + 8 * HOUR_MS),
            choice("quiet-ever", t("people.quiet-ever"), () => FOREVER_MS),
          ],
    ),
  );
  return section(t("people.quiet"), part);
}

/** @param {number} until */
function quietUntil(until) {
  return until >= FOREVER_MS ? t("people.quiet-for-ever") : t("people.quiet-until", { time: dateAndTime(until) });
}

/** @param {number} ms */
export function dateAndTime(ms) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return new Date(ms).toLocaleString(document.documentElement.lang, today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}

/**
 * Friends to tick; `update` adds those that are known since.
 * @param {import("../app/main.js").Page} page
 * @param {string} label
 * @param {(id: string) => boolean} [left] which of them may be chosen
 */
export function friendPicker(page, label, left = () => true) {
  const element = h("fieldset", { class: "picker" }, h("legend", { class: "label" }, label));
  const host = h("div");
  element.append(host);
  const chosen = () => /** @type {HTMLInputElement[]} */ ([...host.querySelectorAll("input:checked")]).map((each) => each.value);
  function update() {
    const ids = (page.model.friends ?? []).map(idOf).filter(left);
    const friends = ids.map((/** @type {string} */ id) => shownOf(page, id));
    const before = new Set(chosen());
    refill(host, friends, () => rowsOf(friends, before));
  }
  update();
  return { element, chosen, update };
}

/**
 * @param {{id: string, title: string, picture?: string, online?: boolean}[]} friends
 * @param {Set<string>} chosen
 */
function rowsOf(friends, chosen) {
  if (friends.length === 0) return [h("p", { class: "muted small" }, t("people.no-friends-left"))];
  const rows = friends.map((friend) => {
    const box = h("input", { type: "checkbox", value: friend.id, checked: chosen.has(friend.id), dataset: { act: `choose-${friend.id}` } });
    return h("label", { class: "row", dataset: { user: friend.id } }, ...personRow(friend, box));
  });
  /** @param {string} wanted */
  const filter = (wanted) =>
    rows.forEach((row, at) => (row.hidden = !fits(friends[at], wanted) && !(/** @type {any} */ (row.querySelector("input")).checked)));
  return [friends.length > FILTERED_FROM ? filterInput(t("people.filter"), filter) : null, h("div", null, rows)];
}

/** @param {string} label @param {(wanted: string) => void} changed */
export function filterInput(label, changed) {
  const input = h("input", {
    type: "search", placeholder: label, "aria-label": label, autocomplete: "off", dir: "auto",
    on: { input: () => changed(input.value.trim().toLocaleLowerCase()) },
  });
  return input;
}

/** @param {{id: string, title: string}} person @param {string} wanted in lower case */
export function fits({ id, title }, wanted) {
  return id.toLocaleLowerCase().includes(wanted) || title.toLocaleLowerCase().includes(wanted);
}

/**
 * Opens a conversation from a panel, which it closes.
 * @param {import("../app/main.js").Page} page
 * @param {any} peer
 */
export function goTo(page, peer) {
  page.openConversation(peer);
  page.closePanel();
  if (!matchMedia("(pointer: coarse)").matches) page.focusComposer();
}

/** @param {import("../app/main.js").Page} page @param {string} id @returns {any} */
export function personOf(page, id) {
  const person = page.model.people.get(id) ?? {};
  return { ...person, id, title: person.title || person.name || id, picture: person.avatar };
}

/**
 * What rows of people show.
 * @param {import("../app/main.js").Page} page @param {string} id
 */
export function shownOf(page, id) {
  const { title, picture, online } = personOf(page, id);
  return { id, title, picture, online };
}
