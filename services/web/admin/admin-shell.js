/**
 * The page once a key is there: its parts, and the view that the address names.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import "./accounts-view.js";
import "./audit-view.js";
import "./groups-view.js";
import "./hooks-view.js";
import "./say-view.js";
import "./services-view.js";
import "./sessions-view.js";
import { address } from "./parts.js";

const VIEWS = ["services", "accounts", "groups", "sessions", "audit", "hooks", "say"];

export class AdminShell extends HTMLElement {
  /** @type {import("./parts.js").Admin} */ admin = /** @type {any} */ (null);
  leave = () => {};

  connectedCallback() {
    this.nav = h("nav", { "aria-label": t("admin.parts") }, h("ul", null, VIEWS.map((view) => h("li", null, h("a", { href: address(view), dataset: { view } }, t(`admin.${view}`))))));
    this.main = h("main", { tabindex: -1 });
    const leave = h("button", { type: "button", class: "quiet", dataset: { act: "leave" }, on: { click: () => this.leave() } }, t("admin.leave"));
    this.replaceChildren(h("header", null, h("strong", null, t("admin.title")), this.nav, leave), this.main);
    this.routed = () => this.show(true);
    window.addEventListener("hashchange", this.routed);
    this.show(false);
  }

  disconnectedCallback() {
    if (this.routed) window.removeEventListener("hashchange", this.routed);
  }

  /** @param {boolean} focus the reader has gone there */
  show(focus) {
    const [view, what = "", search = ""] = location.hash.slice(1).split("/");
    const known = VIEWS.includes(view) ? view : VIEWS[0];
    const element = /** @type {any} */ (document.createElement(`${known}-view`));
    element.admin = this.admin;
    element.what = known === view ? decoded(what) : "";
    element.search = known === view ? decoded(search) : "";
    for (const link of this.nav?.querySelectorAll("a") ?? [])
      if (/** @type {HTMLElement} */ (link).dataset.view === known) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    this.main?.replaceChildren(element);
    this.main?.scrollTo(0, 0);
    document.title = `${t(`admin.${known}`)} – ${t("admin.title")}`;
    if (focus) element.querySelector("h1")?.focus();
  }
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
customElements.define("admin-shell", AdminShell);
