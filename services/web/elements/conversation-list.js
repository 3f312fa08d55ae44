/**
 * The conversations, newest first, with their last texts; above them a filter and the requests that
 * wait for an answer.
 * @module
 */
import { avatar } from "./person-avatar.js";
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { itemText } from "../app/notice.js";
import { listTime } from "../app/time.js";

const PREVIEW_LENGTH = 120;
const EVENTS = ["conversations", "typing", "person", "requests"];

export class ConversationList extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {Map<string, {row: HTMLElement, shows: string}>} rows by the conversation's key */ #rows = new Map();
  #requested = "";
  #scheduled = false;
  #update = () => this.schedule();
  /** @type {IntersectionObserver | null} */ #observer = null;

  connectedCallback() {
    this.filter = h("input", {
      type: "search", placeholder: t("list.filter"), "aria-label": t("list.filter"), autocomplete: "off",
      on: { input: this.#update, keydown: (/** @type {KeyboardEvent} */ event) => this.filterKey(event) },
    });
    this.requests = h("section", { class: "requests", "aria-label": t("list.requests"), hidden: true });
    this.list = h("ul", { on: { keydown: (/** @type {KeyboardEvent} */ event) => this.listKey(event) } });
    this.empty = h("div", { class: "empty", hidden: true });
    this.end = h("div", { class: "end" });
    const nav = h("nav", { "aria-label": t("list.conversations") }, this.list, this.empty, this.end);
    this.append(h("div", { class: "filter", role: "search", "aria-label": t("list.filter") }, this.filter), h("div", { class: "scroll" }, this.requests, nav));
    for (const event of EVENTS) this.page.model.addEventListener(event, this.#update);
    this.#observer = new IntersectionObserver((entries) => entries.some((each) => each.isIntersecting) && this.more());
    this.#observer.observe(this.end);
    this.render();
  }

  disconnectedCallback() {
    for (const event of EVENTS) this.page.model.removeEventListener(event, this.#update);
    this.#observer?.disconnect();
  }

  /** Renders once a frame, however much arrives. */
  schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.isConnected) this.render();
    });
  }

  async more() {
    const { model } = this.page;
    if (!model.more) return;
    await model.loadConversations().catch(() => {}); // offline: the next scroll asks again
    if (!this.#observer || !this.end) return;
    this.#observer.unobserve(this.end);
    this.#observer.observe(this.end); // a short page leaves the end in view
  }

  render() {
    const { model } = this.page;
    const wanted = this.filter?.value.trim().toLocaleLowerCase() ?? "";
    const shown = model.conversations.filter((/** @type {any} */ each) => !wanted || matches(each, wanted));
    const keys = new Set(shown.map((/** @type {any} */ each) => each.key));
    for (const [key, { row }] of this.#rows)
      if (!keys.has(key)) {
        row.remove();
        this.#rows.delete(key);
      }
    /** @type {Element | null} */
    let at = this.list?.firstElementChild ?? null;
    for (const conversation of shown) {
      const row = this.row(conversation);
      if (row === at) at = row.nextElementSibling;
      else this.list?.insertBefore(row, at);
    }
    this.showCurrent();
    this.renderRequests();
    this.renderEmpty(shown.length === 0, wanted);
  }

  /**
   * The conversation's row, made anew only where its content has changed.
   * @param {any} conversation
   */
  row(conversation) {
    const known = this.#rows.get(conversation.key);
    const content = rowContent(this.page, conversation);
    const shows = JSON.stringify(content);
    if (known?.shows === shows) return known.row;
    const row = known?.row ?? this.makeRow(conversation);
    fillRow(/** @type {HTMLElement} */ (row.firstElementChild), content);
    this.#rows.set(conversation.key, { row, shows });
    return row;
  }

  /** @param {any} conversation */
  makeRow(conversation) {
    const open = (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.page.openConversation(conversation.peer);
    };
    return h("li", null, h("a", { class: "row", href: this.page.linkTo(conversation.peer), dataset: { key: conversation.key }, on: { click: open } }));
  }

  showCurrent() {
    const current = this.page.conversation?.key;
    for (const [key, { row }] of this.#rows) {
      const link = /** @type {HTMLElement} */ (row.firstElementChild);
      if (key !== current) link.removeAttribute("aria-current");
      else if (!link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        row.scrollIntoView({ block: "nearest" });
      }
    }
  }

  renderRequests() {
    const { in: people, joins } = this.page.model.requests;
    const all = [...people, ...joins];
    const now = JSON.stringify(all);
    if (now === this.#requested) return;
    this.#requested = now;
    const cards = all.map((request) => Object.assign(document.createElement("request-card"), { page: this.page, request }));
    this.requests?.replaceChildren(...(all.length > 0 ? [h("h2", { class: "label" }, t("list.requests"))] : []), ...cards);
    if (this.requests) this.requests.hidden = all.length === 0;
  }

  /** @param {boolean} none @param {string} wanted */
  renderEmpty(none, wanted) {
    const empty = /** @type {HTMLElement} */ (this.empty);
    empty.hidden = !none;
    const shows = none ? `${Boolean(wanted)}` : "";
    if (empty.dataset.shows === shows) return;
    empty.dataset.shows = shows;
    empty.replaceChildren(...(none ? this.whatToDo(Boolean(wanted)) : []));
  }

  /** @param {boolean} filtered */
  whatToDo(filtered) {
    const { page } = this;
    if (filtered)
      return [
        h("p", null, t("list.no-match")),
        h("button", { type: "button", on: { click: () => page.openPanel("find") } }, icon("find"), t("panel.find")),
      ];
    return [
      h("h2", null, t("list.empty")),
      h("p", { class: "muted" }, t("list.empty-hint")),
      h("button", { type: "button", class: "primary", on: { click: () => page.openPanel("find") } }, icon("find"), t("panel.find")),
      h("button", { type: "button", on: { click: () => page.openPanel("new-group") } }, icon("group"), t("panel.new-group")),
      page.info.demo
        ? h("button", { type: "button", on: { click: () => page.openConversation({ user: "echo" }) } }, icon("send"), t("list.write-echo"))
        : null,
    ].filter((each) => each !== null);
  }

  /** @param {KeyboardEvent} event */
  filterKey(event) {
    const filter = /** @type {HTMLInputElement} */ (this.filter);
    const first = /** @type {HTMLElement | null | undefined} */ (this.list?.querySelector("a"));
    if (event.isComposing) return;
    if (event.key === "Escape" && filter.value) {
      filter.value = "";
      this.render();
    } else if (event.key === "ArrowDown" && !event.altKey) first?.focus();
    else if (event.key === "Enter") first?.click();
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  listKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = /** @type {HTMLElement[]} */ ([...(this.list?.querySelectorAll("a") ?? [])]);
    const at = rows.indexOf(/** @type {any} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) this.filter?.focus();
    else rows[to]?.focus();
  }
}
customElements.define("conversation-list", ConversationList);

/** @param {any} conversation @param {string} wanted */
function matches(conversation, wanted) {
  return [conversation.title, conversation.name, conversation.key].some((text) => text?.toLocaleLowerCase().includes(wanted));
}

/**
 * The content of a row.
 * @param {import("../app/main.js").Page} page
 * @param {any} c
 */
function rowContent(page, c) {
  const group = "group" in c.peer;
  const open = page.conversation?.key === c.key;
  return {
    id: group ? c.peer.group : c.peer.user,
    title: c.title,
    picture: c.avatar,
    group,
    online: group ? undefined : Boolean(c.online),
    time: c.last_ms ? listTime(c.last_ms) : "",
    unread: open && !document.hidden ? 0 : c.unread,
    mentions: open && !document.hidden ? 0 : c.mentions,
    muted: c.muted_until > Date.now(),
    ...preview(page, c, group, open),
  };
}

/**
 * The line under the name: the people who type, the draft, or the last text.
 * @param {import("../app/main.js").Page} page
 * @param {any} c
 * @param {boolean} group
 * @param {boolean} open
 */
function preview(page, c, group, open) {
  if (c.typing.length > 0) return { how: "typing", by: "", text: t("list.types") };
  if (c.draft && !open) return { how: "draft", by: t("list.draft"), text: shortened(c.draft) };
  if (!c.last) return { how: "", by: "", text: "" };
  const text = shortened(itemText(page, c, c.last));
  if (c.last.kind !== "text") return { how: "notice", by: "", text };
  if (c.last.mine) return { how: c.last.state ?? "", by: t("list.you"), text };
  const by = group ? page.model.people.get(c.last.by)?.title ?? c.last.by : "";
  return { how: "", by, text };
}

/** @param {string} text */
function shortened(text) {
  return [...text.slice(0, 2 * PREVIEW_LENGTH)].slice(0, PREVIEW_LENGTH).join("").replace(/\s+/g, " ");
}

/** @param {HTMLElement} link @param {ReturnType<typeof rowContent>} what */
function fillRow(link, what) {
  const { unread, mentions } = what;
  link.classList.toggle("unread", unread > 0);
  link.replaceChildren(
    avatar(what),
    h(
      "span",
      { class: "grow" },
      h(
        "span",
        { class: "top" },
        h("bdi", { class: "line name grow" }, what.title),
        what.online ? h("span", { class: "visually-hidden" }, t("shell.online")) : null,
        what.muted ? h("span", { class: "mark", title: t("list.quiet") }, icon("bell-off"), h("span", { class: "visually-hidden" }, t("list.quiet"))) : null,
        h("time", { class: "small muted" }, what.time),
      ),
      h(
        "span",
        { class: "top" },
        h(
          "span",
          { class: `line small grow ${what.how}` },
          what.by ? [h("bdi", { class: "by" }, what.by), ": "] : null,
          h("bdi", null, what.text),
        ),
        mentions > 0 ? h("span", { class: "badge mention", title: t("list.mentions", { count: mentions }) }, "@") : null,
        unread > 0
          ? h(
              "span",
              { class: what.muted ? "badge silent" : "badge" },
              h("span", { "aria-hidden": "true" }, unread > 99 ? "99+" : unread),
              h("span", { class: "visually-hidden" }, t("list.unread", { count: unread })),
            )
          : null,
      ),
    ),
  );
}
