/**
 * The actions for one text: react, reply, edit, copy, recall. There is one for the whole
 * conversation, which moves to the text that the pointer or the keyboard is at.
 * Fires `act` {act: "reply"|"edit"|"recall"|"copy"|"react", item, emoji?, on?} and `leave`.
 * @module
 */
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import "./reaction-picker.js";

const QUICK = ["👍", "❤️", "😂"];
const MINUTE_MS = 60_000;

/**
 * Whether a text can still be edited or recalled, as far as this page knows.
 * @param {any} page @param {any} conversation @param {any} item
 */
export function allowed(page, conversation, item) {
  const age_ms = Date.now() - item.time_ms;
  const info = page.info ?? {};
  const real = item.kind === "text" && item.cid != null && !item.recalled;
  const writes = real && conversation.member !== false;
  const group = conversation.peer.group;
  const role = group ? page.model.role(group) : null;
  return {
    talk: writes,
    edit: writes && item.mine && item.file?.kind !== "sticker" && age_ms < (info.edit_minutes ?? 15) * MINUTE_MS,
    keep: writes && ["image", "sticker"].includes(item.file?.kind) && item.file.width > 0,
    recall: real && ((item.mine && age_ms < (info.recall_minutes ?? 2) * MINUTE_MS) || role === "owner" || role === "administrator"),
  };
}

export class MessageActions extends HTMLElement {
  /** @type {any} */
  page;
  /** @type {any} */
  conversation;
  /** @type {import("./message-item.js").MessageItem|null} */
  target = null;
  #shows = "";
  /* Stays when the pointer leaves: opened by keyboard, by a long press, or in use. */
  pinned = false;

  connectedCallback() {
    this.hidden = true;
    this.setAttribute("role", "toolbar");
    this.setAttribute("aria-label", t("thread.actions"));
    this.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    // A press between the buttons leaves the focus here.
    this.tabIndex = -1;
    this.addEventListener("focusout", () => setTimeout(() => {
      if (this.pinned && !this.contains(document.activeElement) && document.hasFocus()) this.close();
    }));
  }

  /**
   * @param {import("./message-item.js").MessageItem} target
   * @param {boolean} pinned takes the focus as well
   */
  open(target, pinned) {
    const { item, kind } = target.row;
    if (kind !== "text" || item.recalled) return;
    if (this.target !== target || !this.pinned) {
      this.target = target;
      this.#main();
    }
    this.pinned = pinned;
    this.hidden = false;
    this.place();
    if (pinned) this.focus();
  }

  /** @param {boolean} [back] gives the focus back to the text */
  close(back = false) {
    const { target } = this;
    this.pinned = false;
    this.hidden = true;
    this.target = null;
    this.replaceChildren();
    if (back) target?.focus({ preventScroll: true });
  }

  focus() {
    /** @type {HTMLElement|null} */ (this.querySelector("button"))?.focus({ preventScroll: true });
  }

  /** Its text was drawn again: what one can do with it may have changed, and where it stands. */
  follow() {
    if (!this.pinned && this.#shows !== this.#possible()) this.#main();
    this.place();
  }

  #possible() {
    const item = this.target?.row.item;
    return item ? JSON.stringify([allowed(this.page, this.conversation, item), item.msg !== ""]) : "";
  }

  /** Puts it at its text, within the visible part. */
  place() {
    const bubble = this.target?.querySelector(".bubble");
    const scroller = /** @type {HTMLElement} */ (this.parentElement);
    if (!bubble || !scroller) return;
    const frame = scroller.getBoundingClientRect();
    const at = bubble.getBoundingClientRect();
    const width = this.offsetWidth;
    const height = this.offsetHeight;
    const own = this.target?.classList.contains("own");
    const rtl = getComputedStyle(scroller).direction === "rtl";
    const right = Boolean(own) !== rtl;
    const x = (right ? at.right - width : at.left) - frame.left;
    const above = at.top - frame.top - height + 10;
    const below = at.bottom - frame.top - 6;
    const y = above >= 2 ? above : Math.max(2, Math.min(below, scroller.clientHeight - height - 2));
    this.style.left = `${Math.max(4, Math.min(x, scroller.clientWidth - width - 4))}px`;
    this.style.top = `${y + scroller.scrollTop}px`;
  }

  #main() {
    const item = this.target?.row.item;
    const can = allowed(this.page, this.conversation, item);
    this.#shows = this.#possible();
    const copy = button({ icon: "copy", label: t("thread.copy"), on: () => this.#act("copy") });
    this.replaceChildren(
      ...(can.talk
        ? [
            ...QUICK.map((emoji) =>
              h("button", { type: "button", class: "icon emoji", "aria-label": t("thread.react-with", { emoji }), on: { click: () => this.#react(emoji) } }, emoji)),
            button({ icon: "smile", label: t("thread.react"), on: () => this.#pick() }),
            button({ icon: "reply", label: t("thread.reply"), on: () => this.#act("reply") }),
          ]
        : []),
      ...(item.msg ? [copy] : []),
      ...(can.keep ? [button({ icon: "sticker", label: t("file.keep"), on: () => this.#act("keep") })] : []),
      ...(can.edit ? [button({ icon: "edit", label: t("thread.edit"), on: () => this.#act("edit") })] : []),
      ...(can.recall ? [button({ icon: "trash", label: t("thread.recall"), on: () => this.#ask() })] : []),
    );
  }

  #pick() {
    const picker = document.createElement("reaction-picker");
    picker.addEventListener("pick", (event) => this.#react(/** @type {CustomEvent} */ (event).detail));
    picker.addEventListener("leave", () => this.#back());
    this.#swap(picker);
  }

  #ask() {
    this.#swap(
      h("span", { class: "ask" }, t("thread.recall-ask")),
      h("button", { type: "button", class: "danger", on: { click: () => this.#act("recall") } }, t("thread.recall-yes")),
      h("button", { type: "button", on: { click: () => this.#back() } }, t("thread.recall-no")),
    );
  }

  #back() {
    this.#main();
    this.place();
    this.focus();
  }

  /** @param {Node[]} content */
  #swap(...content) {
    // Before its buttons go: losing the focus with them is no reason to close.
    this.pinned = false;
    this.replaceChildren(...content);
    this.pinned = true;
    this.place();
    const first = /** @type {HTMLElement|null} */ (this.querySelector("reaction-picker, button"));
    first?.focus({ preventScroll: true });
  }

  /** @param {string} emoji */
  #react(emoji) {
    const mine = this.target?.row.item.reactions?.some((/** @type {any} */ one) => one.emoji === emoji && one.mine);
    this.#act("react", { emoji, on: !mine });
  }

  /** @param {string} act @param {object} [more] */
  #act(act, more = {}) {
    const item = this.target?.row.item;
    const focused = this.contains(document.activeElement);
    this.close(focused && act !== "reply" && act !== "edit");
    this.dispatchEvent(new CustomEvent("act", { detail: { act, item, ...more } }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close(true);
      return;
    }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    const all = [...this.querySelectorAll("button")];
    const at = all.indexOf(/** @type {any} */ (document.activeElement));
    all[(at + step + all.length) % all.length]?.focus();
  }
}
customElements.define("message-actions", MessageActions);
