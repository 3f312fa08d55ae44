/**
 * The reader's settings in this browser: theme, language, notifications. Where the browser keeps
 * nothing (private windows), settings last as long as the page.
 * @module
 */
const PREFIX = "parley.setting.";
/** @type {Record<string, any>} */
const DEFAULTS = { theme: "auto", language: null, notify: false };
/** @type {Map<string, any>} */
const values = new Map();
const changes = new EventTarget();

/**
 * @param {string} name
 * @returns {any}
 */
export function setting(name) {
  if (!values.has(name)) values.set(name, stored(name) ?? DEFAULTS[name]);
  return values.get(name);
}

/** @param {string} name */
function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {any} value
 */
export function setSetting(name, value) {
  values.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // The setting lasts as long as the page.
  }
  changes.dispatchEvent(new CustomEvent("change", { detail: { name, value } }));
}

/**
 * Calls `listener` when a setting changes, here or in another tab. Returns how to stop that.
 * @param {(name: string, value: any) => void} listener
 */
export function onSetting(listener) {
  const call = (/** @type {any} */ event) => listener(event.detail.name, event.detail.value);
  changes.addEventListener("change", call);
  return () => changes.removeEventListener("change", call);
}

globalThis.addEventListener?.("storage", (event) => {
  if (!event.key?.startsWith(PREFIX)) return;
  const name = event.key.slice(PREFIX.length);
  values.delete(name);
  changes.dispatchEvent(new CustomEvent("change", { detail: { name, value: setting(name) } }));
});

/** Shows the page in the theme that was chosen, or the system's. */
export function applyTheme() {
  const theme = setting("theme");
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
