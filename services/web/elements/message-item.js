/**
 * One line of a conversation: a text with all that belongs to it, a notice, a day, "new". It is
 * drawn again only if its row has changed.
 * @module
 */
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { fileText, itemText } from "../app/notice.js";
import { clockTime, dayName, fullTime } from "../app/time.js";
import { fileKey, fileNode, isUploading, showTransfer, transferNode } from "./message-file.js";
import { folded, textNodes } from "./message-text.js";
import { avatar, hueOf } from "./person-avatar.js";
import { idOf, why } from "./people-parts.js";

const MARKS = { waiting: "clock", stored: "check", arrived: "checks", read: "checks" };
const QUOTE_CHARACTERS = 160;
/** Refusals that no further try mends. */
const FINAL = new Set(["bytes_lost", "unreadable", "file_too_large"]);
let numbers = 0;

/** @typedef {import("./message-rows.js").Row} Row */

export class MessageItem extends HTMLElement {
  /** @type {any} */
  page;
  /** @type {any} */
  conversation;
  /** @type {Row} */
  row = { key: "", kind: "day" };
  #stamp = "";
  #msg = "";
  #all = false;
  /** @type {{key: string, node: HTMLElement}|null} the picture stays while the rest is drawn again */ #file = null;
  #number = ++numbers;

  /**
   * Shows a row, if it differs from the one shown.
   * @param {Row} row
   */
  show(row) {
    const { item } = row;
    this.row = row;
    const stamp = item
      ? JSON.stringify([
          row.kind, row.first, row.last, item.state, item.edited_ms, item.recalled, item.reactions, item.cid,
          item.time_ms, item.reply, item.mentions, item.error?.word, item.name, item.kind === "text" && this.#picture(item),
          fileKey(item.file), isUploading(item), this.#friendship(item),
          row.kind === "notice" && itemText(this.page, this.conversation, item),
        ])
      : JSON.stringify([row.kind, row.time_ms]);
    if (item?.sent) showTransfer(this.querySelector(".transfer"), item);
    if (stamp === this.#stamp && (item?.msg ?? "") === this.#msg) return false;
    this.#stamp = stamp;
    this.#msg = item?.msg ?? "";
    this.#draw();
    return true;
  }

  /** Whether the arrow keys stop here. */
  get reachable() {
    return this.row.kind === "text" || this.row.kind === "notice";
  }

  /** @param {any} item */
  #picture(item) {
    return this.conversation.group && !item.mine ? this.page.model.people.get(item.by).avatar : "";
  }

  /** @param {string} id */
  #name(id) {
    return this.page.model.nameIn(this.conversation, id);
  }

  #draw() {
    const { row } = this;
    const { item } = row;
    const held = this.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.part : null;
    this.className = row.kind;
    if (row.kind === "text") this.#drawText(item);
    else if (row.kind === "day") this.replaceChildren(h("span", null, dayName(row.time_ms ?? 0)));
    else if (row.kind === "new") this.replaceChildren(h("span", null, t("thread.new")));
    else this.replaceChildren(h("span", { dir: "auto" }, itemText(this.page, this.conversation, item)));
    if (this.reachable) {
      this.setAttribute("role", "article");
      if (!this.hasAttribute("tabindex")) this.tabIndex = -1;
    } else this.setAttribute("role", "separator");
    if (!this.reachable) this.setAttribute("aria-label", this.textContent ?? "");
    if (!held) return;
    const part = /** @type {HTMLElement|null} */ (this.querySelector(`[data-part="${CSS.escape(held)}"]`));
    (part ?? this).focus({ preventScroll: true });
  }

  /** @param {any} item */
  #drawText(item) {
    const { row } = this;
    const group = "group" in this.conversation.peer;
    const me = this.page.model.me.user;
    const mentioned = !item.mine && (item.mentions === "all" || item.mentions?.includes(me));
    for (const [name, on] of Object.entries({
      own: item.mine, first: row.first, last: row.last, mentioned, recalled: item.recalled,
      refused: item.state === "refused", bare: !item.recalled && !item.reply && !item.file && onlyEmoji(item.msg),
      "with-file": item.file, sticker: item.file?.kind === "sticker" && !item.msg && !item.reply,
    }))
      this.classList.toggle(name, Boolean(on));
    const { name } = item;
    const id = `message-${this.#number}`;
    const author = h("div", { class: group && !item.mine && row.first ? "author" : "visually-hidden", id: `${id}-by` },
      item.mine ? t("thread.you") : h("bdi", null, name));
    if (group && !item.mine) author.style.setProperty("--hue", String(hueOf(item.by)));
    this.setAttribute("aria-labelledby", `${id}-by ${item.file ? `${id}-file ` : ""}${id}-text ${id}-meta`);
    this.replaceChildren(
      ...[
        group && !item.mine && (row.last ? avatar({ id: item.by, title: name, picture: this.#picture(item), size: "small" }) : h("span", { class: "no-avatar" })),
        h("div", { class: "column" },
          author,
          h("div", { class: "bubble", dir: "auto" },
            item.reply && !item.recalled && this.#quote(item),
            this.#fileOf(item, `${id}-file`),
            h("span", { class: "words", id: `${id}-text` }, this.#words(item)),
            this.#more(item),
            this.#meta(item, `${id}-meta`)),
          this.#reactions(item),
          item.state === "refused" && this.#refusal(item)),
      ].filter((part) => part instanceof Node),
    );
  }

  /** @param {any} item @param {string} id */
  #fileOf(item, id) {
    const key = fileKey(item.file);
    if (!key) this.#file = null;
    else if (this.#file?.key !== key) this.#file = { key, node: fileNode(this.page, item, id) };
    if (!this.#file || !isUploading(item)) return this.#file?.node;
    const transfer = transferNode(item);
    showTransfer(transfer, item);
    return [this.#file.node, transfer];
  }

  /** @param {any} item */
  #words(item) {
    if (item.recalled) return [t(item.mine ? "thread.recalled-own" : "thread.recalled")];
    const text = (!this.#all && folded(item.msg)) || item.msg;
    return textNodes(text, mentionedNames(this.page, this.conversation, item.mentions));
  }

  /** @param {any} item */
  #more(item) {
    if (item.recalled || folded(item.msg) === null) return null;
    const toggle = () => {
      this.#all = !this.#all;
      this.#draw();
    };
    return h("button", { type: "button", class: "quiet unfold", "data-part": "unfold", "aria-expanded": String(this.#all), on: { click: toggle } },
      t(this.#all ? "thread.less" : "thread.all"));
  }

  /** @param {any} item @param {string} id */
  #meta(item, id) {
    const state = item.mine && !item.recalled ? item.state ?? "stored" : null;
    return h("span", { class: "meta", dir: "ltr", id },
      item.edited_ms && !item.recalled ? h("span", { class: "edited", title: clockTime(item.edited_ms) }, t("thread.edited")) : null,
      h("time", { datetime: new Date(item.time_ms).toISOString(), title: fullTime(item.time_ms) }, clockTime(item.time_ms)),
      state && state !== "refused"
        ? h("span", { class: `mark ${state}`, title: t(`thread.state.${state}`) },
            icon(MARKS[/** @type {keyof MARKS} */ (state)] ?? "check"),
            h("span", { class: "visually-hidden" }, t(`thread.state.${state}`)))
        : null);
  }

  /** @param {any} item */
  #quote(item) {
    const { cid, by, msg, file } = item.reply;
    const words = msg == null ? t("thread.quote-unknown") : msg === "" && !file ? t("thread.recalled") : cut(fileText({ msg, file }), QUOTE_CHARACTERS);
    return h("button", { type: "button", class: "quote", dir: "auto", "data-act": "quote", "data-cid": cid, "data-part": "quote" },
      by ? h("bdi", { class: "author" }, by === this.page.model.me.user ? t("thread.you") : this.#name(by)) : null,
      h("span", { class: "line", dir: "auto" }, words));
  }

  /** @param {any} item */
  #reactions(item) {
    if (item.recalled || !item.reactions?.length) return null;
    return h("div", { class: "reactions" },
      item.reactions.map((/** @type {any} */ one) =>
        h("button", {
          type: "button", class: "chip", "data-act": "react", "data-emoji": one.emoji, "data-part": `react ${one.emoji}`,
          "aria-pressed": String(Boolean(one.mine)), "aria-label": t("thread.reaction", { emoji: one.emoji, count: one.count }),
        }, h("bdi", null, one.emoji), h("span", { class: "count" }, one.count))));
  }

  /**
   * How far the two are, if the text was refused since they are not friends.
   * @param {any} item
   * @returns {"strangers"|"asked"|"friends"|null}
   */
  #friendship(item) {
    const { user } = this.conversation.peer;
    const { model } = this.page;
    if (!user || item.error?.word !== "strangers") return null;
    if (model.people.get(user).friend) return "friends";
    return model.requests.out.some((/** @type {any} */ each) => idOf(each) === user) ? "asked" : "strangers";
  }

  /** @param {any} item */
  #refusal(item) {
    /** @param {string} act @param {string} label */
    const act = (act, label) => h("button", { type: "button", class: "quiet", "data-act": act, "data-part": act }, t(label));
    const friendship = this.#friendship(item);
    return h("div", { class: "refusal", role: "alert" },
      friendship === "friends"
        ? h("span", null, t("thread.friends-now"))
        : h("span", { class: "error" }, icon("warn"), " ", why(item.error)),
      friendship === "asked" ? h("span", { class: "muted" }, t("people.asked")) : null,
      h("span", { class: "choices" },
        friendship === "strangers" ? act("befriend", "people.befriend") : null,
        FINAL.has(item.error?.word) ? null : act("again", item.file ? "file.again" : "thread.again"),
        item.file ? null : act("rewrite", "thread.rewrite"), act("discard", "thread.discard")));
  }
}
customElements.define("message-item", MessageItem);

/**
 * The beginning of a text, not ending within a character.
 * @param {string} text
 * @param {number} max
 */
export function cut(text, max) {
  if (text.length <= max) return text;
  return `${text.slice(0, max).replace(/[\ud800-\udbff]$/, "")}…`;
}

/**
 * Whether a text is up to three pictures and nothing else: those are shown large.
 * @param {string} text
 */
function onlyEmoji(text) {
  return text.length <= 24 && /^(?:\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})*\s?){1,3}$/u.test(text);
}

/**
 * The word behind an `@` where somebody is mentioned: the name, or the id.
 * @param {any} page
 * @param {any} conversation
 * @param {string[]|"all"|null|undefined} mentions
 * @returns {import("./message-text.js").Mentioned[]}
 */
function mentionedNames(page, conversation, mentions) {
  if (!mentions) return [];
  if (mentions === "all") return ["all", t("thread.all-members")].map((name) => ({ name, me: true }));
  return mentions.flatMap((id) => {
    const me = id === page.model.me.user;
    const names = [page.model.nameIn(conversation, id), page.model.people.get(id).name, id];
    return [...new Set(names.filter(Boolean))].map((name) => ({ name, me }));
  });
}
