/**
 * Helpers for writing a text, without a page: whether a key belongs to an input method, and
 * what is being mentioned at the caret.
 * @module
 */

/* Safari ends a composition before the keydown of the Enter that confirmed it. */
const JUST_ENDED_MS = 100;

/** Follows an input method, so that the Enter that takes a candidate is not taken for "send". */
export class Composition {
  #active = false;
  #ended_ms = -Infinity;

  start() {
    this.#active = true;
  }

  /** @param {number} now_ms of the event, as all times here */
  end(now_ms) {
    this.#active = false;
    this.#ended_ms = now_ms;
  }

  /** A key was released, or the field lost the focus: nothing is under way any more. */
  settle() {
    this.#active = false;
    this.#ended_ms = -Infinity;
  }

  /**
   * @param {{isComposing: boolean, keyCode: number, timeStamp: number}} event a keydown
   */
  owns(event) {
    return (
      event.isComposing || event.keyCode === 229 || this.#active || event.timeStamp - this.#ended_ms < JUST_ENDED_MS
    );
  }
}

/**
 * The word after an `@` that the caret stands in, or null.
 * @param {string} text
 * @param {number} caret
 * @returns {{start: number, word: string} | null}
 */
export function mentionAt(text, caret) {
  const match = /(?:^|[\s(（，。、])@([^\s@]{0,32})$/u.exec(text.slice(Math.max(0, caret - 40), caret));
  return match ? { start: caret - match[1].length - 1, word: match[1] } : null;
}

/**
 * The members that a word may mean: those whose name begins with it first.
 * @template {{id: string, name: string}} T
 * @param {T[]} members
 * @param {string} word
 * @param {number} max
 * @returns {T[]}
 */
export function matching(members, word, max) {
  const wanted = word.toLocaleLowerCase();
  /** @param {T} member */
  const rank = (member) => {
    const name = member.name.toLocaleLowerCase();
    const id = member.id.toLocaleLowerCase();
    if (name.startsWith(wanted) || id.startsWith(wanted)) return 0;
    return name.includes(wanted) || id.includes(wanted) ? 1 : 2;
  };
  return members
    .map((member) => ({ member, rank: rank(member) }))
    .filter((one) => one.rank < 2)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, max)
    .map((one) => one.member);
}
