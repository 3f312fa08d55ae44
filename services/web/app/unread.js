/**
 * How many texts are unread, in the title and in the icon of the tab.
 * @module
 */
import { withoutTurns } from "./i18n.js";

/** @type {string | null} */
let before = null;
/** @type {any} */
let listenedTo = null;

/**
 * Shows the count now, and whenever it changes.
 * @param {import("./main.js").Page} page
 */
export function showUnread(page) {
  if (listenedTo !== page.model) {
    listenedTo = page.model;
    page.model.addEventListener("conversations", () => page.model === listenedTo && showUnread(page));
  }
  const count = page.model.unreadTotal || 0;
  const name = page.conversation?.title;
  document.title = (count > 0 ? `(${count}) ` : "") + (name ? `${isolated(name)} · parley` : "parley");
  const href = count > 0 ? iconWith(count) : "icon.svg";
  if (href === before) return;
  before = href;
  document.querySelector('link[rel="icon"]')?.setAttribute("href", href);
}

/**
 * A name in a line of other text must not turn that text around.
 * @param {string} name
 */
function isolated(name) {
  return withoutTurns(`\u2068${name}\u2069`);
}

/** @param {number} count */
function iconWith(count) {
  const text = count > 99 ? "99+" : String(count);
  const size = text.length > 2 ? 22 : 30;
  return (
    "data:image/svg+xml," +
    encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#0b6b69" d="M12 6h40a8 8 0 0 1 8 8v24a8 8 0 0 1-8 8H28L14 58V46h-2a8 8 0 0 1-8-8V14a8 8 0 0 1 8-8z"/>' +
        '<circle cx="44" cy="44" r="20" fill="#f0a63c"/>' +
        `<text x="44" y="${44 + size * 0.36}" font-family="sans-serif" font-weight="700" font-size="${size}" text-anchor="middle" fill="#2a1c04">${text}</text></svg>`,
    )
  );
}
