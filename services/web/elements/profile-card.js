/**
 * A person or a group as anybody sees them, with what one may do next: write, ask for friendship, ask
 * to join.
 * @module
 */
import { attempt, befriend, goTo, headOf, idOf } from "./people-parts.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";

export class ProfileCard extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {any} the fields of the 312, and `id` */ profile = null;

  connectedCallback() {
    const { page, profile } = this;
    const group = profile.group !== undefined;
    const id = group ? profile.group : profile.user;
    this.className = "card";
    this.append(
      headOf({ id, title: profile.remark || profile.name || id, name: profile.name, picture: profile.avatar, group, about: profile.about, under: group ? t("shell.group") : "" }),
      h("div", { class: "actions center" }, ...(group ? this.groupActions(id) : this.personActions(id))),
    );
    if (!group && id !== page.model.me.user) page.model.people.get(id);
  }

  /** @param {string} id */
  personActions(id) {
    const { page, profile } = this;
    if (id === page.model.me.user) return [h("p", { class: "muted" }, t("people.thats-you"))];
    const asked = page.model.requests.out.some((/** @type {any} */ each) => idOf(each) === id);
    return [
      this.action("write", "send", t("people.write"), "primary", () => goTo(page, { user: id })),
      profile.friend
        ? null
        : asked
          ? h("p", { class: "muted small" }, t("people.asked"))
          : this.action("befriend", "plus", t("people.befriend"), "", () => this.befriend(id)),
      this.action("profile", "info", t("people.more"), "", () => page.openDetails({ user: id })),
    ];
  }

  /** @param {string} id */
  groupActions(id) {
    const { page, profile } = this;
    if (profile.member) return [this.action("open", "send", t("people.open-group"), "primary", () => goTo(page, { group: id }))];
    return [this.action("join", "plus", t("people.join"), "primary", () => this.join(id))];
  }

  /** @param {string} act @param {string} picture @param {string} label @param {string} look @param {() => void} on */
  action(act, picture, label, look, on) {
    return h("button", { type: "button", class: look, dataset: { act }, on: { click: on } }, icon(picture), label);
  }

  /** @param {string} id */
  async befriend(id) {
    if (await befriend(this, this.page, id)) this.done(t("people.asked"));
  }

  /** @param {string} id */
  async join(id) {
    if (await attempt(this, () => this.page.parley.joinGroup(id))) this.done(t("people.join-asked"));
  }

  /**
   * Shows the result in the place of the button.
   * @param {string} text
   */
  done(text) {
    const words = h("p", { class: "small", role: "status", tabindex: -1 }, text);
    this.querySelector("[data-act=befriend], [data-act=join]")?.replaceWith(words);
    words.focus();
  }
}
customElements.define("profile-card", ProfileCard);
