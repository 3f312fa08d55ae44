/**
 * Ctrl-K: type some letters of a conversation, a friend or an id, and Enter opens it. It lies over the
 * page without locking it, and goes away when the focus does.
 * @module
 */
import { avatar } from "./person-avatar.js";
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { peerKey } from "../parley.js";

const SHOWN = 8;
let ids = 0;

export class QuickSwitch extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {any[]} peer, title, group, online, byId */ #found = [];
  #at = 0;
  #left = false;
  /** @type {HTMLElement | null} */ #before = null;

  connectedCallback() {
    this.#before = /** @type {HTMLElement} */ (document.activeElement);
    const id = `quick-${++ids}`;
    this.input = h("input", {
      type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": id, "aria-autocomplete": "list",
      "aria-label": t("quick.label"), placeholder: t("quick.label"), autocomplete: "off", spellcheck: "false", dir: "auto",
      on: { input: () => this.render(0), keydown: (/** @type {KeyboardEvent} */ event) => this.key(event) },
    });
    this.list = h("ul", { role: "listbox", id, "aria-label": t("quick.label") });
    this.error = h("p", { class: "error small", role: "alert" });
    this.setAttribute("role", "search");
    this.setAttribute("aria-label", t("quick.label"));
    this.append(this.input, this.list, this.error);
    this.addEventListener("focusout", (event) => {
      if (this.isConnected && !this.contains(/** @type {Node | null} */ (event.relatedTarget))) this.leave(false);
    });
    this.render(0);
    this.input.focus();
  }

  /** Closes it; the focus goes back to where it was. */
  leave(back = true) {
    if (this.#left) return; // its removal takes the focus away, too
    this.#left = true;
    this.remove();
    if (back && this.#before?.isConnected) this.#before.focus();
  }

  find() {
    const { model } = this.page;
    const wanted = this.input?.value.trim() ?? "";
    const lower = wanted.toLocaleLowerCase();
    const known = new Map();
    for (const c of model.conversations)
      known.set(c.key, { peer: c.peer, title: c.title, picture: c.avatar, group: "group" in c.peer, online: c.online });
    for (const friend of model.friends ?? []) {
      const peer = { user: friend.user };
      const person = model.people.get(peer.user);
      if (!known.has(peerKey(peer))) known.set(peerKey(peer), { peer, title: person?.title ?? peer.user, picture: person?.avatar, group: false, online: person?.online });
    }
    const found = [...known.entries()]
      .map(([key, each]) => ({ ...each, rank: rank(lower, each.title, key.slice(key.indexOf(":") + 1)) }))
      .filter((each) => each.rank >= 0)
      .sort((one, other) => other.rank - one.rank)
      .slice(0, SHOWN);
    const exact = known.has(`user:${wanted}`);
    if (wanted && !exact && wanted !== model.me.user)
      found.push({ peer: { user: wanted }, title: wanted, group: false, online: undefined, byId: true, rank: 0 });
    return found;
  }

  /** @param {number} at */
  render(at) {
    this.#found = this.find();
    this.#at = Math.min(at, Math.max(0, this.#found.length - 1));
    if (this.error) this.error.textContent = "";
    this.list?.replaceChildren(
      ...this.#found.map((each, index) =>
        h(
          "li",
          {
            role: "option", class: "row", id: `${this.list?.id}-${index}`, "aria-selected": String(index === this.#at),
            on: { mousedown: (/** @type {Event} */ event) => event.preventDefault(), click: () => this.choose(each) },
          },
          avatar({ id: Object.values(each.peer)[0], title: each.title, picture: each.picture, group: each.group, online: each.online, size: "small" }),
          each.byId ? h("span", { class: "line grow" }, t("quick.by-id", { id: `\u2068${each.title}\u2069` })) : h("bdi", { class: "line grow" }, each.title),
          h("bdi", { class: "small muted line" }, each.byId || each.title === Object.values(each.peer)[0] ? "" : Object.values(each.peer)[0]),
        ),
      ),
    );
    this.mark();
  }

  mark() {
    [...(this.list?.children ?? [])].forEach((row, index) => {
      row.setAttribute("aria-selected", String(index === this.#at));
      if (index === this.#at) row.scrollIntoView({ block: "nearest" });
    });
    if (this.#found.length > 0) this.input?.setAttribute("aria-activedescendant", `${this.list?.id}-${this.#at}`);
    else this.input?.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const count = this.#found.length;
    if (event.key === "Escape") this.leave();
    else if (event.key === "ArrowDown" && count > 0) this.#at = (this.#at + 1) % count;
    else if (event.key === "ArrowUp" && count > 0) this.#at = (this.#at + count - 1) % count;
    else if (event.key === "Enter") void this.choose(this.#found[this.#at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (this.isConnected) this.mark();
  }

  /** @param {any} found */
  async choose(found) {
    if (!found) return;
    if (found.byId) {
      try {
        await this.page.parley.profile(found.peer);
      } catch (error) {
        if (this.error) this.error.textContent = /** @type {any} */ (error).text || t("error.disconnected");
        return;
      }
    }
    this.leave(false);
    this.page.openConversation(found.peer);
  }
}
customElements.define("quick-switch", QuickSwitch);

/**
 * How well a name or id fits: the start of it, the start of a word, anywhere; below 0: not.
 * @param {string} wanted
 * @param {string} title
 * @param {string} id
 */
function rank(wanted, title, id) {
  const text = title.toLocaleLowerCase();
  if (!wanted) return 0;
  if (text.startsWith(wanted) || id.toLocaleLowerCase().startsWith(wanted)) return 3;
  if (text.split(/\s+/).some((word) => word.startsWith(wanted))) return 2;
  return text.includes(wanted) || id.toLocaleLowerCase().includes(wanted) ? 1 : -1;
}
