/**
 * How the connection is, always: a dot with a word beside the reader's name, and a bar over the page
 * while there is none.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";

export class ConnectionState extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** Whether this is the bar, which shows only faults. */
  bar = false;
  #tick = 0;
  #last = "";
  #update = () => this.render();

  connectedCallback() {
    this.classList.toggle("bar", this.bar);
    if (this.bar) {
      this.setAttribute("role", "region");
      this.setAttribute("aria-label", t("state.label"));
    }
    this.page.parley.addEventListener("state", this.#update);
    this.page.parley.addEventListener("outgoing", this.#update);
    this.render();
  }

  disconnectedCallback() {
    clearTimeout(this.#tick);
    this.page.parley.removeEventListener("state", this.#update);
    this.page.parley.removeEventListener("outgoing", this.#update);
  }

  render() {
    clearTimeout(this.#tick);
    const { parley } = this.page;
    const { name, retry_at: retryAt } = parley.state;
    const left_ms = name === "waiting" && retryAt ? Math.max(0, retryAt - Date.now()) : 0;
    if (left_ms > 0) this.#tick = window.setTimeout(this.#update, left_ms % 1000 || 1000);
    this.dataset.state = name;
    this.hidden = this.bar && ["connected", "connecting", "signed_out"].includes(name);
    const count = parley.outbox.filter((/** @type {any} */ text) => text.state === "waiting").length;
    const text = this.words(name, Math.ceil(left_ms / 1000), count);
    this.title = text;
    this.replaceChildren(h("span", { class: "dot" }), h("span", { class: "words" }, text), ...this.buttons(name));
    if (this.bar && this.#last !== name) {
      if (this.#last && name !== "connecting") this.page.announce(text, { silent: true });
      this.#last = name;
    }
  }

  /** @param {string} name @param {number} seconds @param {number} count */
  words(name, seconds, count) {
    if (name === "connected" && count > 0) return t("state.sending", { count });
    const state = t(`state.${name}`, { seconds });
    if (!this.bar || count === 0) return state;
    return t("state.with-texts", { state, texts: t("state.texts-wait", { count }) });
  }

  /** @param {string} name */
  buttons(name) {
    if (!this.bar) return [];
    if (name === "waiting" || name === "offline")
      return [h("button", { type: "button", on: { click: () => this.page.parley.retry() } }, t("state.now"))];
    if (name === "replaced")
      return [h("button", { type: "button", on: { click: () => this.page.parley.takeOver() } }, t("state.use-here"))];
    return [];
  }
}
customElements.define("connection-state", ConnectionState);
