/**
 * The end of the account, for good: asked for with the password, or where the account has none, with its
 * id typed again.
 * @module
 */
import { attempt, leaveOnEscape } from "./people-parts.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";

export class ForgetMe extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);

  connectedCallback() {
    this.close();
  }

  close() {
    this.replaceChildren(
      h("button", { type: "button", class: "danger", dataset: { act: "forget-me" }, on: { click: () => this.open() } }, icon("trash"), t("people.forget-me")),
    );
  }

  leave() {
    this.close();
    this.querySelector("button")?.focus();
  }

  open() {
    const { user } = this.page.model.me;
    this.password = h("input", { id: "forget-password", type: "password", autocomplete: "current-password", maxlength: 256, dataset: { act: "forget-password" } });
    this.typed = h("input", { id: "forget-id", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true, dir: "auto", dataset: { act: "forget-id" } });
    const form = h(
      "form",
      { class: "asking card", "aria-labelledby": "forget-title", on: { submit: (/** @type {Event} */ event) => this.forget(event) } },
      h("h3", { id: "forget-title" }, t("people.forget-title")),
      h("p", { class: "small" }, t("people.forget-what")),
      h(
        "fieldset",
        { class: "choice" },
        h("legend", { class: "label" }, t("people.forget-texts")),
        this.choice("keep", true),
        this.choice("blank", false),
      ),
      h("div", { class: "field" }, h("label", { for: "forget-id" }, t("people.forget-id", { id: `\u2068${user}\u2069` })), this.typed),
      h("div", { class: "field" }, h("label", { for: "forget-password" }, t("people.forget-password")), this.password),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: "danger", dataset: { act: "forget-me-yes" } }, t("people.forget-me")),
        h("button", { type: "button", on: { click: () => this.leave() } }, t("common.cancel")),
      ),
    );
    leaveOnEscape(form, () => this.leave());
    this.form = form;
    this.replaceChildren(form);
    this.typed.focus();
  }

  /** @param {string} value @param {boolean} checked */
  choice(value, checked) {
    return h("label", { class: "row plain" }, h("input", { type: "radio", name: "texts", value, checked }), h("span", { class: "grow" }, t(`people.forget-${value}`)));
  }

  /** @param {Event} event */
  async forget(event) {
    event.preventDefault();
    const form = /** @type {HTMLElement} */ (this.form);
    const typed = /** @type {HTMLInputElement} */ (this.typed);
    if (typed.value.trim() !== this.page.model.me.user) {
      form.querySelector(":scope > .error")?.remove();
      form.append(h("p", { class: "error small", role: "alert" }, t("people.forget-mistyped")));
      return typed.focus();
    }
    const password = this.password?.value || undefined;
    const texts = /** @type {any} */ (form.querySelector("input[name=texts]:checked")).value;
    const { keep } = this.page.model; // the next person to sign in has another one
    if (!(await attempt(form, () => this.page.parley.forgetMe({ password, texts })))) return;
    keep.forget();
    this.page.announce(t("people.forgotten"));
  }
}
customElements.define("forget-me", ForgetMe);
