/**
 * What a text shows beside its words: a picture or sticker, whose room is reserved before it has loaded, or a file by name
 * and size. On its way it has a bar, and a button that gives it up.
 * @module
 */
import { button, h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";

/** The sides of the square that a picture fits in, in CSS pixels. */
const SIDE = { image: 320, sticker: 160 };
const LEAST = 48;

/**
 * @param {any} page
 * @param {any} item of a conversation, with a file
 * @param {string} id of the element
 * @returns {HTMLElement}
 */
export function fileNode(page, item, id) {
  const { file } = item;
  return hasRoom(file) ? pictureNode(page, item, id) : cardNode(page, file, id);
}

/**
 * What the node depends on: as long as it is the same, the node stays.
 * @param {any} file
 */
export function fileKey(file) {
  return file && JSON.stringify([file.bytes ? "bytes" : file.id, file.kind, file.width, file.height, file.name, hasRoom(file) || Boolean(file.url)]);
}

/** @param {any} file */
function hasRoom({ kind, width, height }) {
  return kind in SIDE && width > 0 && height > 0;
}

/**
 * Shows bytes in an image; the address is needed no longer than they load.
 * @param {HTMLImageElement} image @param {Blob} bytes
 */
export function showBytes(image, bytes) {
  const address = URL.createObjectURL(bytes);
  for (const event of ["load", "error"]) image.addEventListener(event, () => URL.revokeObjectURL(address), { once: true });
  image.src = address;
}

/**
 * Shows the picture of a file in an image: the bytes, else the preview or the whole.
 * @param {any} page @param {HTMLImageElement} image @param {any} file @param {{whole?: boolean}} how
 */
export function showPicture(page, image, file, { whole = false } = {}) {
  if (file.bytes) showBytes(image, file.bytes);
  else if (file.url) image.src = page.parley.address((!whole && file.preview) || file.url);
}

/** @param {any} page @param {any} item @param {string} id */
function pictureNode(page, item, id) {
  const { file } = item;
  const { kind } = file;
  const scale = Math.min(1, SIDE[/** @type {keyof SIDE} */ (kind)] / Math.max(file.width, file.height));
  const [width, height] = [file.width, file.height].map((side) => Math.max(LEAST, Math.round(side * scale)));
  const alt = t(kind === "sticker" ? "file.sticker-named" : "file.image-named", { name: `\u2068${file.name}\u2069` });
  const image = h("img", { alt, width, height, decoding: "async", draggable: "false" });
  const node = kind === "sticker"
    ? h("div", { class: "picture sticker", id }, image)
    : h("button", { type: "button", class: "picture", id, "data-act": "view", "data-part": "view", "aria-label": alt, title: t("file.view") }, image);
  let renewed = false;
  image.addEventListener("error", () => {
    // A page that stays open for a week has old addresses.
    if (renewed || file.bytes) return node.classList.add("gone");
    renewed = true;
    page.model.history.renewFile(item).then(
      () => showPicture(page, image, item.file),
      () => node.classList.add("gone"),
    );
  });
  showPicture(page, image, file);
  return node;
}

/** @param {any} page @param {any} file @param {string} id */
function cardNode(page, file, id) {
  const words = h("span", { class: "grow" }, h("bdi", { class: "name" }, file.name), h("span", { class: "small muted size" }, sizeText(file.size)));
  if (!file.url) return h("div", { class: "file-card", id }, icon("file"), words);
  return h("a", { class: "file-card", id, href: page.parley.address(file.url), download: file.name, "data-act": "download", "data-part": "download", title: t("file.download") },
    icon("file"), words, icon("download"));
}

/**
 * The bar of a file on its way, and the button that cancels it.
 * @param {any} item
 */
export function transferNode(item) {
  const bar = h("progress", { max: item.file.size, "aria-label": t("file.uploading", { name: `\u2068${item.file.name}\u2069` }) });
  const cancel = Object.assign(button({ icon: "close", label: t("file.cancel") }), { className: "icon cancel" });
  Object.assign(cancel.dataset, { act: "discard", part: "cancel" });
  return h("div", { class: "transfer" }, bar, h("span", { class: "small percent" }), cancel);
}

/**
 * Shows how far it is.
 * @param {Element|null} node of `transferNode` @param {any} item
 */
export function showTransfer(node, item) {
  const bar = node?.querySelector("progress");
  const percent = node?.querySelector(".percent");
  if (!bar || !percent) return;
  bar.value = item.sent;
  percent.textContent = t("file.percent", { percent: Math.floor((100 * item.sent) / item.file.size) });
}

/** Whether the bytes of a text's file are still on their way. */
export function isUploading(/** @type {any} */ { file, state }) {
  return state === "waiting" && Boolean(file?.bytes) && file.id === undefined;
}

/**
 * A size as people read it.
 * @param {number} bytes
 */
export function sizeText(bytes) {
  const [unit, divisor] = bytes < 1000 ? ["byte", 1] : bytes < 1e6 ? ["kilobyte", 1e3] : bytes < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  const digits = bytes / divisor < 10 && divisor > 1 ? 1 : 0;
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(bytes / divisor);
}
