/**
 * Finds a person by id or e-mail address, and a group by its id; below it the friends and the requests
 * that the reader has made.
 * @module
 */
import "./profile-card.js";
import { attempt, fits, goTo, idOf, personOf, personRow, refill } from "./people-parts.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { wellFormed } from "../parley.js";

const NOT_FOUND = ["no_account", "no_group", "not_allowed", "bad_request"];
const EVENTS = ["requests", "person"];

export class FindPerson extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  #update = () => this.render();

  connectedCallback() {
    this.input = h("input", {
      id: "find", type: "search", autocapitalize: "none", autocomplete: "off", spellcheck: "false", dir: "auto", maxlength: 254,
      "aria-describedby": "find-hint", on: { input: this.#update },
    });
    this.found = h("div", { class: "stack", "aria-live": "polite" });
    this.form = h(
      "form",
      { class: "stack", role: "search", on: { submit: (/** @type {Event} */ event) => this.find(event) } },
      h("div", { class: "field" }, h("label", { for: "find" }, t("people.find-label")), this.input),
      h("p", { class: "muted small", id: "find-hint" }, t("people.find-hint")),
      h("button", { type: "submit", class: "primary", dataset: { act: "find" } }, icon("search"), t("people.find")),
    );
    this.friends = h("div", { class: "part" });
    this.sent = h("div", { class: "part" });
    this.append(this.form, this.found, this.friends, this.sent);
    for (const event of EVENTS) this.page.model.addEventListener(event, this.#update);
    this.render();
  }

  disconnectedCallback() {
    for (const event of EVENTS) this.page.model.removeEventListener(event, this.#update);
  }

  render() {
    const { page } = this;
    const wanted = this.input?.value.trim().toLocaleLowerCase() ?? "";
    const friends = (page.model.friends ?? [])
      .map((/** @type {any} */ each) => personOf(page, idOf(each)))
      .filter((/** @type {any} */ each) => fits(each, wanted))
      .map((/** @type {any} */ { id, title, online }) => ({ id, title, online }));
    const sent = page.model.requests.out.map((/** @type {any} */ each) => personOf(page, idOf(each))).map((/** @type {any} */ { id, title }) => ({ id, title }));
    this.list(this.friends, t("people.friends"), friends, undefined);
    this.list(this.sent, t("people.sent"), sent, t("people.waits"));
  }

  /** @param {HTMLElement | undefined} host @param {string} title @param {any[]} people @param {string} [under] */
  list(host, title, people, under) {
    if (!host) return;
    host.hidden = people.length === 0;
    refill(host, people, () => [
      h("h2", null, title),
      h(
        "ul",
        null,
        people.map((each) =>
          h(
            "li",
            null,
            h(
              "button",
              { type: "button", class: "row", dataset: { act: `open-${each.id}` }, on: { click: () => this.open(each.id, under !== undefined) } },
              ...personRow({ ...each, under }),
            ),
          ),
        ),
      ),
    ]);
  }

  /** @param {string} id @param {boolean} details */
  open(id, details) {
    if (details) this.page.openDetails({ user: id });
    else goTo(this.page, { user: id });
  }

  /** @param {Event} event */
  async find(event) {
    event.preventDefault();
    const wanted = wellFormed(this.input?.value.trim() ?? "");
    const form = /** @type {HTMLElement} */ (this.form);
    if (!wanted) return this.input?.focus();
    this.found?.replaceChildren();
    await attempt(form, async () => {
      const profiles = await this.lookUp(wanted);
      this.found?.replaceChildren(
        ...profiles.map((profile) => Object.assign(document.createElement("profile-card"), { page: this.page, profile })),
        ...(profiles.length > 0 ? [] : [h("p", { class: "muted", dataset: { act: "nobody" } }, t("people.nobody", { id: `\u2068${wanted}\u2069` }))]),
      );
    });
  }

  /** @param {string} wanted @returns {Promise<any[]>} the person and the group that are meant, as far as they exist */
  async lookUp(wanted) {
    const { parley } = this.page;
    /** @param {any} whose */
    const ask = (whose) =>
      parley.profile(whose).catch((/** @type {any} */ error) => {
        if (!NOT_FOUND.includes(error?.word)) throw error;
        return null;
      });
    const asked = [ask({ user: wanted }), ask({ group: wanted })];
    const [person, group] = await Promise.all(asked);
    const byEmail = !person && wanted.includes("@") ? await ask({ email: wanted }) : null;
    return [person ?? byEmail, group].filter(Boolean);
  }
}
customElements.define("find-person", FindPerson);
