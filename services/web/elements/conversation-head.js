/**
 * The line over a conversation: back (on a phone), its name, the people who are there or type, search, details.
 * @module
 */
import { avatar } from "./person-avatar.js";
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";

export class ConversationHead extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {any} */ conversation = null;
  #update = () => this.render();
  #events = ["conversations", "typing", "person", "members"];

  connectedCallback() {
    for (const event of this.#events) this.page.model.addEventListener(event, this.#update);
    const { page, conversation } = this;
    this.who = h("button", {
      type: "button", class: "row who", title: t("panel.details"),
      on: { click: () => page.openDetails(conversation.peer) },
    });
    const state = Object.assign(document.createElement("connection-state"), { page });
    state.className = "only-narrow";
    this.append(
      button({ icon: "back", label: t("shell.back"), class: "back", on: () => page.openConversation(null) }),
      h("h1", { class: "grow" }, this.who),
      state,
      button({ icon: "search", label: t("shell.search-here"), on: () => page.openPanel("search", { conversation }) }),
      button({ icon: "info", label: t("panel.details"), class: "details", on: () => page.openDetails(conversation.peer) }),
    );
    this.render();
  }

  disconnectedCallback() {
    for (const event of this.#events) this.page.model.removeEventListener(event, this.#update);
  }

  render() {
    const { conversation: c } = this;
    const group = "group" in c.peer;
    const id = group ? c.peer.group : c.peer.user;
    this.who?.replaceChildren(
      avatar({ id, title: c.title, picture: c.avatar, group, online: c.online }),
      h(
        "span",
        { class: "grow" },
        h("bdi", { class: "line name" }, c.title),
        h("span", { class: `line small ${c.typing.length > 0 ? "typing" : "muted"}` }, this.underName(group, id)),
      ),
    );
  }

  /** @param {boolean} group @param {string} id */
  underName(group, id) {
    const { conversation: c, page } = this;
    if (c.typing.length > 0) {
      const names = c.typing.map((/** @type {string} */ user) => page.model.people.get(user)?.title ?? user);
      return group ? t("shell.types", { count: names.length, name: names[0] }) : t("shell.types-here");
    }
    if (group) {
      const count = c.members?.length ?? c.count;
      if (c.member === false) return t("shell.not-member");
      return count ? t("shell.members", { count }) : t("shell.group");
    }
    if (id === page.model.me?.user) return t("shell.yourself");
    if (!page.model.people.get(id)?.friend) return t("shell.not-friend"); // nobody tells whether they are there
    return t(c.online ? "shell.online" : "shell.offline");
  }
}
customElements.define("conversation-head", ConversationHead);
