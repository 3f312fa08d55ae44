/**
 * A whole picture over the page. It locks nothing, and goes away by Escape, a click beside it, or when the focus leaves it.
 * @module
 */
import { button, h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { showPicture } from "./message-file.js";

export class PictureViewer extends HTMLElement {
  /** @type {any} */ page;
  /** @type {any} of a conversation, with a picture */ item;
  #left = false;
  /** @type {HTMLElement|null} */ #before = null;

  connectedCallback() {
    const { page, item } = this;
    const { file } = item;
    this.#before = /** @type {HTMLElement} */ (document.activeElement);
    const name = `\u2068${file.name}\u2069`;
    const image = h("img", { alt: t("file.image-named", { name }), width: file.width, height: file.height });
    showPicture(page, image, file, { whole: true });
    this.setAttribute("role", "dialog");
    this.setAttribute("aria-label", t("file.image-named", { name }));
    const save = file.url
      ? h("a", { class: "button quiet", href: page.parley.address(file.url), download: file.name }, icon("download"), t("file.download"))
      : null;
    const close = button({ icon: "close", label: t("common.close"), on: () => this.leave() });
    this.replaceChildren(
      h("div", { class: "head" }, h("bdi", { class: "line grow" }, file.name), save, close),
      h("div", { class: "whole" }, image),
      item.msg ? h("p", { class: "prose", dir: "auto" }, item.msg) : "",
    );
    image.addEventListener("error", () => !file.bytes && page.model.history.renewFile(item).then(
      () => this.isConnected && showPicture(page, image, item.file, { whole: true }),
      () => page.announce(t("error.no_file")),
    ), { once: true });
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.leave();
    });
    this.addEventListener("click", (event) => /** @type {Element} */ (event.target).closest("img, .head, p") || this.leave());
    this.addEventListener("focusout", (event) => {
      if (this.isConnected && document.hasFocus() && !this.contains(/** @type {Node|null} */ (event.relatedTarget))) this.leave(event.relatedTarget === null);
    });
    this.tabIndex = -1;
    close.focus();
  }

  /** Closes it; the focus goes back to where it was. */
  leave(back = true) {
    if (this.#left) return; // its removal takes the focus away, too
    this.#left = true;
    this.remove();
    if (back && this.#before?.isConnected) this.#before.focus({ preventScroll: true });
  }
}
customElements.define("picture-viewer", PictureViewer);
