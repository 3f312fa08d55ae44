/**
 * The texts of a conversation. The document holds the model's window of items only (300 at most): more is
 * loaded at either end while the reader scrolls, who stays where they are.
 * Fires `compose` {reply|edit|rewrite: item} for the field below.
 * @module
 */
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { MessageItem } from "./message-item.js";
import { rowsOf } from "./message-rows.js";
import { ScrollPlace } from "./scroll-place.js";
import { befriend, why } from "./people-parts.js";
import { allowed } from "./message-actions.js";

/* Further items are loaded before the reader reaches the end of those that are here. */
const AHEAD_PX = 1500;
const LONG_PRESS_MS = 450;
const SLIP_PX = 10;

export class MessageList extends HTMLElement {
  /** @type {any} */
  page;
  /** @type {any} */
  conversation;
  /** @type {Map<string, MessageItem>} */ #lines = new Map();
  /** @type {AbortController} */ #life = new AbortController();
  /** @type {string|null} */ #current = null;
  #placed = false;
  #lookedForNew = false;
  #loading = "";
  #newestSeen = 0;
  #missed = 0;
  #scheduled = false;
  #press = 0;

  connectedCallback() {
    const { model } = this.page;
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.log = h("div", { class: "lines", role: "log", "aria-label": t("thread.log") });
    this.actions = /** @type {import("./message-actions.js").MessageActions} */ (document.createElement("message-actions"));
    Object.assign(this.actions, { page: this.page, conversation: this.conversation });
    this.start = h("div", { class: "start muted" });
    this.scroller = h("div", { class: "scroller" }, this.start, this.log, this.actions);
    this.count = h("span", { class: "badge", hidden: true });
    this.newest = button({ icon: "down", label: t("thread.newest"), class: "newest", on: () => this.#toNewest() });
    this.newest.append(this.count);
    this.newest.hidden = true;
    this.replaceChildren(this.scroller, this.newest);
    this.place = new ScrollPlace(this.scroller, this.log);

    model.addEventListener("items", (/** @type {any} */ event) => event.detail.conversation === this.conversation && this.#schedule(), { signal });
    for (const event of ["person", "requests"]) model.addEventListener(event, () => this.#schedule(), { signal });
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    document.addEventListener("visibilitychange", () => this.#saw(), { signal });
    window.addEventListener("focus", () => this.#saw(), { signal });
    window.addEventListener("resize", () => this.actions?.place(), { signal });
    this.actions.addEventListener("act", (/** @type {any} */ event) => this.#act(event.detail), { signal });
    this.log.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#click(event), { signal });
    this.log.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event), { signal });
    this.log.addEventListener("focusin", (/** @type {FocusEvent} */ event) => this.#focused(event), { signal });
    this.#pointer(signal);
    this.#draw();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.place?.stop();
    clearTimeout(this.#press);
    this.#lines.clear();
    this.#placed = false;
  }

  /** Goes to the text that the keyboard was at last, or to the newest. */
  focus() {
    const line = this.#lines.get(this.#current ?? "") ?? this.#reachable().at(-1);
    line?.focus();
  }

  /**
   * Shows a text, and loads those around it if it is far away.
   * @param {number} cid
   */
  async jumpTo(cid) {
    this.#placed = true;
    if (!this.#lineOf(cid)) {
      try {
        await this.page.model.loadAround(this.conversation, cid);
      } catch (error) {
        this.page.announce(why(error));
        return;
      }
      this.#draw();
    }
    const line = this.#lineOf(cid);
    if (!line) return this.page.announce(t("thread.not-found"));
    const { scroller, place } = this;
    if (!scroller || !place) return;
    place.atEnd = false;
    line.scrollIntoView({ block: "center" });
    place.keepAt(line);
    line.classList.remove("found");
    void line.offsetWidth;
    line.classList.add("found");
    line.addEventListener("animationend", () => line.classList.remove("found"), { once: true });
    line.focus({ preventScroll: true });
  }

  /** @param {number} cid */
  #lineOf(cid) {
    const item = this.conversation.items.find((/** @type {any} */ one) => one.cid === cid);
    return item && this.#lines.get(item.key);
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden tab draws no frames, and its texts should be there when it is shown.
    const draw = () => {
      this.#scheduled = false;
      if (this.isConnected) this.#draw();
    };
    if (document.hidden) setTimeout(draw);
    else requestAnimationFrame(draw);
  }

  /** Makes the document's lines those of the model; only changed ones are touched. */
  #draw() {
    const { conversation, log, place, scroller, start } = this;
    if (!log || !place || !scroller || !start) return;
    const rows = rowsOf(conversation.items, conversation.firstNew, conversation.atStart);
    const newest = conversation.items.at(-1);
    const wasThere = this.#lines.has(newest?.key ?? "");
    if (this.#placed) place.keep();
    this.#greet(start);

    // Lines that are loaded from history are not spoken.
    const news = this.#placed && place.atEnd && !this.#loading;
    log.setAttribute("aria-busy", String(!news));
    this.#put(rows, log);
    place.ends = conversation.atEnd || conversation.following;

    if (!this.#placed && conversation.items.length > 0) {
      if (this.#newIsFar) {
        if (!this.#loading) void this.#load("loadAround");
        return;
      }
      this.#first();
    } else {
      if (newest && !wasThere && newest.mine && newest.cid == null) place.atEnd = true;
      place.restore();
    }
    this.#keep();
    this.#tally();
    if (!this.actions?.hidden) {
      if (this.actions?.target?.isConnected) this.actions.follow();
      else this.actions?.close();
    }
    this.#more();
    this.#saw();
  }

  /** @param {import("./message-rows.js").Row[]} rows @param {HTMLElement} log */
  #put(rows, log) {
    const keys = new Set(rows.map((row) => row.key));
    const held = log.contains(document.activeElement) ? this.#current : null;
    for (const [key, line] of this.#lines)
      if (!keys.has(key)) {
        line.remove();
        this.#lines.delete(key);
      }
    let next = log.firstElementChild;
    for (const row of rows) {
      let line = this.#lines.get(row.key);
      if (!line) {
        line = new MessageItem();
        line.page = this.page;
        line.conversation = this.conversation;
        this.#lines.set(row.key, line);
      }
      line.show(row);
      if (line === next) next = line.nextElementSibling;
      else log.insertBefore(line, next);
    }
    const reachable = this.#reachable();
    if (reachable.length > 0 && !this.#lines.has(this.#current ?? "")) {
      this.#point(reachable[reachable.length - 1]);
      if (held) this.focus();
    }
  }

  /**
   * The line above the first text.
   * @param {HTMLElement} start
   */
  #greet(start) {
    const { conversation } = this;
    const words = !conversation.atStart
      ? conversation.items.length > 0 || this.#loading ? t("thread.loading") : ""
      : conversation.items.some((/** @type {any} */ item) => item.kind === "text")
        ? t("thread.start")
        : t("group" in conversation.peer ? "thread.empty-group" : "thread.empty", { name: `\u2068${conversation.title}\u2069` });
    if (start.textContent !== words) start.textContent = words;
    start.classList.toggle("empty", conversation.items.length === 0);
  }

  /** Whether the new texts begin before the loaded ones. */
  get #newIsFar() {
    const { firstNew, atStart, items } = this.conversation;
    return !this.#lookedForNew && firstNew != null && !atStart && items[0]?.cid >= firstNew;
  }

  /** Where a conversation opens: at the first new text, else at its end. */
  #first() {
    const { place, scroller } = this;
    if (!place || !scroller) return;
    this.#placed = true;
    const line = this.#lines.get("new");
    scroller.scrollTop = scroller.scrollHeight;
    if (line) {
      const above = line.getBoundingClientRect().top - scroller.getBoundingClientRect().top - scroller.clientHeight / 4;
      if (above < 0) scroller.scrollTop += above;
    }
    place.keep();
    this.#newestSeen = place.atEnd ? this.#newestCid() : this.conversation.read ?? 0;
  }

  #newestCid() {
    return this.conversation.items.findLast((/** @type {any} */ item) => item.cid != null)?.cid ?? 0;
  }

  #scrolled() {
    const { place } = this;
    if (!place || !this.#placed) return;
    this.#keep();
    this.#tally();
    if (!this.actions?.hidden && !this.actions?.pinned) this.actions?.close();
    this.#more();
    this.#saw();
  }

  /** Remembers where the reader is. A reader at the end goes along with it. */
  #keep() {
    const { place, conversation } = this;
    place?.keep();
    if (place && this.#placed) conversation.following = place.atEnd;
  }

  /** Loads the next page where the reader is close to the end of the loaded one. */
  #more() {
    const { conversation, place } = this;
    if (!place || !this.#placed || this.#loading) return;
    if (!conversation.atStart && place.above_px < AHEAD_PX) void this.#load("loadBefore");
    else if (!conversation.atEnd && place.below_px < AHEAD_PX) void this.#load("loadAfter");
  }

  /** @param {"loadBefore"|"loadAfter"|"loadAround"} method of the model; around: where the new texts begin */
  async #load(method) {
    this.#loading = method;
    this.log?.setAttribute("aria-busy", "true");
    let failed = false;
    try {
      await this.page.model[method](this.conversation, ...(method === "loadAround" ? [this.conversation.firstNew] : []));
    } catch {
      // Without a connection the next scrolling, or the next change, tries again.
      failed = true;
    }
    if (method === "loadAround") this.#lookedForNew = true;
    if (this.isConnected) this.#draw();
    this.#loading = "";
    if (!failed) this.#more();
  }

  /** How many new texts are below the visible ones, on the button that goes there. */
  #tally() {
    const { place, conversation, count, newest } = this;
    if (!place || !count || !newest) return;
    const end = place.atEnd && conversation.atEnd;
    if (end) this.#newestSeen = Math.max(this.#newestSeen, this.#newestCid());
    this.#missed = end ? 0 : conversation.items.filter((/** @type {any} */ item) => item.kind === "text" && !item.mine && item.cid > this.#newestSeen).length;
    if (!end && !conversation.atEnd) this.#missed = Math.max(this.#missed, conversation.unread ?? 0);
    newest.hidden = end || !this.#placed;
    count.hidden = this.#missed === 0;
    count.textContent = this.#missed > 99 ? "99+" : String(this.#missed);
    newest.setAttribute("aria-label", this.#missed ? t("thread.newest-count", { count: this.#missed }) : t("thread.newest"));
  }

  /** Reports the texts that have been on the screen of a visible page. */
  #saw() {
    const { place, scroller } = this;
    if (document.hidden || !document.hasFocus() || !place || !scroller || !this.#placed) return;
    let line = place.atEnd ? /** @type {MessageItem|null} */ (this.log?.lastElementChild) : /** @type {MessageItem|null} */ (place.lineAt(scroller.clientHeight - 1));
    while (line && line.row.item?.cid == null) line = /** @type {MessageItem|null} */ (line.previousElementSibling);
    const cid = line?.row.item?.cid;
    if (cid != null && cid > (this.conversation.read ?? 0)) this.page.model.seen(this.conversation, cid);
  }

  async #toNewest() {
    const { conversation, place } = this;
    if (!conversation.atEnd) {
      this.#loading = "loadNewest";
      try {
        await this.page.model.loadNewest(conversation);
      } catch (error) {
        this.page.announce(why(error));
      }
      this.#draw();
      this.#loading = "";
    }
    if (!place) return;
    place.atEnd = true;
    place.restore();
    this.#scrolled();
  }

  /** The field below has sent a text. */
  async sent() {
    await this.#toNewest();
  }

  #reachable() {
    return /** @type {MessageItem[]} */ ([...(this.log?.children ?? [])]).filter((line) => line.reachable);
  }

  /** @param {MessageItem} line */
  #point(line) {
    const before = this.#lines.get(this.#current ?? "");
    if (before) before.tabIndex = -1;
    line.tabIndex = 0;
    this.#current = line.row.key;
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    const line = /** @type {MessageItem|null} */ (/** @type {Element} */ (event.target).closest("message-item"));
    if (line?.reachable) this.#point(line);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const line = /** @type {MessageItem|null} */ (/** @type {Element} */ (event.target).closest("message-item"));
    if (!line || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = this.#reachable();
    const at = all.indexOf(line);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[to]?.focus();
      return;
    }
    const own = event.target === line;
    if ((own && event.key === "Enter") || event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) {
      event.preventDefault();
      this.actions?.open(line, true);
    }
  }

  /**
   * The actions follow a mouse, and appear after a long press on a touch screen.
   * @param {AbortSignal} signal
   */
  #pointer(signal) {
    const { log, actions, scroller } = this;
    if (!log || !actions || !scroller) return;
    /** @param {Event} event */
    const lineOf = (event) => /** @type {MessageItem|null} */ (/** @type {Element} */ (event.target).closest?.("message-item"));
    log.addEventListener("pointerover", (/** @type {PointerEvent} */ event) => {
      const line = lineOf(event);
      if (event.pointerType === "mouse" && line && !actions.pinned && line !== actions.target) {
        if (line.row.kind === "text" && !line.row.item.recalled) actions.open(line, false);
        else actions.close();
      }
    }, { signal });
    scroller.addEventListener("pointerleave", (/** @type {PointerEvent} */ event) => {
      if (event.pointerType === "mouse" && !actions.pinned) actions.close();
    }, { signal });
    let [x, y] = [0, 0];
    const stop = () => clearTimeout(this.#press);
    log.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      stop();
      const line = lineOf(event);
      if (event.pointerType === "mouse" || !line) return;
      [x, y] = [event.clientX, event.clientY];
      this.#press = window.setTimeout(() => actions.open(line, true), LONG_PRESS_MS);
    }, { signal });
    log.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (Math.hypot(event.clientX - x, event.clientY - y) > SLIP_PX) stop();
    }, { signal });
    for (const end of ["pointerup", "pointercancel"]) log.addEventListener(end, stop, { signal });
    log.addEventListener("contextmenu", (/** @type {PointerEvent} */ event) => {
      if (event.pointerType === "touch") event.preventDefault();
    }, { signal });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-act]"));
    const line = /** @type {MessageItem|null} */ (target?.closest("message-item"));
    if (!target || !line) return;
    const { act, cid, emoji } = target.dataset;
    const { item } = line.row;
    if (act === "download") return; // the link does it
    if (act === "quote") void this.jumpTo(Number(cid));
    else if (act === "befriend") void befriend(/** @type {HTMLElement} */ (target.closest(".refusal")), this.page, this.conversation.peer.user);
    else if (act === "react") void this.#act({ act, item, emoji, on: target.getAttribute("aria-pressed") !== "true" });
    else void this.#act({ act, item });
  }

  /** @param {any} what */
  async #act({ act, item, emoji, on }) {
    const { model } = this.page;
    try {
      if (act === "reply" || act === "edit" || act === "rewrite")
        this.dispatchEvent(new CustomEvent("compose", { bubbles: true, detail: { [act]: item } }));
      else if (act === "copy") {
        await navigator.clipboard.writeText(item.msg);
        this.page.announce(t("thread.copied"));
      } else if (act === "view") {
        if (item.file) this.page.viewPicture(item);
      } else if (act === "keep") {
        await this.page.parley.addSticker({ peer: this.conversation.peer, cid: item.cid, mine: item.mine, file: item.file });
        this.page.announce(t("file.kept"));
      } else if (act === "react") {
        if (allowed(this.page, this.conversation, item).talk) await model.react(item, emoji, on);
      } else if (act === "recall") await model.recall(item);
      else if (act === "again") await model.again(item);
      else if (act === "discard") await model.discard(item);
    } catch (error) {
      this.page.announce(why(error));
    }
  }
}
customElements.define("message-list", MessageList);
