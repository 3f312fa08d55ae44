/**
 * Some sixty emoji to choose from, and a field for any other. Fires `pick` with the emoji, and `leave`.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { stepInGrid } from "./grid-keys.js";
import { byteLength, wellFormed } from "../parley.js";

const EMOJI =
  "👍 👎 ❤️ 😂 😊 😉 😍 🥰 😘 😎 🤔 😮 😢 😭 😡 😱 🙄 😴 🤗 🤩 🥳 😅 😇 🙃 😬 🤯 🤫 🤝 🙏 👏 🙌 👋 💪 👌 ✌️ 🤞 👀 💯 🔥 ✨ 🎉 🎂 🎁 🌹 ☀️ 🌈 ⭐ ☕ 🍻 🍕 🐱 🐶 🚀 💡 📌 ⏰ ✅ ❌ ❓ ❗".split(" ");
/* limit of the server: an emoji has 1 to 32 bytes. */
const EMOJI_BYTES_MAX = 32;
const COLUMNS = 8;

export class ReactionPicker extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("thread.pick"));
    const input = h("input", { type: "text", "aria-label": t("thread.pick-other"), placeholder: t("thread.pick-other"), maxlength: EMOJI_BYTES_MAX, autocomplete: "off" });
    const other = h("form", { class: "other" }, input, h("button", { type: "submit" }, t("thread.pick-add")));
    other.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const emoji = wellFormed(input.value.trim());
      const fits = emoji !== "" && byteLength(emoji) <= EMOJI_BYTES_MAX;
      input.setAttribute("aria-invalid", String(!fits));
      if (fits) this.#pick(emoji);
    });
    const grid = h("div", { class: "grid" },
      EMOJI.map((emoji, index) => h("button", { type: "button", class: "icon", tabindex: index === 0 ? 0 : -1, on: { click: () => this.#pick(emoji) } }, emoji)));
    this.replaceChildren(grid, other);
    this.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event, grid);
  }

  focus() {
    /** @type {HTMLElement|null} */ (this.querySelector("[tabindex='0']"))?.focus();
  }

  /** @param {string} emoji */
  #pick(emoji) {
    this.dispatchEvent(new CustomEvent("pick", { detail: emoji }));
  }

  /** @param {KeyboardEvent} event @param {HTMLElement} grid */
  #key(event, grid) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.dispatchEvent(new CustomEvent("leave"));
      return;
    }
    stepInGrid(event, grid, COLUMNS);
  }
}
customElements.define("reaction-picker", ReactionPicker);
