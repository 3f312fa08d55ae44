/**
 * Asks for the API key.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { attempt } from "../elements/people-parts.js";
import { Api, ApiFault } from "./api.js";

export class KeyForm extends HTMLElement {
  /** @type {(key: string) => void} */ enter = () => {};
  /** The server took a key no longer. */
  ended = false;

  connectedCallback() {
    const field = h("input", { id: "key", type: "password", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true, maxlength: 256 });
    const form = h(
      "form",
      { class: "card", on: { submit } },
      h("h1", null, t("admin.title")),
      h("p", { class: "muted" }, t("admin.what")),
      this.ended ? h("p", { class: "error small", role: "alert" }, t("admin.key-ended")) : null,
      h("div", { class: "field" }, h("label", { for: "key" }, t("admin.key")), field),
      h("button", { type: "submit", class: "primary" }, t("admin.enter")),
      h("p", { class: "muted small" }, t("admin.key-how"), " ", h("code", null, "parleyctl key add operator --scopes=accounts,groups,sessions,system,audit,status,hooks --days=30")),
    );
    /** @param {Event} event */
    function submit(event) {
      event.preventDefault();
      void attempt(form, () => check(field.value.trim()));
    }
    const check = async (/** @type {string} */ key) => {
      const api = new Api(key, () => {});
      try {
        await api.get("/services");
      } catch (error) {
        // A key without this scope may have others.
        if (!(error instanceof ApiFault) || error.status !== 403) throw error;
      }
      this.enter(key);
    };
    this.replaceChildren(h("main", null, form));
    field.focus();
  }
}
customElements.define("key-form", KeyForm);
