/**
 * Starts the operator's page: language, theme, then the form for the key or the views.
 * @module
 */
import { h } from "../app/dom.js";
import { loadLanguage, onLanguage } from "../app/i18n.js";
import { applyTheme } from "../app/settings.js";
import "./admin-shell.js";
import { Api, keepKey, keptKey } from "./api.js";
import "./key-form.js";

const TOAST_MS = 6000;
const status = h("div", { role: "status", class: "toast" });
let toastTimer = 0;

/** @param {string} text */
function announce(text) {
  clearTimeout(toastTimer);
  status.textContent = text;
  toastTimer = window.setTimeout(() => (status.textContent = ""), TOAST_MS);
}

/** @param {boolean} [ended] */
function askForKey(ended = false) {
  keepKey(null);
  const form = /** @type {import("./key-form.js").KeyForm} */ (document.createElement("key-form"));
  Object.assign(form, { enter, ended });
  document.body.replaceChildren(form, status);
}

/** @param {string} key */
function enter(key) {
  keepKey(key);
  const shell = /** @type {import("./admin-shell.js").AdminShell} */ (document.createElement("admin-shell"));
  const api = new Api(key, () => shell.isConnected && askForKey(true));
  Object.assign(shell, { admin: { api, announce }, leave: () => askForKey() });
  document.body.replaceChildren(shell, status);
}

function start() {
  const key = keptKey();
  if (key) enter(key);
  else askForKey();
}

applyTheme();
await loadLanguage(new URL("language/", import.meta.url));
onLanguage(start);
start();
