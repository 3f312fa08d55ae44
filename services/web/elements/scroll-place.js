/**
 * Keeps the reader's place in a scrolled list while lines are added and removed and heights change: at the end
 * stays at the end, elsewhere the topmost line in view stays where it is, to the pixel.
 * @module
 */

/* Nearer to the end than this counts as at the end. */
const END_PX = 32;

export class ScrollPlace {
  /** @type {HTMLElement} */ #scroller;
  /** @type {HTMLElement} */ #lines;
  /** @type {HTMLElement|null} */ #anchor = null;
  #offset = 0;
  #end = true;
  /** Whether nothing follows the last line; otherwise a reader at that line stays at it. */
  ends = true;
  #observer;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} lines holds the lines, one element each
   */
  constructor(scroller, lines) {
    this.#scroller = scroller;
    this.#lines = lines;
    // Pictures, fonts, folded texts, the keyboard of a phone: heights change by themselves.
    this.#observer = new ResizeObserver(() => this.restore());
    this.#observer.observe(scroller);
    this.#observer.observe(lines);
  }

  stop() {
    this.#observer.disconnect();
  }

  /** Whether the end of the list was in view when last looked. */
  get atEnd() {
    return this.#end;
  }

  set atEnd(end) {
    this.#end = end;
  }

  get above_px() {
    return this.#scroller.scrollTop;
  }

  get below_px() {
    return this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight;
  }

  #isAtEnd() {
    return this.ends && this.below_px < END_PX;
  }

  /** Remembers where the reader is. To be called after scrolling and before lines change. */
  keep() {
    this.#end = this.#isAtEnd();
    // Lines of days and "new" move when older texts arrive: they hold no place.
    let line = this.lineAt(0);
    while (line && !line.hasAttribute("tabindex") && line.nextElementSibling) line = /** @type {HTMLElement} */ (line.nextElementSibling);
    this.#anchor = line;
    this.#offset = this.#anchor ? this.#top(this.#anchor) : 0;
  }

  /**
   * Remembers a line as the reader's place.
   * @param {HTMLElement} line
   */
  keepAt(line) {
    this.#end = this.#isAtEnd();
    this.#anchor = line;
    this.#offset = this.#top(line);
  }

  /** Brings the reader back to where keep() saw them. */
  restore() {
    if (this.#end) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else if (this.#anchor?.isConnected) {
      const moved = this.#top(this.#anchor) - this.#offset;
      if (moved !== 0) this.#scroller.scrollTop += moved;
    }
  }

  /**
   * The first line that reaches below `y`, from the scroller's top edge.
   * @param {number} y
   * @returns {HTMLElement|null}
   */
  lineAt(y) {
    const lines = this.#lines.children;
    let low = 0;
    let high = lines.length - 1;
    if (high < 0) return null;
    while (low < high) {
      const middle = (low + high) >> 1;
      const line = /** @type {HTMLElement} */ (lines[middle]);
      if (this.#top(line) + line.offsetHeight > y) high = middle;
      else low = middle + 1;
    }
    return /** @type {HTMLElement} */ (lines[low]);
  }

  /** @param {HTMLElement} line */
  #top(line) {
    return line.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }
}
