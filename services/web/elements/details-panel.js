/**
 * The details of a person or a group, and the actions for them.
 * @module
 */
import "./group-details.js";
import "./request-card.js";
import { asking, attempt, befriend, editable, goTo, headOf, idOf, personOf, quietPart, refill, section, tile } from "./people-parts.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";

const EVENTS = ["person", "requests", "conversations"];

export class DetailsPanel extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {any} */ peer = null;
  #update = () => this.render();

  connectedCallback() {
    if (this.peer.group !== undefined) {
      this.append(Object.assign(document.createElement("group-details"), { page: this.page, group: this.peer.group }));
      return;
    }
    this.parts = ["head", "remark", "quiet", "friendship", "block"].map((name) => h("div", { class: `${name}-part` }));
    this.append(h("div", { class: "stack parts" }, ...this.parts));
    for (const event of EVENTS) this.page.model.addEventListener(event, this.#update);
    this.addEventListener("settled", this.#update);
    this.page.model.people.renew(this.peer.user); // lists know names, and nothing of "about"
    this.render();
  }

  disconnectedCallback() {
    for (const event of EVENTS) this.page.model.removeEventListener(event, this.#update);
  }

  render() {
    const { page } = this;
    const id = this.peer.user;
    const person = personOf(page, id);
    const me = id === page.model.me.user;
    const conversation = page.model.conversations.find((/** @type {any} */ each) => each.peer.user === id);
    const [head, remark, quiet, friendship, block] = /** @type {HTMLElement[]} */ (this.parts);
    const { title, name, picture, about, online } = person;
    refill(head, { title, name, picture, about, online, friend: person.friend, known: Boolean(conversation) }, () => [
      headOf({ id, title, name, picture, about, online, under: online ? t("shell.online") : person.friend ? t("shell.offline") : "" }),
      me ? null : this.tiles(id, conversation),
    ]);
    if (me) return;
    const friend = Boolean(person.friend);
    refill(remark, { friend, remark: person.remark }, () => (friend ? [this.remark(id, person.remark ?? "")] : []));
    refill(quiet, { known: Boolean(conversation), until: conversation?.muted_until }, () => (conversation ? [quietPart(page, conversation)] : []));
    const asks = page.model.requests.in.find((/** @type {any} */ each) => idOf(each) === id);
    const asked = page.model.requests.out.some((/** @type {any} */ each) => idOf(each) === id);
    refill(friendship, { friend, title, asks: Boolean(asks), asked }, () => [this.friendship(id, title, friend, asks, asked)]);
    const blocked = person.blocked ?? (page.model.blocked ?? []).some((/** @type {any} */ each) => idOf(each) === id);
    refill(block, { blocked: Boolean(blocked), title }, () => [this.block(id, title, blocked)]);
  }

  /** @param {string} id @param {any} conversation */
  tiles(id, conversation) {
    const { page } = this;
    return h(
      "div",
      { class: "tiles" },
      tile("write", "send", t("people.write"), () => goTo(page, { user: id })),
      conversation ? tile("search-here", "search", t("people.search"), () => page.openPanel("search", { conversation })) : null,
    );
  }

  /** @param {string} id @param {string} value */
  remark(id, value) {
    return section(
      t("people.about-friend"),
      editable({ act: "remark", label: t("people.remark"), value, empty: t("people.no-remark"), maxlength: 64 }, (remark) =>
        this.page.parley.set({ friend: id }, { remark }),
      ),
    );
  }

  /** @param {string} id @param {string} title @param {boolean} friend @param {any} asks @param {boolean} asked */
  friendship(id, title, friend, asks, asked) {
    const { page } = this;
    const name = `\u2068${title}\u2069`;
    if (asks) return section(t("people.friendship"), Object.assign(document.createElement("request-card"), { page, request: asks }));
    if (asked) return section(t("people.friendship"), h("p", { class: "muted small" }, t("people.asked")));
    if (friend) {
      const part = asking(
        { act: "unfriend", label: t("people.unfriend"), question: t("people.unfriend-sure", { name }), class: "danger" },
        async () => {
          await page.parley.removeFriend(id);
          await page.model.refreshFriends();
        },
      );
      return section(t("people.friendship"), h("p", { class: "muted small" }, t("people.friends-with", { name })), part);
    }
    const part = h("div", { class: "stack" });
    const ask = () => void befriend(part, page, id).then(this.#update);
    part.append(h("button", { type: "button", dataset: { act: "befriend" }, on: { click: ask } }, icon("plus"), t("people.befriend")));
    return section(t("people.friendship"), part);
  }

  /** @param {string} id @param {string} title @param {boolean} blocked */
  block(id, title, blocked) {
    const { page } = this;
    const name = `\u2068${title}\u2069`;
    /** @param {boolean} on */
    const set = async (on) => {
      await page.parley.block(id, on);
      await page.model.refreshFriends();
    };
    if (!blocked)
      return section(t("people.blocking"), asking({ act: "block", label: t("people.block"), question: t("people.block-sure", { name }) }, () => set(true)));
    const part = h("div", { class: "stack" });
    const unblock = () => void attempt(part, () => set(false)).then(this.#update);
    part.append(
      h("p", { class: "small" }, t("people.blocked", { name })),
      h("button", { type: "button", dataset: { act: "unblock" }, on: { click: unblock } }, t("people.unblock")),
    );
    return section(t("people.blocking"), part);
  }
}
customElements.define("details-panel", DetailsPanel);
