/**
 * The field that texts are written in: new ones, replies, and changes of own ones.
 * @module
 */
import { button, h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { setting } from "../app/settings.js";
import { fullTime } from "../app/time.js";
import { Composition, matching, mentionAt } from "./composing.js";
import { fileText } from "../app/notice.js";
import { byteLength, LIMITS, wellFormed } from "../parley.js";
import { allowed } from "./message-actions.js";
import { cut } from "./message-item.js";
import "./file-tray.js";
import "./mention-list.js";
import "./sticker-picker.js";
import { why } from "./people-parts.js";

/* From here on the field shows how many bytes are left. */
const NEAR_BYTES = 5_000;
const DRAFT_MS = 400;
const TYPING_MS = 3000;
const CHOICES_MAX = 8;
const MENTIONS_MAX = 50;
const QUOTE_CHARACTERS = 120;

export class TextComposer extends HTMLElement {
  /** @type {any} */ page;
  /** @type {any} */ conversation;
  /** @type {any} */ #reply = null;
  /** @type {any} */ #editing = null;
  /* The field's content before an edit began. */
  #aside = "";
  /* Names that were taken from the list, and whom they mean. @type {Map<string, string>} */
  #mentioned = new Map();
  #composition = new Composition();
  #draftTimer = 0;
  #typed_ms = -TYPING_MS;
  #asked = 0;
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    const name = `\u2068${this.conversation.title}\u2069`;
    this.field = h("textarea", {
      rows: 1, dir: "auto", "aria-label": t("thread.write-to", { name }), placeholder: t("thread.write"), enterkeyhint: this.#enterSends ? "send" : "enter",
      autocomplete: "off", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": "mentions",
    });
    this.mentions = /** @type {import("./mention-list.js").MentionList} */ (document.createElement("mention-list"));
    this.bar = h("div", { class: "bar", hidden: true });
    this.counter = h("span", { class: "counter small", role: "status", hidden: true });
    this.sendButton = button({ icon: "send", label: t("thread.send"), class: "primary send", on: () => this.#send() });
    this.tray = /** @type {import("./file-tray.js").FileTray} */ (Object.assign(document.createElement("file-tray"), { page: this.page, conversation: this.conversation }));
    this.stickerButton = button({ icon: "sticker", label: t("file.stickers"), class: "stickers", on: () => this.#toggleStickers() });
    this.stickerButton.setAttribute("aria-expanded", "false");
    this.form = h("div", { class: "field-row" },
      button({ icon: "attach", label: t("file.choose"), class: "attach", on: () => this.tray?.choose() }),
      this.field, this.counter, this.stickerButton, this.sendButton);
    this.reason = h("p", { class: "reason muted", hidden: true });
    this.replaceChildren(this.mentions, this.bar, this.tray, this.form, this.reason);
    this.tray.listen(this.field, this.parentElement ?? this, () => !this.form?.hidden, signal);
    this.tray.addEventListener("change", () => {
      this.#shape();
      if (!this.tray?.isEmpty) this.focus();
    });

    const { model } = this.page;
    for (const name of ["conversations", "members", "items", "requests", "person"]) model.addEventListener(name, () => this.#allow(), { signal });
    this.parentElement?.addEventListener("compose", (event) => this.#compose(/** @type {CustomEvent} */ (event).detail), { signal });
    this.mentions.addEventListener("pick", (event) => this.#mention(/** @type {CustomEvent} */ (event).detail));
    this.field.addEventListener("compositionstart", () => this.#composition.start());
    this.field.addEventListener("compositionend", (/** @type {CompositionEvent} */ event) => {
      this.#composition.end(event.timeStamp);
      this.#changed();
    });
    this.field.addEventListener("keyup", () => this.#composition.settle());
    this.field.addEventListener("blur", () => {
      this.#composition.settle();
      this.mentions?.show([]);
    });
    this.field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("selectionchange", () => this.#suggest());
    // The draft first, then the page saves its own state.
    window.addEventListener("pagehide", () => this.#keepDraft(), { signal, capture: true });
    this.#set(this.conversation.draft ?? "");
    this.#allow();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#keepDraft();
  }

  focus() {
    this.field?.focus();
  }

  get #text() {
    return this.field?.value ?? "";
  }

  get #enterSends() {
    const wanted = setting("enter") ?? "auto";
    return wanted === "send" || (wanted !== "break" && !matchMedia("(pointer: coarse)").matches);
  }

  /** @param {string} text */
  #set(text) {
    if (!this.field) return;
    this.field.value = text;
    this.field.setSelectionRange(text.length, text.length);
    this.#shape();
  }

  /** The field is as high as its text, and the counter shows near the limit. */
  #shape() {
    const { field, counter, sendButton } = this;
    if (!field || !counter || !sendButton) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
    // A character has three bytes at most for each unit of its length: short texts need no counting.
    const bytes = field.value.length * 3 > LIMITS.text_bytes - NEAR_BYTES ? byteLength(wellFormed(field.value)) : 0;
    const left = LIMITS.text_bytes - bytes;
    counter.hidden = left > NEAR_BYTES;
    counter.textContent = counter.hidden ? "" : left >= 0 ? t("thread.left", { count: left }) : t("thread.over", { count: -left });
    counter.classList.toggle("error", left < 0);
    field.setAttribute("aria-invalid", String(left < 0));
    sendButton.disabled = left < 0 || (field.value.trim() === "" && (this.#editing !== null || this.tray?.isEmpty !== false));
  }

  #changed() {
    this.#shape();
    this.#suggest();
    if (this.#editing) return;
    clearTimeout(this.#draftTimer);
    this.#draftTimer = window.setTimeout(() => this.#keepDraft(), DRAFT_MS);
    const now_ms = performance.now();
    if (this.#text.trim() === "" || now_ms - this.#typed_ms < TYPING_MS) return;
    this.#typed_ms = now_ms;
    // Nobody minds if this one is lost.
    void this.page.parley.typing(this.conversation.peer)?.catch?.(() => {});
  }

  #keepDraft() {
    clearTimeout(this.#draftTimer);
    const draft = this.#editing ? this.#aside : this.#text;
    if (draft !== (this.conversation.draft ?? "")) this.page.model.setDraft(this.conversation, draft);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.#composition.owns(event)) return;
    if (this.mentions?.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      this.#describe();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (this.#enterSends || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) void this.#send();
    } else if (event.key === "Escape" && (this.#editing || this.#reply)) {
      event.preventDefault();
      event.stopPropagation();
      this.#leave();
    } else if (event.key === "ArrowUp" && this.#text === "" && !this.#editing && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const last = this.conversation.items.findLast((/** @type {any} */ item) => item.kind === "text" && item.mine && item.cid !== null && !item.recalled);
      if (!last || !allowed(this.page, this.conversation, last).edit) return;
      event.preventDefault();
      this.#compose({ edit: last });
    }
  }

  async #send() {
    const msg = wellFormed(this.#text).replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
    const empty = msg.trim() === "" && (this.#editing || this.tray?.isEmpty !== false);
    if (empty || byteLength(msg) > LIMITS.text_bytes || this.form?.hidden) return;
    const { model } = this.page;
    if (this.#editing) {
      const item = this.#editing;
      this.#leave();
      try {
        if (msg !== item.msg) await model.edit(item, msg);
      } catch (error) {
        this.page.announce(why(error));
        // Nothing that was written is lost.
        if (this.isConnected && this.#text === "") this.#set(msg);
      }
      return;
    }
    const ids = [...this.#mentioned].filter(([name]) => msg.includes(`@${name}`)).map(([, id]) => id);
    const mentions = ids.includes("all") ? "all" : [...new Set(ids)].slice(0, MENTIONS_MAX);
    const reply = this.#reply?.cid;
    const files = this.tray?.take() ?? [];
    this.#mentioned.clear();
    this.#leave();
    this.#set("");
    this.#keepDraft();
    this.#typed_ms = -TYPING_MS;
    this.field?.focus();
    let unsent = msg;
    try {
      // Before the list goes to its end, which may wait for the server: nothing else has the text now.
      model.send(this.conversation, { msg, ...(reply != null && { reply }), ...(mentions.length > 0 && { mentions }), ...(files[0] && { file: files[0] }) });
      unsent = "";
      // The first file has the words; each is a text of its own.
      for (files.shift(); files.length > 0; files.shift()) model.send(this.conversation, { file: files[0] });
    } catch (error) {
      this.page.announce(why(error));
      this.tray?.giveBack(files);
      if (this.isConnected && this.#text === "") this.#set(unsent);
      return;
    }
    const list = /** @type {any} */ (this.parentElement?.querySelector("message-list"));
    await list?.sent();
  }

  #toggleStickers() {
    const { stickerButton } = this;
    const open = this.querySelector("sticker-picker");
    const leave = () => {
      this.querySelector("sticker-picker")?.remove();
      stickerButton?.setAttribute("aria-expanded", "false");
      stickerButton?.focus();
    };
    if (open) return leave();
    const picker = Object.assign(document.createElement("sticker-picker"), { page: this.page });
    picker.addEventListener("leave", leave);
    picker.addEventListener("pick", (/** @type {any} */ { detail: file }) => {
      leave();
      this.#sendSticker(file);
    });
    stickerButton?.setAttribute("aria-expanded", "true");
    this.prepend(picker);
  }

  /** @param {any} file */
  #sendSticker(file) {
    const reply = this.#editing ? undefined : this.#reply?.cid;
    if (this.#reply) this.#leave();
    try {
      this.page.model.send(this.conversation, { file, ...(reply != null && { reply }) });
    } catch (error) {
      this.page.announce(why(error));
    }
    void (/** @type {any} */ (this.parentElement?.querySelector("message-list"))?.sent());
  }

  /** @param {{reply?: any, edit?: any, rewrite?: any}} what */
  #compose({ reply, edit, rewrite }) {
    if (this.form?.hidden) return;
    this.#leave();
    if (reply) this.#reply = reply;
    else if (edit) {
      this.#aside = this.#text;
      this.#editing = edit;
      this.#set(edit.msg);
    } else if (rewrite) {
      // A refused text goes back into the field, in front of its content.
      this.#set([rewrite.msg, this.#text].filter(Boolean).join("\n"));
      this.page.model.discard(rewrite);
    }
    this.#draw();
    this.field?.focus();
  }

  /** Ends a reply or an edit. */
  #leave() {
    const { field } = this;
    if (this.#editing) this.#set(this.#aside);
    this.#aside = "";
    this.#editing = null;
    this.#reply = null;
    this.#draw();
    if (field) field.scrollTop = field.scrollHeight;
  }

  /** The bar above the field: the text that is being answered or changed. */
  #draw() {
    const { bar } = this;
    const item = this.#editing ?? this.#reply;
    if (!bar) return;
    bar.hidden = !item;
    this.classList.toggle("editing", Boolean(this.#editing));
    if (!item) return bar.replaceChildren();
    const by = item.mine ? t("thread.yourself") : item.name;
    bar.replaceChildren(
      icon(this.#editing ? "edit" : "reply"),
      h("div", { class: "grow" },
        h("div", { class: "small label" }, this.#editing ? t("thread.editing") : t("thread.replying", { name: `\u2068${by}\u2069` })),
        h("div", { class: "line muted", dir: "auto" }, cut(fileText(item), QUOTE_CHARACTERS))),
      button({ icon: "close", label: t(this.#editing ? "thread.edit-leave" : "thread.reply-leave"), on: () => { this.#leave(); this.focus(); } }),
    );
  }

  /** Whether one may write here at all; where not, the reason takes the field's place. */
  #allow() {
    const { conversation, form, reason, page } = this;
    if (!form || !reason) return;
    const { user } = conversation.peer;
    const until_ms = conversation.muted_ms ?? 0;
    let why = "";
    if (!user && conversation.member === false) why = t("thread.not-member");
    else if (user === "SYSTEM" || user === page.model.me.user) why = t("thread.no-answer");
    else if (user && page.model.people.get(user)?.blocked) why = t("thread.you-blocked", { name: `\u2068${conversation.title}\u2069` });
    else if (until_ms > Date.now()) why = t("thread.muted-until", { time: fullTime(until_ms) });
    form.hidden = why !== "";
    reason.hidden = why === "";
    if (reason.textContent !== why) reason.textContent = why;
    if (why) this.mentions?.show([]);
  }

  /** Offers members while an `@` is being written. */
  async #suggest() {
    const { field, mentions, conversation, page } = this;
    const { group } = conversation.peer;
    if (!field || !mentions || !group) return;
    const asked = ++this.#asked;
    const at = field.selectionStart === field.selectionEnd ? mentionAt(field.value, field.selectionEnd) : null;
    if (!at || document.activeElement !== field) {
      if (mentions.open) mentions.show([]);
      return this.#describe();
    }
    /** @type {any[]} */
    let members = [];
    try {
      members = await page.model.members(group);
    } catch {
      return;
    }
    if (asked !== this.#asked) return;
    const people = /** @type {import("./mention-list.js").Choice[]} */ (members
      .filter((member) => member.id !== page.model.me.user)
      .map(({ id, nick, name }) => ({ id, name: nick || name || id, title: page.model.nameIn(conversation, id), picture: page.model.people.get(id).avatar })));
    const role = page.model.role(group);
    if (role === "owner" || role === "administrator")
      people.push({ id: "all", name: t("thread.all-members"), title: t("thread.all-members"), all: true });
    mentions.show(matching(people, at.word, CHOICES_MAX));
    this.#describe();
  }

  #describe() {
    const active = this.mentions?.active;
    if (active) this.field?.setAttribute("aria-activedescendant", active);
    else this.field?.removeAttribute("aria-activedescendant");
  }

  /** @param {import("./mention-list.js").Choice} choice */
  #mention(choice) {
    const { field } = this;
    const at = field && mentionAt(field.value, field.selectionEnd);
    if (!field || !at) return;
    this.#mentioned.set(choice.name, choice.id);
    field.setRangeText(`@${choice.name} `, at.start, field.selectionEnd, "end");
    this.#changed();
  }
}
customElements.define("text-composer", TextComposer);
