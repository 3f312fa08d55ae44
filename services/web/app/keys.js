/**
 * The keys of the whole page: Ctrl-K switches, Alt and an arrow moves in the list, F6 visits the regions,
 * Escape closes.
 * @module
 */

/** @param {import("./main.js").Page} page */
export function listenForKeys(page) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    const shell = /** @type {any} */ (document.querySelector("app-shell"));
    if (shell && act(page, shell, event)) event.preventDefault();
  });
}

/**
 * @param {import("./main.js").Page} page
 * @param {any} shell
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key was for the page
 */
function act(page, shell, event) {
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  if ((ctrlKey || metaKey) && !altKey && !shiftKey && key.toLowerCase() === "k") {
    page.quickSwitch();
    return true;
  }
  if (altKey && !ctrlKey && !metaKey && (key === "ArrowUp" || key === "ArrowDown")) {
    step(page, key === "ArrowUp" ? -1 : 1);
    return true;
  }
  if (key === "F6") {
    visitRegion(shell.regions(), shiftKey ? -1 : 1);
    return true;
  }
  return key === "Escape" && shell.closePanel();
}

/** @param {import("./main.js").Page} page @param {number} by */
function step(page, by) {
  const { conversations } = page.model;
  const at = conversations.findIndex((/** @type {any} */ each) => each.key === page.conversation?.key);
  const next = conversations[at < 0 ? (by > 0 ? 0 : conversations.length - 1) : at + by];
  if (next) page.openConversation(next.peer);
}

/** @param {HTMLElement[]} regions @param {number} by */
function visitRegion(regions, by) {
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const region = regions[(at + by + regions.length) % regions.length];
  const target =
    region.querySelector("text-composer textarea, .row[aria-current='true']") ??
    region.querySelector("input:not([hidden]), textarea, button, a[href], [tabindex='0']");
  /** @type {HTMLElement} */ (target ?? region).focus();
}
