/**
 * The members that an `@` in the field may mean, above the field. The field keeps the focus; it passes
 * on the keys. Fires `pick` with the member.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { avatar } from "./person-avatar.js";

/** @typedef {{id: string, name: string, title: string, picture?: string, all?: boolean}} Choice */

export class MentionList extends HTMLElement {
  /** @type {Choice[]} */ #choices = [];
  #at = 0;

  connectedCallback() {
    this.id ||= "mentions";
    this.setAttribute("role", "listbox");
    this.setAttribute("aria-label", t("thread.mentions"));
    this.hidden = true;
    // The field would lose the focus to a press on the list.
    this.onmousedown = (/** @type {MouseEvent} */ event) => event.preventDefault();
  }

  get open() {
    return !this.hidden;
  }

  /** The id of the choice that Enter takes, for the field's aria-activedescendant. */
  get active() {
    return this.hidden ? null : `${this.id}-${this.#at}`;
  }

  /** @param {Choice[]} choices none: closes */
  show(choices) {
    this.#choices = choices;
    this.#at = 0;
    this.hidden = choices.length === 0;
    this.replaceChildren(
      ...choices.map((choice, index) =>
        h("div", { class: "row", role: "option", id: `${this.id}-${index}`, on: { click: () => this.#pick(index) } },
          choice.all ? avatar({ id: "@", title: choice.title, group: true, size: "small" }) : avatar({ id: choice.id, title: choice.title, picture: choice.picture, size: "small" }),
          h("bdi", { class: "line" }, choice.title),
          h("span", { class: "line muted small" }, choice.all ? t("thread.all-members-hint") : choice.id === choice.title ? "" : h("bdi", null, choice.id)))),
    );
    this.#mark();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was for the list
   */
  key(event) {
    if (this.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#at = (this.#at + step + this.#choices.length) % this.#choices.length;
      this.#mark();
    } else if (event.key === "Enter" || event.key === "Tab") this.#pick(this.#at);
    else if (event.key === "Escape") this.show([]);
    else return false;
    return true;
  }

  #mark() {
    [...this.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === this.#at)));
    this.children[this.#at]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} index */
  #pick(index) {
    const choice = this.#choices[index];
    this.show([]);
    this.dispatchEvent(new CustomEvent("pick", { detail: choice }));
  }
}
customElements.define("mention-list", MentionList);
