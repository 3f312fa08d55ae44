/**
 * Makes a group: its name, the id that follows from it, and the friends who become members.
 * @module
 */
import { attempt, friendPicker, goTo, why } from "./people-parts.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { wellFormed } from "../parley.js";

const ID_BYTES = 64;

export class NewGroup extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  #ownId = false;
  #update = () => this.picker?.update();

  connectedCallback() {
    this.name = h("input", {
      id: "group-name", required: true, maxlength: 64, dir: "auto", autocomplete: "off",
      on: { input: () => this.proposeId() },
    });
    this.groupId = h("input", {
      id: "group-id", required: true, maxlength: ID_BYTES, dir: "auto", autocomplete: "off", autocapitalize: "none", spellcheck: "false",
      "aria-describedby": "group-id-hint",
      on: { input: () => (this.#ownId = this.groupId?.value !== "") },
    });
    this.picker = friendPicker(this.page, t("people.choose-friends"));
    this.form = h(
      "form",
      { class: "stack", on: { submit: (/** @type {Event} */ event) => this.make(event) } },
      h("div", { class: "field" }, h("label", { for: "group-name" }, t("people.group-name")), this.name),
      h(
        "div",
        { class: "field" },
        h("label", { for: "group-id" }, t("people.group-id")),
        this.groupId,
        h("p", { class: "muted small", id: "group-id-hint" }, t("people.group-id-hint")),
      ),
      this.picker.element,
      h("button", { type: "submit", class: "primary", dataset: { act: "make-group" } }, icon("group"), t("people.make-group")),
    );
    this.append(this.form);
    this.page.model.addEventListener("requests", this.#update);
  }

  disconnectedCallback() {
    this.page.model.removeEventListener("requests", this.#update);
  }

  proposeId() {
    if (!this.#ownId && this.groupId) this.groupId.value = idFrom(this.name?.value ?? "");
  }

  /** @param {Event} event */
  async make(event) {
    event.preventDefault();
    const { page } = this;
    const form = /** @type {HTMLElement} */ (this.form);
    const name = wellFormed(/** @type {HTMLInputElement} */ (this.name).value.trim());
    const idInput = /** @type {HTMLInputElement} */ (this.groupId);
    const group = wellFormed(idInput.value.trim());
    idInput.removeAttribute("aria-invalid");
    const made = await attempt(form, async () => {
      try {
        await page.parley.createGroup(group, name);
      } catch (error) {
        if (/** @type {any} */ (error)?.word === "taken") this.idTaken(idInput, group);
        throw error;
      }
      await this.invite(group);
    });
    if (!made) return;
    goTo(page, { group });
  }

  /**
   * Proposes an id that is free with all likelihood.
   * @param {HTMLInputElement} input @param {string} group
   */
  idTaken(input, group) {
    input.setAttribute("aria-invalid", "true");
    input.value = `${group.slice(0, 40)}-${Math.floor(Math.random() * 36 ** 3).toString(36)}`;
    this.#ownId = true;
    input.focus();
  }

  /**
   * The group is there, so a friend who can't be in it is no reason to stay here.
   * @param {string} group
   */
  async invite(group) {
    const { page } = this;
    /** @type {string[]} */
    const failed = [];
    for (const user of this.picker?.chosen() ?? [])
      await page.parley.invite(group, user).catch((/** @type {any} */ error) => failed.push(`\u2068${user}\u2069: ${why(error)}`));
    if (failed.length > 0) page.announce(t("people.not-invited", { why: failed.join(" ") }));
    await page.model.refreshMembers(group);
  }
}
customElements.define("new-group", NewGroup);

/**
 * An id that people can read and type: small letters and digits of any script, hyphens between them.
 * @param {string} name
 */
export function idFrom(name) {
  const words = name.normalize("NFKD").replace(/(?<=\p{Script=Latin})\p{M}+/gu, "").normalize("NFC").toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let id = words.join("-");
  if (/^\d+$/.test(id)) id = `group-${id}`; // a number as an id means the account's number, too
  while (new TextEncoder().encode(id).length > ID_BYTES) id = [...id].slice(0, -1).join("");
  return id.replace(/-$/, "");
}
