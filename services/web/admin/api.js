/**
 * The server's HTTP API (docs/api.md), as this page uses it. The key is kept for this tab alone, until it is
 * closed or forgotten.
 * @module
 */

const BASE = new URL("../api/v1", import.meta.url).href;
const PLACE = "parley.admin.key";
/** From the sending of a call; the gateway tries for 30 s. */
const ANSWER_MS = 40_000;

/** What a call failed with; `word` is the stable one, `text` the server's own sentence. */
export class ApiFault extends Error {
  /** @param {number} status @param {string | undefined} word @param {string} text */
  constructor(status, word, text) {
    super(text);
    this.status = status;
    this.text = text;
    this.word = word;
  }
}

/** @returns {string | null} */
export function keptKey() {
  try {
    return sessionStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

/** @param {string | null} key null: it is forgotten */
export function keepKey(key) {
  try {
    if (key === null) sessionStorage.removeItem(PLACE);
    else sessionStorage.setItem(PLACE, key);
  } catch {
    // The key lasts as long as the page.
  }
}

/**
 * A path of the API with what stands in it encoded: path`/accounts/${id}`.
 * @param {TemplateStringsArray} parts @param {...any} values
 */
export function path(parts, ...values) {
  return String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(String(value))));
}

export class Api {
  /** @param {string} key @param {() => void} refused called when the server takes the key no longer */
  constructor(key, refused) {
    this.key = key;
    this.refused = refused;
  }

  /** @param {string} where @param {Record<string, any>} [query] */
  get(where, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
    return this.call("GET", given.length ? `${where}?${new URLSearchParams(given)}` : where);
  }

  /**
   * @param {string} method @param {string} where @param {Record<string, any>} [body]
   * @param {string} [ref] under which the change is made once, however often it is asked for
   * @returns {Promise<any>} the answer's object, or null
   */
  async call(method, where, body, ref) {
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${this.key}` };
    if (body) headers["Content-Type"] = "application/json";
    if (ref) headers["Idempotency-Key"] = ref;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), ANSWER_MS);
    let answer;
    try {
      answer = await fetch(BASE + where, {
        method,
        headers,
        body: body ? JSON.stringify(body) : undefined,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: patience.signal,
      });
    } catch {
      throw new ApiFault(0, "disconnected", "");
    } finally {
      clearTimeout(timer);
    }
    if (answer.status === 204) return null;
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    if (answer.status === 401) this.refused();
    // What a key may not do, the server says best.
    throw new ApiFault(answer.status, answer.status === 403 ? undefined : found.error, found.detail ?? answer.statusText);
  }
}
