/**
 * Looks for words in the open conversation or in all, the newest text first. Goes on while the reader
 * scrolls.
 * @module
 */
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { listTime } from "../app/time.js";
import { why } from "./people-parts.js";

const WAIT_MS = 300;
const WORDS_MIN = 2;
const WORDS_MAX = 64;
/* A request reads a part of the log only. So many empty answers in a row are passed over by themselves. */
const EMPTY_MAX = 5;
const BEFORE_CHARACTERS = 40;
const EXCERPT_CHARACTERS = 180;
/* The document stays small: then the reader had better look for other words. */
const RESULTS_MAX = 500;
/** @type {Record<string, number>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

export class SearchPanel extends HTMLElement {
  /** @type {any} */ page;
  /** @type {any} */ options;
  #timer = 0;
  #asked = 0;
  /** @type {number|undefined} */ #before;
  #more = false;
  #busy = false;
  #everywhere = false;

  connectedCallback() {
    const { conversation } = this.options ?? {};
    this.#everywhere = !conversation;
    this.field = h("input", { type: "search", autofocus: true, maxlength: WORDS_MAX, placeholder: t("thread.search"), "aria-label": t("thread.search"), autocomplete: "off" });
    this.field.addEventListener("input", () => this.#later());
    this.field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && !event.isComposing) this.#begin();
      else if (event.key === "ArrowDown") this.#step(event, null, 1);
    });
    this.scope = h("div", { class: "scope", role: "group", "aria-label": t("thread.search-where") },
      conversation && [this.#choice(false, t("thread.search-here")), this.#choice(true, t("thread.search-all"))]);
    this.status = h("p", { class: "status muted small", role: "status" }, t("thread.search-hint"));
    this.results = h("ol", { class: "results" });
    this.results.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const step = STEPS[event.key];
      if (step) this.#step(event, /** @type {Element} */ (event.target).closest("li"), step);
    });
    this.end = h("div", { class: "end" }, button({ icon: "down", label: t("thread.search-on"), text: true, on: () => this.#next() }));
    this.end.hidden = true;
    this.observer = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && this.#next());
    this.observer.observe(this.end);
    this.replaceChildren(this.field, this.scope, this.status, this.results, this.end);
    this.#scope();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.observer?.disconnect();
    this.#asked++;
  }

  /** @param {boolean} everywhere @param {string} label */
  #choice(everywhere, label) {
    return h("button", { type: "button", dataset: { everywhere }, on: { click: () => {
      this.#everywhere = everywhere;
      this.#scope();
      this.#begin();
    } } }, label);
  }

  #scope() {
    for (const choice of this.scope?.querySelectorAll("button") ?? [])
      choice.setAttribute("aria-pressed", String((choice.dataset.everywhere === "true") === this.#everywhere));
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#begin(), WAIT_MS);
  }

  get #words() {
    return (this.field?.value ?? "").trim();
  }

  #begin() {
    clearTimeout(this.#timer);
    this.#asked++;
    this.#busy = false;
    this.#more = false;
    this.#before = undefined;
    this.results?.replaceChildren();
    if (this.end) this.end.hidden = true;
    if ([...this.#words].length < WORDS_MIN) return this.#say(t("thread.search-hint"));
    this.#more = true;
    void this.#next();
  }

  async #next() {
    if (this.#busy || !this.#more || !this.end || !this.results) return;
    const asked = this.#asked;
    const words = this.#words;
    this.#busy = true;
    this.#say(t("thread.searching"));
    try {
      for (let empty = 0; empty < EMPTY_MAX && this.#more; empty++) {
        const answer = await this.page.parley.search({
          text: words, before: this.#before, ...(!this.#everywhere && { peer: this.options.conversation.peer }),
        });
        if (asked !== this.#asked) return;
        this.#before = answer.before;
        this.#more = answer.more && this.results.children.length < RESULTS_MAX;
        this.results.append(...answer.entries.map((/** @type {any} */ entry) => this.#result(entry, words)));
        if (answer.entries.length > 0) break;
      }
      const count = this.results.children.length;
      this.#say(count > 0 ? t("thread.found", { count }) : this.#more ? t("thread.found-none-yet") : t("thread.found-none"));
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#say(why(error));
    }
    this.#busy = false;
    // Observing anew reports at once if the end is still in view.
    this.end.hidden = !this.#more;
    this.observer?.unobserve(this.end);
    if (this.#more && this.results.children.length > 0) this.observer?.observe(this.end);
  }

  /** @param {any} entry @param {string} words */
  #result(entry, words) {
    const { model } = this.page;
    const by = entry.mine ? t("thread.you") : model.people.get(entry.by)?.title || entry.by;
    return h("li", null,
      h("button", { type: "button", class: "row result", on: { click: () => this.page.openConversation(entry.peer, { cid: entry.cid }) } },
        h("span", { class: "grow" },
          h("span", { class: "head small" },
            h("bdi", { class: "line by" }, by),
            this.#everywhere && h("bdi", { class: "line muted" }, model.conversation(entry.peer).title),
            h("time", { class: "muted", datetime: new Date(entry.time_ms).toISOString() }, listTime(entry.time_ms))),
          h("span", { class: "excerpt", dir: "auto" }, excerpt(entry.msg, words)))));
  }

  /** @param {string} words */
  #say(words) {
    if (this.status) this.status.textContent = words;
  }

  /** @param {KeyboardEvent} event @param {Element|null} from @param {number} step */
  #step(event, from, step) {
    const next = from ? (step > 0 ? from.nextElementSibling : from.previousElementSibling) : this.results?.firstElementChild;
    event.preventDefault();
    const target = next?.querySelector("button") ?? (step < 0 ? this.field : null);
    target?.focus();
  }
}
customElements.define("search-panel", SearchPanel);

/**
 * The part of a text around the words that were found, with these marked.
 * @param {string} msg @param {string} words
 * @returns {(string|Node)[]}
 */
function excerpt(msg, words) {
  const at = msg.toLocaleLowerCase().indexOf(words.toLocaleLowerCase());
  const start = Math.max(0, at - BEFORE_CHARACTERS);
  const text = msg.slice(start, start + EXCERPT_CHARACTERS).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
  const lead = start > 0 ? "…" : "";
  const tail = start + EXCERPT_CHARACTERS < msg.length ? "…" : "";
  const found = text.toLocaleLowerCase().indexOf(words.toLocaleLowerCase());
  if (at < 0 || found < 0) return [lead + text + tail];
  return [lead + text.slice(0, found), h("mark", null, text.slice(found, found + words.length)), text.slice(found + words.length) + tail];
}
