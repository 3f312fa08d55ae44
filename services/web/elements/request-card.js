/**
 * A request for friendship, or to join a group: the reader says yes or no.
 * @module
 */
import { attempt, idOf, personOf, personRow } from "./people-parts.js";
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";

export class RequestCard extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {any} an item of the model's requests */ request = null;
  #update = () => this.render();

  connectedCallback() {
    this.className = "card request";
    this.setAttribute("role", "group");
    const show = () => this.page.openDetails({ user: idOf(this.request) });
    this.who = h("button", { type: "button", class: "row plain", dataset: { act: "who" }, on: { click: show } });
    this.append(
      this.who,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "primary", dataset: { act: "yes" }, on: { click: () => this.answer(true) } }, t("people.accept")),
        h("button", { type: "button", dataset: { act: "no" }, on: { click: () => this.answer(false) } }, t("people.decline")),
      ),
    );
    this.page.model.addEventListener("person", this.#update);
    this.render();
  }

  disconnectedCallback() {
    this.page.model.removeEventListener("person", this.#update);
  }

  render() {
    const { group } = this.request;
    const id = idOf(this.request);
    const { title, picture } = personOf(this.page, id);
    const place = group ? this.page.model.conversation({ group }).title : "";
    const what = group ? t("people.asks-to-join", { group: `\u2068${place}\u2069` }) : t("people.asks-to-be-friends");
    this.setAttribute("aria-label", `${title}: ${what}`);
    this.who?.replaceChildren(
      ...personRow({ id, title, picture, under: null }),
    );
    this.who?.querySelector(".grow")?.append(h("span", { class: "small muted wrap" }, what));
  }

  /** @param {boolean} ok */
  async answer(ok) {
    const { page, request } = this;
    const id = idOf(request);
    const done = await attempt(this, () =>
      request.group ? page.parley.answerJoin(request.group, id, ok) : page.parley.answerFriend(id, ok),
    );
    if (!done) return;
    const { title } = personOf(page, id);
    const key = `people.${request.group ? "join" : "friend"}-${ok ? "accepted" : "declined"}`;
    page.announce(t(key, { name: `\u2068${title}\u2069` }));
    const next = /** @type {HTMLElement | null} */ (
      (this.nextElementSibling ?? this.previousElementSibling)?.querySelector("button") ?? this.closest(".side, .panel")?.querySelector("input, button")
    );
    if (this.contains(document.activeElement)) next?.focus();
    await (request.group ? page.model.refreshMembers(request.group) : page.model.refreshFriends());
  }
}
customElements.define("request-card", RequestCard);
