/**
 * The frame: conversations at the side, the open one in the middle, one panel beside or over it. On a
 * narrow screen one of the three is shown.
 * @module
 */
import { avatar } from "./person-avatar.js";
import "./connection-state.js";
import "./conversation-head.js";
import "./conversation-list.js";
import "./quick-switch.js";
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";

/** @type {Record<string, string>} */
const PANELS = {
  details: "details-panel",
  find: "find-person",
  "new-group": "new-group",
  settings: "settings-panel",
  search: "search-panel",
};

const KEYS = [["switch", "Ctrl", "K"], ["step", "Alt", "↑", "↓"], ["region", "F6"], ["close", "Esc"]];

export class AppShell extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {string | null} */ panelName = null;
  /** Whether the middle is filled. */ shows = false;
  /** @type {HTMLElement | null} where the focus returns when the panel closes */ #opener = null;
  #me = () => this.renderMe();

  connectedCallback() {
    this.className = "app-shell";
    this.foot = h("footer", { class: "me" });
    this.main = h("main", { class: "conversation", "aria-label": t("shell.conversation"), tabindex: -1 });
    this.panel = h("section", { role: "complementary", class: "panel", hidden: true, tabindex: -1 });
    this.list = this.make("conversation-list");
    this.append(
      this.make("connection-state", { bar: true }),
      h("div", { class: "side" }, this.head(), this.list, this.foot),
      this.main,
      this.panel,
    );
    this.addEventListener("stale", (/** @type {any} */ { detail: { id, group } }) => {
      const { model } = this.page;
      if (group) model.list.rename(model.conversation({ group: id }), id);
      else model.people.renew(id);
    });
    this.page.parley.addEventListener("state", this.#me);
    for (const event of ["person", "conversations"]) this.page.model.addEventListener(event, this.#me);
    this.renderMe();
  }

  disconnectedCallback() {
    this.page.parley.removeEventListener("state", this.#me);
    for (const event of ["person", "conversations"]) this.page.model.removeEventListener(event, this.#me);
    this.page.model.close();
  }

  /** @param {string} name @param {Record<string, any>} [properties] @returns {any} */
  make(name, properties = {}) {
    return Object.assign(document.createElement(name), { page: this.page }, properties);
  }

  head() {
    return h(
      "header",
      { class: "side-head" },
      h("h1", { class: "brand" }, h("img", { src: "icon.svg", alt: "", width: 26, height: 26 }), "parley"),
      button({ icon: "search", label: t("shell.search"), on: () => this.openPanel("search", { conversation: null }) }),
      button({ icon: "find", label: t("panel.find"), on: () => this.openPanel("find") }),
      button({ icon: "group", label: t("panel.new-group"), on: () => this.openPanel("new-group") }),
    );
  }

  renderMe() {
    const me = this.page.model.me ?? { user: this.page.parley.user };
    if (!me.user || this.foot?.querySelector(".confirm")) return;
    const name = me.name || me.user;
    const { avatar: picture = "" } = this.page.model.me ?? {};
    const shows = `${picture} ${name}`;
    if (this.foot?.dataset.shows === shows && this.foot.childElementCount > 0) return;
    Object.assign(this.foot?.dataset ?? {}, { shows });
    this.foot?.replaceChildren(
      avatar({ id: me.user, title: name, picture }),
      h("div", { class: "grow" }, h("bdi", { class: "line name", title: me.user }, name), this.make("connection-state")),
      button({ icon: "settings", label: t("panel.settings"), on: () => this.openPanel("settings") }),
      button({ icon: "sign-out", label: t("shell.sign-out"), on: () => this.confirmSignOut() }),
    );
  }

  confirmSignOut() {
    const count = this.page.parley.outbox.length;
    const no = h("button", { type: "button", on: { click: () => this.keepSignedIn() } }, t("common.no"));
    this.foot?.replaceChildren(
      h(
        "div",
        { class: "confirm grow", role: "group", on: { keydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.keepSignedIn(event) } },
        h("span", { class: "grow" }, count > 0 ? t("shell.sign-out-waiting", { count }) : t("shell.sign-out-sure")),
        h("button", { type: "button", class: "danger", on: { click: () => this.page.signOut() } }, t("shell.sign-out")),
        no,
      ),
    );
    no.focus();
  }

  /** @param {Event} [event] */
  keepSignedIn(event) {
    event?.stopPropagation();
    this.foot?.replaceChildren();
    this.renderMe();
    /** @type {HTMLElement | null | undefined} */ (this.foot?.querySelector("button:last-child"))?.focus();
  }

  /** Shows the page's open conversation, or that there is none. */
  showConversation() {
    const { conversation, model } = this.page;
    this.shows = true;
    this.classList.toggle("open", Boolean(conversation));
    if (this.panelName === "details" || (this.panelName && this.narrow())) this.openPanel(null);
    if (conversation) {
      void model.open(conversation.peer);
      this.main?.replaceChildren(
        this.make("conversation-head", { conversation }),
        this.make("message-list", { conversation }),
        this.make("text-composer", { conversation }),
      );
      if (!matchMedia("(pointer: coarse)").matches) this.focusComposer();
    } else {
      model.close();
      this.main?.replaceChildren(this.nothingOpen());
    }
    this.list?.showCurrent();
    this.landmarks();
  }

  /** On a narrow screen one part is shown, the page's main part: the list, the conversation or the panel. */
  landmarks() {
    const listAlone = this.narrow() && !this.page.conversation && !this.panelName;
    if (listAlone) this.list?.setAttribute("role", "main");
    else this.list?.removeAttribute("role");
    this.panel?.setAttribute("role", this.narrow() ? "main" : "complementary");
  }

  /** @param {any} cid */
  jumpTo(cid) {
    /** @type {any} */ (this.main?.querySelector("message-list"))?.jumpTo(cid);
  }

  nothingOpen() {
    return h(
      "div",
      { class: "nothing-open" },
      h("img", { src: "icon.svg", alt: "", width: 72, height: 72 }),
      h("h2", null, t("shell.nothing-open")),
      h("dl", { class: "keys muted" }, KEYS.map(([word, ...keys]) => [
        h("dt", null, keys.map((key) => h("kbd", null, key))),
        h("dd", null, t(`shell.key-${word}`)),
      ])),
    );
  }

  /**
   * Opens a panel; the same one again, or null, closes it.
   * @param {string | null} name
   * @param {Record<string, any>} [options] `peer` for details; else the panel's own
   */
  openPanel(name, options = {}) {
    const panel = /** @type {HTMLElement} */ (this.panel);
    const same = name !== null && name === this.panelName && !options.peer && !options.user;
    if (!name || same) return this.closePanel();
    if (!this.panelName) {
      this.#opener = /** @type {HTMLElement} */ (document.activeElement);
      if (this.narrow()) history.pushState({ ...history.state, panel: true }, "");
    }
    this.panelName = name;
    const body = this.make(PANELS[name], { options, peer: options.peer ?? null });
    body.classList.add("panel-body");
    const title = h("h1", { id: "panel-title", class: "grow" }, t(`panel.${name}`));
    panel.replaceChildren(
      h("header", { class: "panel-head" }, title, button({ icon: "close", label: t("common.close"), on: () => this.closePanel() })),
      body,
    );
    panel.setAttribute("aria-labelledby", "panel-title");
    panel.hidden = false;
    this.landmarks();
    this.classList.add("with-panel");
    const first = panel.querySelector("[autofocus]") ?? body.querySelector("input:not([hidden]), textarea, select, button, a[href]");
    /** @type {HTMLElement} */ (first ?? panel).focus();
  }

  /** Returns whether there was a panel to close. */
  closePanel() {
    if (!this.panelName) return false;
    this.panelName = null;
    this.panel?.replaceChildren();
    if (this.panel) this.panel.hidden = true;
    this.classList.remove("with-panel");
    this.landmarks();
    if (this.#opener?.isConnected) this.#opener.focus();
    else this.focusComposer();
    this.#opener = null;
    if (history.state?.panel) history.back();
    return true;
  }

  narrow() {
    return matchMedia("(max-width: 719px)").matches;
  }

  focusComposer() {
    /** @type {HTMLElement | null | undefined} */ (this.main?.querySelector("text-composer"))?.focus();
  }

  quickSwitch() {
    const open = this.querySelector("quick-switch");
    if (open) return /** @type {any} */ (open).leave();
    this.append(this.make("quick-switch"));
  }

  /** @param {any} item with a picture */
  viewPicture(item) {
    this.append(this.make("picture-viewer", { item }));
  }

  /** The regions that F6 visits. */
  regions() {
    return [this.querySelector(".side"), this.main, this.panel].filter(
      (region) => region instanceof HTMLElement && region.offsetParent !== null,
    );
  }
}
customElements.define("app-shell", AppShell);
