/**
 * The page's memory of conversations between visits: drafts, and how far the others had read,
 * which the server does not keep for it.
 * @module
 */

export const LIMITS = Object.freeze({
  // limit: web | drafts kept by a browser, of each account | 100 | the oldest is forgotten
  drafts: 100,
  // limit: web | conversations of which a browser remembers how far the other has read | 200 | the oldest is forgotten: its texts show as stored
  marks: 200,
  // limit: web | pause before drafts and marks are saved | 0.5 s | the page's end loses that much
  save_ms: 500,
});

/** @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem">} Storing */

/**
 * The browser's storage, if it has one.
 * @returns {Storing|null}
 */
function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export class Keep {
  /** @type {Map<string, string>} */ #drafts = new Map();
  /** @type {Map<string, [number, number]>} received and read by the other */ #marks = new Map();
  #user = "";
  #storage;
  #clock;
  /** @type {any} */ #timer = null;

  /** @param {import("../../parley.js").Clock} clock @param {Storing|null} [storage] */
  constructor(clock, storage = browserStorage()) {
    this.#clock = clock;
    this.#storage = storage;
  }

  /** @param {string} user */
  load(user) {
    this.#user = user;
    this.#drafts = new Map(this.#read("drafts"));
    this.#marks = new Map(this.#read("marks"));
  }

  /** @param {string} name @returns {any[]} */
  #read(name) {
    try {
      const rows = JSON.parse(this.#storage?.getItem(`parley.${name}:${this.#user}`) ?? "[]");
      return Array.isArray(rows) ? rows : [];
    } catch {
      return [];
    }
  }

  /** @param {string} key */
  draft(key) {
    return this.#drafts.get(key) ?? "";
  }

  /** @param {string} key */
  marks(key) {
    return this.#marks.get(key) ?? [0, 0];
  }

  get drafts() {
    return [...this.#drafts.keys()];
  }

  /** @param {string} key @param {string} text */
  setDraft(key, text) {
    this.#drafts.delete(key);
    if (text) put(this.#drafts, key, text, LIMITS.drafts);
    this.#plan();
  }

  /** @param {string} key @param {number} received @param {number} read */
  setMarks(key, received, read) {
    this.#marks.delete(key);
    put(this.#marks, key, /** @type {[number, number]} */ ([received, read]), LIMITS.marks);
    this.#plan();
  }

  /** Marks mean nothing any more once the server was restored from a backup. */
  forgetMarks() {
    this.#marks.clear();
    this.#plan();
  }

  /** The account has ended: this browser keeps nothing of it. */
  forget() {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    for (const name of ["drafts", "marks"]) this.#storage?.removeItem(`parley.${name}:${this.#user}`);
    this.#drafts.clear();
    this.#marks.clear();
    this.#user = "";
  }

  #plan() {
    this.#timer ??= this.#clock.setTimeout(() => this.save(), LIMITS.save_ms);
  }

  save() {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#user) return;
    for (const [name, rows] of /** @type {[string, Map<string, any>][]} */ ([["drafts", this.#drafts], ["marks", this.#marks]]))
      try {
        this.#storage?.setItem(`parley.${name}:${this.#user}`, JSON.stringify([...rows]));
      } catch {
        // Without room it is kept as long as the page.
      }
  }
}

/**
 * @template T
 * @param {Map<string, T>} map @param {string} key @param {T} value @param {number} max
 */
function put(map, key, value, max) {
  map.set(key, value);
  for (const first of map.keys()) {
    if (map.size <= max) break;
    map.delete(first);
  }
}
