/**
 * The account's own stickers: one is sent by a click, others are added from a file, and taken away. It lies over the field.
 * Fires `pick` with the sticker, and `leave`.
 * @module
 */
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { stepInGrid } from "./grid-keys.js";
import { showPicture } from "./message-file.js";
import { attempt } from "./people-parts.js";

const COLUMNS = 4;

export class StickerPicker extends HTMLElement {
  /** @type {any} */ page;
  /** @type {import("../parley.js").SharedFile[]} */ #stickers = [];
  #removing = false;
  #loaded = Promise.resolve();

  connectedCallback() {
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("file.stickers"));
    this.input = h("input", { type: "file", accept: "image/*", hidden: true, tabindex: -1, "aria-hidden": "true", on: { change: () => void this.#add() } });
    this.grid = h("div", { class: "grid" });
    this.hint = h("p", { class: "muted small", role: "status" }, t("file.stickers-loading"));
    this.plus = button({ icon: "plus", label: t("file.sticker-add"), on: () => this.input.click() });
    this.remove_ = button({ icon: "trash", label: t("file.stickers-remove"), on: () => this.#setRemoving(!this.#removing) });
    this.remove_.hidden = true;
    this.replaceChildren(
      h("div", { class: "head" }, h("h2", { class: "grow" }, t("file.stickers")), this.remove_, this.plus,
        button({ icon: "close", label: t("common.close"), on: () => this.#leave() })),
      this.input, this.hint, this.grid,
    );
    this.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    this.plus.focus();
    this.#loaded = this.#load();
  }

  async #load() {
    const known = await attempt(this, async () => (this.#stickers = await this.page.parley.stickers()));
    if (!this.isConnected) return;
    this.#draw();
    if (!known && this.hint) this.hint.textContent = "";
    if (document.activeElement === this.plus) this.focus();
  }

  focus() {
    /** @type {HTMLElement|null|undefined} */ (this.grid?.querySelector("[tabindex='0']") ?? this.plus)?.focus();
  }

  #draw() {
    const { grid, hint, remove_ } = this;
    if (!grid || !hint || !remove_) return;
    const none = this.#stickers.length === 0;
    if (none) this.#removing = false;
    grid.replaceChildren(...this.#stickers.map((sticker, index) => this.#cell(sticker, index)));
    hint.textContent = none ? t("file.stickers-none") : this.#removing ? t("file.stickers-removing") : "";
    hint.hidden = hint.textContent === "";
    remove_.hidden = none;
    remove_.setAttribute("aria-pressed", String(this.#removing));
    this.classList.toggle("removing", this.#removing);
  }

  /** @param {import("../parley.js").SharedFile} sticker @param {number} index */
  #cell(sticker, index) {
    const name = `\u2068${sticker.name}\u2069`;
    const image = h("img", { alt: "", width: 72, height: 72, loading: "lazy" });
    showPicture(this.page, image, sticker);
    const label = t(this.#removing ? "file.sticker-remove" : "file.sticker-send", { name });
    return h("button", { type: "button", class: "icon", tabindex: index === 0 ? 0 : -1, "aria-label": label, title: label, on: { click: () => this.#take(sticker) } }, image);
  }

  /** @param {boolean} on */
  #setRemoving(on) {
    this.#removing = on;
    this.#draw();
  }

  /** @param {import("../parley.js").SharedFile} sticker */
  async #take(sticker) {
    if (!this.#removing) return this.dispatchEvent(new CustomEvent("pick", { detail: sticker }));
    const at = this.#stickers.indexOf(sticker);
    if (!(await attempt(this, () => this.page.parley.removeSticker(sticker.id)))) return;
    this.#stickers = this.#stickers.filter((each) => each !== sticker);
    this.#draw();
    /** @type {HTMLElement|undefined} */ (this.grid?.children[Math.min(at, this.#stickers.length - 1)] ?? this.plus)?.focus();
  }

  async #add() {
    const [bytes] = this.input.files ?? [];
    if (!bytes) return;
    await this.#loaded;
    if (await attempt(this, () => this.page.parley.addSticker(bytes))) await this.#load();
    this.input.value = "";
    this.focus();
  }

  #leave() {
    this.dispatchEvent(new CustomEvent("leave"));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#leave();
    } else if (this.grid) stepInGrid(event, this.grid, COLUMNS);
  }
}
customElements.define("sticker-picker", StickerPicker);
