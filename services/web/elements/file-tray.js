/**
 * The files that were chosen for the next text, over the field: they come by a button, by pasting, or by being dropped on
 * the conversation. Fires `change`.
 * @module
 */
import { button, h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { showBytes, sizeText } from "./message-file.js";

// limit: web | files of one text that is written | 10 | further ones are not taken
const FILES_MAX = 10;
/** Types that browsers show and the server makes previews of. */
const SHOWN = /^image\/(?:png|jpeg|gif|webp|avif)$/;

export class FileTray extends HTMLElement {
  /** @type {any} */ page;
  /** @type {any} */ conversation;

  connectedCallback() {
    this.input = h("input", { type: "file", multiple: true, hidden: true, tabindex: -1, "aria-hidden": "true" });
    this.input.addEventListener("change", () => {
      void this.add([...(this.input.files ?? [])]);
      this.input.value = "";
    });
    this.list = h("ul", { class: "chosen", "aria-label": t("file.chosen") });
    this.replaceChildren(this.input, this.list);
    this.#draw();
  }

  /** @returns {import("../parley.js").GivenFile[]} */
  get files() {
    return this.conversation.chosen;
  }

  get isEmpty() {
    return this.files.length === 0;
  }

  choose() {
    this.input.click();
  }

  /**
   * Takes what is pasted into the field and dropped on the conversation.
   * @param {HTMLElement} field @param {HTMLElement} place @param {() => boolean} open whether one can write here
   * @param {AbortSignal} signal
   */
  listen(field, place, open, signal) {
    field.addEventListener("paste", (event) => {
      const data = event.clipboardData;
      // Programs for writing add a picture of the text; the text is meant.
      if (!data || data.files.length === 0 || data.types.includes("text/plain")) return;
      event.preventDefault();
      void this.add([...data.files]);
    }, { signal });
    const holds = (/** @type {DragEvent} */ event) => Boolean(event.dataTransfer?.types.includes("Files"));
    const show = (/** @type {boolean} */ on) => place.classList.toggle("dropping", on);
    place.dataset.drop = t("file.drop");
    // Elsewhere on the page a dropped file would take the page's place.
    for (const name of /** @type {const} */ (["dragover", "drop"]))
      document.addEventListener(name, (event) => holds(event) && event.preventDefault(), { signal });
    place.addEventListener("dragover", (event) => show(holds(event) && open()), { signal });
    place.addEventListener("dragleave", (event) => !place.contains(/** @type {Node|null} */ (event.relatedTarget)) && show(false), { signal });
    place.addEventListener("drop", (event) => {
      show(false);
      if (holds(event) && open()) void this.add([...(event.dataTransfer?.files ?? [])]);
    }, { signal });
    signal.addEventListener("abort", () => show(false));
  }

  /** @param {File[]} files */
  async add(files) {
    const { chosen } = this.conversation;
    for (const bytes of files) {
      if (chosen.length >= FILES_MAX) {
        this.page.announce(t("file.too-many", { count: FILES_MAX }));
        break;
      }
      if (bytes.size === 0) this.page.announce(t("file.empty", { name: `\u2068${bytes.name}\u2069` }));
      else chosen.push({ bytes, name: bytes.name, ...(await measure(bytes)) });
    }
    this.#changed();
  }

  /** Hands the files over: they are on their way. */
  take() {
    const files = this.files;
    this.conversation.chosen = [];
    this.#changed();
    return files;
  }

  /** @param {import("../parley.js").GivenFile[]} files that could not be sent after all */
  giveBack(files) {
    this.conversation.chosen = [...files, ...this.files];
    this.#changed();
  }

  #changed() {
    if (!this.isConnected) return;
    this.#draw();
    this.dispatchEvent(new CustomEvent("change"));
  }

  #draw() {
    this.hidden = this.isEmpty;
    this.list?.replaceChildren(...this.files.map((file) => this.#row(file)));
  }

  /** @param {import("../parley.js").GivenFile} file */
  #row(file) {
    const { bytes, name = "", width } = file;
    const remove = () => {
      const at = this.files.indexOf(file);
      this.conversation.chosen = this.files.filter((each) => each !== file);
      this.#changed();
      const left = /** @type {HTMLElement[]} */ ([...(this.list?.querySelectorAll("button") ?? [])]);
      (left[Math.min(at, left.length - 1)] ?? this.parentElement)?.focus();
    };
    /** @type {any} */
    let picture = icon("file");
    if (bytes && width) showBytes((picture = h("img", { alt: "", width: 44, height: 44 })), bytes);
    return h("li", null, picture,
      h("span", { class: "grow" }, h("bdi", { class: "line name" }, name), h("span", { class: "small muted" }, sizeText(bytes?.size ?? 0))),
      button({ icon: "close", label: t("file.leave-out", { name: `\u2068${name}\u2069` }), on: remove }));
  }
}
customElements.define("file-tray", FileTray);

/**
 * Width and height of a picture that can be shown.
 * @param {Blob} bytes
 */
export async function measure(bytes) {
  if (!SHOWN.test(bytes.type)) return {};
  try {
    const { width, height, close } = await createImageBitmap(bytes).then((bitmap) => ({
      width: bitmap.width,
      height: bitmap.height,
      close: () => bitmap.close(),
    }));
    close();
    return { width, height };
  } catch {
    return {};
  }
}
