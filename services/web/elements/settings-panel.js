/**
 * The reader's own account and this browser's settings.
 * @module
 */
import "./device-list.js";
import "./forget-me.js";
import { avatarSetting } from "./avatar-setting.js";
import { asking, attempt, editable, headOf, idOf, personRow, refill, section, shownOf } from "./people-parts.js";
import { h } from "../app/dom.js";
import { LANGUAGES, language, setLanguage, t } from "../app/i18n.js";
import { askNotifications, endNotifications, notificationState } from "../app/notify.js";
import { setSetting, setting } from "../app/settings.js";

const EVENTS = ["person", "requests"];

export class SettingsPanel extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  #update = () => this.render();

  connectedCallback() {
    const { page } = this;
    this.profile = h("div");
    this.blocked = h("div");
    this.append(
      h(
        "div",
        { class: "stack parts" },
        this.profile,
        section(
          t("people.look"),
          this.choice("language", t("people.language"), Object.entries(LANGUAGES), language(), (code) => void setLanguage(code)),
          this.choice("theme", t("people.theme"), ["auto", "light", "dark"].map((each) => [each, t(`people.theme-${each}`)]), setting("theme"), (theme) => setSetting("theme", theme)),
        ),
        section(
          t("people.writing"),
          this.choice("enter", t("people.enter"), ["auto", "send", "break"].map((each) => [each, t(`people.enter-${each}`)]), setting("enter") ?? "auto", (how) => setSetting("enter", how)),
        ),
        this.notifications(),
        Object.assign(document.createElement("device-list"), { page }),
        this.blocked,
        section(
          t("people.account"),
          asking({ act: "sign-out", icon: "sign-out", label: t("shell.sign-out"), question: this.signOutQuestion(), class: "" }, () => page.signOut()),
          Object.assign(document.createElement("forget-me"), { page }),
        ),
        this.about(),
      ),
    );
    for (const event of EVENTS) page.model.addEventListener(event, this.#update);
    this.addEventListener("settled", this.#update);
    this.render();
  }

  disconnectedCallback() {
    for (const event of EVENTS) this.page.model.removeEventListener(event, this.#update);
  }

  signOutQuestion() {
    const count = this.page.parley.outbox.length;
    return count > 0 ? t("shell.sign-out-waiting", { count }) : t("shell.sign-out-sure");
  }

  render() {
    const { page } = this;
    const { user, name = "", about = "", avatar = "" } = page.model.me;
    const save = (/** @type {any} */ fields) => page.parley.set("me", fields);
    refill(/** @type {HTMLElement} */ (this.profile), { name, about, avatar }, () => [
      headOf({ id: user, title: name || user, picture: avatar }),
      avatarSetting(page, "me", avatar !== ""),
      editable({ act: "name", label: t("people.name"), value: name, empty: user, maxlength: 64 }, (value) => save({ name: value })),
      editable({ act: "about", label: t("people.about"), value: about, empty: t("people.no-about"), maxlength: 512, lines: true }, (value) => save({ about: value })),
    ]);
    const blocked = (page.model.blocked ?? []).map((/** @type {any} */ each) => ({ ...shownOf(page, idOf(each)), online: undefined }));
    refill(/** @type {HTMLElement} */ (this.blocked), blocked, () => [
      section(
        t("people.blocked-people"),
        ...(blocked.length > 0 ? blocked.map((/** @type {any} */ each) => this.blockedRow(each)) : [h("p", { class: "muted small" }, t("people.nobody-blocked"))]),
      ),
    ]);
  }

  /** @param {{id: string, title: string}} each */
  blockedRow(each) {
    const row = h("div", { class: "blocked", dataset: { user: each.id } });
    const unblock = () =>
      void attempt(row, async () => {
        await this.page.parley.block(each.id, false);
        await this.page.model.refreshFriends();
      }).then(this.#update);
    row.append(
      h("div", { class: "row plain" }, ...personRow(each), h("button", { type: "button", dataset: { act: `unblock-${each.id}` }, on: { click: unblock } }, t("people.unblock"))),
    );
    return row;
  }

  /**
   * One of some choices, which takes effect at once.
   * @param {string} name @param {string} label @param {string[][]} choices @param {string} chosen @param {(value: string) => void} on
   */
  choice(name, label, choices, chosen, on) {
    return h(
      "fieldset",
      { class: "choice" },
      h("legend", { class: "label" }, label),
      h(
        "div",
        { class: "segments" },
        choices.map(([value, text]) =>
          h(
            "label",
            { lang: name === "language" ? value : null },
            h("input", { type: "radio", name, value, checked: value === chosen, on: { change: () => on(value) } }),
            h("span", null, text),
          ),
        ),
      ),
    );
  }

  notifications() {
    const part = h("div", { class: "stack" });
    const show = () => {
      const state = notificationState();
      const possible = state === "on" || state === "off";
      const box = h("input", {
        type: "checkbox", checked: state === "on", disabled: !possible, dataset: { act: "notify" },
        on: {
          change: async () => {
            if (box.checked) await askNotifications(this.page.parley);
            else await endNotifications(this.page.parley);
            show();
            part.querySelector("input")?.focus();
          },
        },
      });
      part.replaceChildren(h("label", { class: "row plain" }, box, h("span", { class: "grow" }, t("people.notify"))), h("p", { class: "muted small" }, t(`people.notify-${state}`)));
    };
    show();
    return section(t("people.notifications"), part);
  }

  about() {
    const { name = "parley", version } = this.page.info;
    return h("p", { class: "part muted small" }, version ? t("people.version", { name, version }) : name);
  }
}
customElements.define("settings-panel", SettingsPanel);
