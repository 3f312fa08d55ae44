/**
 * parley.js: the client library of parley, for browsers and Node. docs/parley.js.md explains its use.
 *
 * It speaks the YouIM dialect with the extensions over one WebSocket, and touches no page. A text is kept in the
 * store before it is sent, and is sent again under the same `ref` until the server has answered it. What is
 * received is confirmed once the program has had it. A lost connection is opened again; a login that was resumed
 * elsewhere is left alone until the user asks for it. Files go over HTTP, in parts, so that one that breaks off goes on.
 */

/** The limits of this client. */
export const LIMITS = Object.freeze({
  // limit: web | a text of `send()`, `edit()` | 65,000 bytes | `too_long`; nothing is sent
  text_bytes: 65000,
  // limit: web | a request as JSON | 64 KiB | `too_long`; nothing is sent
  object_bytes: 65536,
  // limit: web | texts that are not stored yet, refused ones among them | 200 | `outbox_full`
  outbox: 200,
  // limit: web | texts under way at once; of one conversation | 32; 1 | further ones wait for an answer
  sending: 32,
  // limit: web | requests that wait for their answers, besides texts | 64 | `busy`
  requests: 64,
  // limit: web | a request's answer, with all tries | 30 s, if the caller names no other time | `timeout`
  request_ms: 30000,
  // limit: web | the answer to a login (the server may take 30 s) | 40 s | `timeout`
  login_ms: 40000,
  // limit: web | missed entries of each conversation that a login brings | 50 | `skipped` tells how many were left out
  backlog: 50,
  // limit: web | conversations of which it is known how far they have arrived | 4,096 | the one silent for longest is forgotten: a repeat in it would be an event again
  conversations: 4096,
  // limit: web | logins in a browser's store | 32, for 31 days after their last use | the oldest are forgotten
  logins: 32,
  login_age_ms: 31 * 86400e3,
  // limit: web | pages of a list that are put together | 200 | the rest is left out
  pages: 200,
  // limit: web | pause before the next try to connect, or to repeat a request that a busy server refused | random, at first up to 1 s, doubled each time up to 30 s; 1 s more where the server is busy | tried again
  retry_ms: 30000,
  // limit: web | how long a connection must have held for the pauses to begin anew | 10 s | they go on growing
  stable_ms: 10000,
  // limit: web | silence of a connection while the page is shown | 45 s | a sign of life is asked for
  silence_ms: 45000,
  // limit: web | the same while a request or text waits for its answer (the server takes up to 30 s for one) | 25 s | the same
  answer_ms: 25000,
  // limit: web | the answer to a sign of life; a connection that does not open | 10 s | the connection is given up, and another one opened
  ping_ms: 10000,
  // limit: web | how often received entries are confirmed | once a second | the next confirmation covers them
  confirm_ms: 1000,
  // limit: web | how often `typing()` tells of one conversation | once in 3 s | not sent
  typing_ms: 3000,
  // limit: web | how long a page that is loaded again waits for its login | 1 s | it counts as held by another tab
  lock_ms: 1000,
  // limit: web | files that are uploaded at once for `send()` | 2 | further ones wait
  uploads: 2,
  // limit: web | a part of an upload | what takes about a second, 256 KiB to 8 MiB | sent as further parts
  part_least_bytes: 262144,
  part_bytes: 8388608,
  // limit: web | the answer to a part of an upload | 2 minutes | the part is tried again
  part_ms: 120000,
  // limit: web | tries of an upload in a row of which nothing arrives | 6, within a minute | `disconnected`
  upload_tries: 6,
  // limit: web | bytes of waiting files that a browser's store keeps | 256 MiB | further ones are in memory alone, and lost when the page is left
  kept_bytes: 268435456,
  // limit: web | a file's name | 255 bytes | its beginning, and its ending
  name_bytes: 255,
});

/**
 * @typedef {{user: string, group?: undefined} | {group: string, user?: undefined}} Peer
 * @typedef {"text"|"system"|"friend_request"|"friend_answer"|"friend_removed"|"join_request"|"join_answer"|"left"
 *   |"removed"|"admin_added"|"admin_removed"|"dissolved"|"recalled"|"edited"|"reacted"|"blocked"|"changed"
 *   |"member_muted"|"member_banned"|"unknown"} EntryKind
 * @typedef {{emoji: string, count: number, mine?: boolean}} Reaction
 * @typedef {"sticker"|"image"|"file"} FileKind
 * @typedef {object} SharedFile  a file that an entry shows, or a sticker
 * @property {string} id
 * @property {FileKind} [kind]
 * @property {string} name
 * @property {number} size  in bytes
 * @property {string} mime
 * @property {string} [url]  where the bytes are: see `address()`
 * @property {string} [preview]  the same of a smaller picture
 * @property {number} [width]
 * @property {number} [height]
 * @typedef {object} OutgoingFile  a file of a text on its way
 * @property {FileKind} kind
 * @property {string} name
 * @property {number} size
 * @property {string} mime
 * @property {string} [id]  once its bytes are there
 * @property {Blob} [bytes]
 * @property {string} [url]
 * @property {string} [preview]
 * @property {number} [width]
 * @property {number} [height]
 * @typedef {Partial<OutgoingFile>} GivenFile  with `bytes`, or with the `id` of a file that is there
 * @typedef {{user?: string, group?: string, member?: {group: string, user: string}}} Changed
 * @typedef {object} Entry  an entry of a conversation: a text or a notice
 * @property {EntryKind} kind
 * @property {Peer} peer  the conversation that it stands in
 * @property {number} cid
 * @property {number} time_ms
 * @property {string|null} by  the account that did it
 * @property {boolean} mine
 * @property {string} [msg]
 * @property {number} [reply]  the cid of the text that is answered
 * @property {string[]|"all"} [mentions]
 * @property {number} [edited_ms]
 * @property {boolean} [recalled]
 * @property {Reaction[]} [reactions]
 * @property {SharedFile} [file]  what the text shows; `msg` is its caption
 * @property {boolean} [ok]
 * @property {string} [user]  whom it concerns
 * @property {string} [group]
 * @property {number} [target]  the cid of the text that was changed
 * @property {string} [emoji]
 * @property {boolean} [on]
 * @property {Changed} [of]
 * @property {string} [nick]
 * @property {number} [until_ms]
 *
 * @typedef {{word: string, text: string}} Reason
 * @typedef {object} Outgoing  a text on its way
 * @property {string} ref
 * @property {Peer} peer
 * @property {string} msg
 * @property {number} [reply]
 * @property {string[]|"all"} [mentions]
 * @property {OutgoingFile} [file]
 * @property {"waiting"|"stored"|"refused"|"discarded"} state
 * @property {number} at  when it was written
 * @property {number} [cid]
 * @property {number} [time_ms]
 * @property {Reason} [error]
 *
 * @typedef {"signed_out"|"connecting"|"connected"|"waiting"|"offline"|"replaced"|"ended"} StateName
 * @typedef {{name: StateName, retry_at?: number, reason?: string, user?: string}} State
 *
 * @typedef {object} ParleyEvents
 * @property {State} state
 * @property {Entry} entry
 * @property {Outgoing} outgoing
 * @property {{ref: string, sent: number, size: number}} progress
 * @property {{peer: Peer, user?: string, cid: number, kind: "received"|"read"}} mark
 * @property {{peer: Peer, user: string}} typing
 * @property {{user: string, group?: string, online: boolean}} presence
 * @property {{peer: Peer, until_ms: number}} quiet
 * @property {{peer: Peer, cid: number, count: number}} skipped
 * @property {{}} epoch
 * @property {{text: string}} fault
 *
 * @typedef {object} Store  where logins and waiting texts are kept
 * @property {(key: string) => Promise<any>} get
 * @property {(key: string, value: any) => Promise<void>} set
 * @property {(key: string) => Promise<void>} delete
 * @property {(prefix: string) => Promise<[string, any][]>} list
 *
 * @typedef {object} Clock
 * @property {() => number} now
 * @property {(f: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random
 *
 * @typedef {object} Options
 * @property {string} url  such as "ws://localhost:5999/"
 * @property {Store} [store]
 * @property {any} [WebSocket]  a class like the browsers'; Node before 22 has none of its own
 * @property {typeof globalThis.fetch} [fetch]  for files
 * @property {string} [device]  this client's name in the list of devices
 * @property {boolean} [autoConfirm]  confirm an entry once its listeners have returned; true if not given
 * @property {Clock} [clock]
 * @property {any} [host]  the browser's window, or its substitute in tests
 *
 * @typedef {{user: string, password?: string}} Credentials
 * @typedef {{id: string, user: string, token: string, epoch: number, used_ms: number}} Login
 * @typedef {{socket: any, open: boolean, ready: boolean, since: number, heard: number, asked: number, fault: string, grant: any,
 *   timer: any, pinging: boolean}} Link
 * @typedef {object} Pending  a request without its answer
 * @property {string} ref
 * @property {number} number
 * @property {object} body
 * @property {boolean} changing
 * @property {boolean} early
 * @property {Link|null} link
 * @property {any} answer
 * @property {number} tries
 * @property {any} timer
 * @property {any} pause
 * @property {(result: {answer: any, result: any}) => void} resolve
 * @property {(error: ParleyError) => void} reject
 */

/** Why something was not done: a stable word, and a text for people. */
export class ParleyError extends Error {
  /** @param {string} word @param {string} [text] */
  constructor(word, text = word) {
    super(text);
    this.name = "ParleyError";
    this.word = word;
    this.text = text;
  }
}

// --- texts and names -----------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * How long a text is on the wire.
 * @param {string} text
 */
export const byteLength = (text) => encoder.encode(text).length;

/**
 * Replaces halves of surrogate pairs, which the server refuses.
 * @param {string} text
 */
export const wellFormed = (text) => decoder.decode(encoder.encode(text));

/**
 * A peer as a string: "user:ben".
 * @param {Peer} peer
 */
export const peerKey = (peer) => (peer.group === undefined ? `user:${peer.user}` : `group:${peer.group}`);

/** @param {string} key @returns {Peer|null} */
export function parsePeer(key) {
  const match = /^(user|group):(.+)$/su.exec(key);
  if (!match) return null;
  return match[1] === "user" ? { user: match[2] } : { group: match[2] };
}

/** Random, so that no two requests share it. */
function newRef() {
  const bytes = new Uint8Array(12);
  if (globalThis.crypto) globalThis.crypto.getRandomValues(bytes);
  else for (let i = 0; i < bytes.length; i++) bytes[i] = Math.random() * 256;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {object} value */
const toJson = (value) => JSON.stringify(value, (_, part) => (typeof part === "string" ? wellFormed(part) : part));

// --- files ---------------------------------------------------------------------------------------

const PICTURES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif"]);

/** What no file's name holds: control characters, ends of lines, overrides of the writing direction. */
const UNSHOWN = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A name as the server takes it: without a path and without control characters and the like, and not too long.
 * @param {string} name
 */
function plainName(name) {
  const plain = wellFormed(name).replace(/^.*[/\\]/su, "").replace(UNSHOWN, "").trim().replace(/^\.\.?$/u, "") || "file";
  const characters = [...plain];
  const ending = /\.[\p{L}\p{N}]{1,10}$/u.exec(plain)?.[0] ?? "";
  while (byteLength(characters.join("") + ending) > LIMITS.name_bytes) characters.pop();
  return characters.length === [...plain].length ? plain : characters.join("") + ending;
}

/**
 * What is known of a file to be sent.
 * @param {Blob|GivenFile} given @returns {OutgoingFile}
 */
function describeFile(given) {
  const whole = given instanceof Blob ? { bytes: given } : given;
  const { bytes, id } = whole;
  if (!bytes && id === undefined) throw new ParleyError("empty", "there is no file");
  const mime = (whole.mime ?? bytes?.type ?? "").split(";")[0].trim().toLowerCase();
  const kind = whole.kind ?? (PICTURES.has(mime) ? "image" : "file");
  const name = plainName(whole.name ?? /** @type {any} */ (bytes)?.name ?? kind);
  const size = bytes?.size ?? whole.size ?? 0;
  if (bytes && size === 0) throw new ParleyError("empty", "the file is empty");
  /** @type {any} */
  const file = { kind, name, size, mime, bytes, id };
  for (const part of /** @type {const} */ (["url", "preview", "width", "height"])) file[part] = whole[part];
  for (const [part, value] of Object.entries(file)) if (value === undefined) delete file[part];
  return file;
}

/** Statuses after which a part may be sent again. */
const PASSING = new Set([408, 409, 423, 425, 429, 500, 502, 503, 504]);

/**
 * The fault that an answer over HTTP tells.
 * @param {Response} answer
 */
async function faultOf(answer) {
  const { error, text } = await answer.json().catch(() => ({}));
  if (answer.status === 404 || answer.status === 410) return new ParleyError("no_file", text ?? "the file is not there");
  return new ParleyError(error ?? "internal", text ?? `the server answered ${answer.status}`);
}

/**
 * Sends bytes to the address of an upload by tus 1.0, from where they broke off. Small parts at first, then those that
 * take about a second, so that the progress is seen.
 */
class Transfer {
  #bytes;
  #address;
  #fetch;
  #clock;
  #signal;
  #part = LIMITS.part_least_bytes;
  #finished = false;

  /**
   * @param {Blob} bytes @param {string} address
   * @param {{fetch: typeof globalThis.fetch, clock: Clock, signal: AbortSignal}} means
   */
  constructor(bytes, address, { fetch, clock, signal }) {
    this.#bytes = bytes;
    this.#address = address;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * @param {number|null} offset how much is there; null: the server knows
   * @param {(sent: number) => void} progress
   */
  async run(offset, progress) {
    for (let failures = 0; ; ) {
      try {
        offset ??= await this.#ask("HEAD");
        if (this.#finished) offset = this.#bytes.size;
        progress(offset);
        if (this.#finished) return;
        const began = this.#clock.now();
        const sent = this.#bytes.slice(offset, offset + this.#part);
        const now = await this.#ask("PATCH", offset, sent);
        if (now > offset) failures = 0;
        offset = now;
        progress(offset);
        if (offset === this.#bytes.size) return;
        this.#resize(this.#clock.now() - began);
      } catch (error) {
        if (this.#signal.aborted) throw new ParleyError("aborted", "it was given up");
        if (error instanceof ParleyError && error.word !== "disconnected") throw error;
        if (!(await this.#isReadable())) throw new ParleyError("unreadable", "the file cannot be read any more");
        if (++failures >= LIMITS.upload_tries) throw error;
        await this.#pause(failures);
        offset = null;
      }
    }
  }

  /** @param {number} took_ms */
  #resize(took_ms) {
    const wanted = took_ms < 500 ? this.#part * 2 : took_ms > 2000 ? this.#part / 2 : this.#part;
    this.#part = Math.min(LIMITS.part_bytes, Math.max(LIMITS.part_least_bytes, wanted));
  }

  /** A file that was changed or removed since it was chosen cannot be read. */
  #isReadable() {
    return this.#bytes.slice(0, 1).arrayBuffer().then(
      () => true,
      () => false
    );
  }

  /** @param {number} failures */
  #pause(failures) {
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const wait = 500 + this.#clock.random() * Math.min(LIMITS.retry_ms, 1000 * 2 ** failures);
      const timer = this.#clock.setTimeout(resolve, wait);
      const stop = () => (this.#clock.clearTimeout(timer), resolve());
      this.#signal.addEventListener("abort", stop, { once: true });
    });
  }

  /**
   * One request; resolves with how much is there.
   * @param {"HEAD"|"PATCH"} method @param {number} [offset] @param {Blob} [body]
   */
  async #ask(method, offset, body) {
    const abort = new AbortController();
    const stop = () => abort.abort();
    const timer = this.#clock.setTimeout(stop, LIMITS.part_ms);
    this.#signal.addEventListener("abort", stop);
    if (this.#signal.aborted) stop();
    /** @type {Record<string, string>} */
    const headers = { "Tus-Resumable": "1.0.0" };
    if (body) Object.assign(headers, { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" });
    try {
      const answer = await this.#fetch(this.#address, { method, headers, body, signal: abort.signal });
      if (PASSING.has(answer.status)) throw new ParleyError("disconnected", "the server is busy");
      if (!answer.ok) throw await faultOf(answer);
      const there = Number(answer.headers.get("Upload-Offset") ?? NaN);
      // What is cut out of a picture at the end makes it shorter.
      const length = Number(answer.headers.get("Upload-Length") ?? NaN);
      this.#finished = there === length && length !== this.#bytes.size;
      if (!(there >= 0 && there <= this.#bytes.size)) throw new ParleyError("internal", "the server told no offset");
      return there;
    } catch (error) {
      throw error instanceof ParleyError ? error : new ParleyError("disconnected", "the server cannot be reached");
    } finally {
      this.#clock.clearTimeout(timer);
      this.#signal.removeEventListener("abort", stop);
    }
  }
}

// --- stores --------------------------------------------------------------------------------------

/**
 * Keeps values as long as the program runs.
 * @returns {Store}
 */
export function memoryStore() {
  /** @type {Map<string, any>} */
  const values = new Map();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, { ...value }),
    delete: async (key) => void values.delete(key),
    list: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)),
  };
}

/**
 * Keeps values in IndexedDB; in memory where there is none, or where the browser refuses it.
 * @param {string} [name] @param {IDBFactory} [factory] @returns {Store}
 */
export function createStore(name = "parley", factory = globalThis.indexedDB) {
  const memory = memoryStore();
  /** @type {Promise<IDBDatabase|null>|null} */
  let opened = null;
  const open = () =>
    (opened ??= new Promise((resolve) => {
      const request = factory.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("values");
      request.onerror = () => resolve(null);
      request.onsuccess = () => {
        request.result.onclose = () => (opened = null);
        resolve(request.result);
      };
    }));

  /**
   * @template T
   * @param {IDBTransactionMode} mode @param {(values: IDBObjectStore) => () => T} act
   * @returns {Promise<{done: T}|null>} null: there is no database
   */
  const run = async (mode, act) => {
    const database = factory ? await open() : null;
    if (!database) return null;
    return new Promise((resolve, reject) => {
      const transaction = database.transaction("values", mode);
      const result = act(transaction.objectStore("values"));
      transaction.oncomplete = () => resolve({ done: result() });
      transaction.onabort = () => reject(transaction.error);
    });
  };

  return {
    async get(key) {
      const found = await run("readonly", (values) => {
        const request = values.get(key);
        return () => request.result;
      });
      return found ? found.done : memory.get(key);
    },
    async set(key, value) {
      if (!(await run("readwrite", (values) => (values.put(value, key), () => true)))) await memory.set(key, value);
    },
    async delete(key) {
      if (!(await run("readwrite", (values) => (values.delete(key), () => true)))) await memory.delete(key);
    },
    async list(prefix) {
      const range = () => IDBKeyRange.bound(prefix, prefix + "\uffff");
      const found = await run("readonly", (values) => {
        const keys = values.getAllKeys(range());
        const all = values.getAll(range());
        return () => keys.result.map((key, i) => /** @type {[string, any]} */ ([String(key), all.result[i]]));
      });
      return found ? found.done : memory.list(prefix);
    },
  };
}

// --- entries -------------------------------------------------------------------------------------

/** The kind of entry for each number, its conversation, and its fields.
 * @type {Record<number, (m: any, me: string) => Partial<Entry>>} */
const ENTRIES = {
  4: (m, me) => ({
    kind: "join_answer",
    peer: m.confirmResult ? { group: m.groupId } : { user: me },
    by: m.toUserId,
    user: m.toUserId,
    group: m.groupId,
    ok: m.confirmResult,
  }),
  6: (m, me) => ({ kind: "text", peer: { user: m.fromUserId === me ? m.toUserId : m.fromUserId }, by: m.fromUserId }),
  8: (m) => ({ kind: "text", peer: { group: m.toGroup }, by: m.fromUserId, group: m.toGroup }),
  12: (m) => ({ kind: "left", peer: { group: m.groupId }, by: m.fromUserId, user: m.fromUserId, group: m.groupId }),
  14: (m, me) => ({
    kind: "friend_answer",
    peer: { user: me },
    by: m.fromUserId,
    user: m.toUserId,
    ok: m.confirmResult,
  }),
  16: (m, me) => ({ kind: "friend_removed", peer: { user: me }, by: m.fromUserId, user: m.toUserId }),
  18: (m) => ({
    kind: "removed",
    peer: { group: m.fromGroupId },
    by: m.fromAdministratorUserId,
    user: m.toUserId,
    group: m.fromGroupId,
  }),
  20: (m, me) => ({ kind: "admin_added", peer: { user: me }, by: m.ownerId, user: m.toUserId, group: m.groupId }),
  22: (m, me) => ({ kind: "admin_removed", peer: { user: me }, by: m.ownerId, user: m.fromUserId, group: m.groupId }),
  100: () => ({ kind: "system", peer: { user: "SYSTEM" }, by: "SYSTEM" }),
  101: (_, me) => ({ kind: "system", peer: { user: me }, by: "SYSTEM" }),
  102: (m) => ({ kind: "system", peer: { group: m.toGroup }, by: "SYSTEM", group: m.toGroup }),
  103: (m, me) => ({ kind: "friend_request", peer: { user: me }, by: m.fromUserId }),
  105: (m, me) => ({ kind: "join_request", peer: { user: me }, by: m.fromUserId, group: m.groupId }),
  112: (m) => ({ kind: "dissolved", peer: { group: m.groupId }, group: m.groupId }),
  315: (m) => ({ kind: "recalled", by: m.user }),
  321: (_, me) => ({ kind: "blocked", peer: { user: me }, by: me }),
  325: (m, me) => {
    const { group = m.of.member?.group, user = m.of.member?.user } = m.of;
    return { kind: "changed", peer: group === undefined ? { user: me } : { group }, by: m.by ?? user, group };
  },
  327: (m) => ({ kind: "edited", by: m.user }),
  329: (m) => ({ kind: "reacted", by: m.user }),
  333: (m) => ({ kind: "member_muted", peer: { group: m.group } }),
  335: (m) => ({ kind: "member_banned", peer: { group: m.group } }),
};

/** The field of a message under the name that an entry has for it. */
const FIELDS = /** @type {const} */ ([
  ...["peer", "cid", "time_ms", "by", "msg", "reply", "mentions", "edited_ms", "recalled", "reactions", "user", "file"],
  ...["group", "target", "emoji", "on", "of", "nick", "until_ms"],
]);

/**
 * An entry from a message of the server, live or from a list.
 * @param {any} message @param {string} me @returns {Entry}
 */
export function toEntry(message, me) {
  /** @type {any} */
  const entry = { kind: "unknown", peer: { user: me }, by: null, time_ms: 0 };
  for (const name of FIELDS) if (message[name] !== undefined) entry[name] = message[name];
  for (const [name, value] of Object.entries(ENTRIES[message.msgType]?.(message, me) ?? {}))
    if (value !== undefined) entry[name] = value;
  entry.mine = entry.by === me;
  return entry;
}

// --- requests ------------------------------------------------------------------------------------

/** Requests that only ask: they fail at once without a connection. All others are sent again after a break. */
const READING = new Set([99, 301, 303, 305, 307, 309, 311, 313, 319, 331, 343]);
/** The server could not do it just now; under the same ref it may be asked again. */
const TRANSIENT = new Set(["overloaded", "unavailable", "timeout", "unknown_outcome"]);
/**
 * Whether it is asked again later by itself. A text or file waits, too, while the account has sent too many.
 * @param {Pending} pending @param {string} word
 */
const isAskedAgain = ({ number, early }, word) =>
  !early && (TRANSIENT.has(word) || (word === "throttled" && [5, 7, 323].includes(number)));
/** Closed with these reasons, the login is in use elsewhere, or the operator does not want it now. */
const GIVEN_WAY = /resumed on another|taken its place|operator closed/u;
const ENDED = /account was deleted|login was ended/u;

/** @type {Clock} */
const systemClock = {
  now: () => Date.now(),
  setTimeout: (f, ms) => setTimeout(f, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};

/** @type {typeof CustomEvent} */
const DetailEvent =
  globalThis.CustomEvent ??
  class extends Event {
    /** @param {string} type @param {{detail: any}} init */
    constructor(type, init) {
      super(type);
      this.detail = init.detail;
    }
  };

export class Parley extends EventTarget {
  #url;
  #WebSocket;
  #fetch;
  #device;
  #auto_confirm;
  #clock;
  #host;
  /** @type {State} */
  #state = { name: "signed_out" };
  /** @type {Login|null} */
  #login = null;
  /** @type {Link|null} */
  #link = null;
  /** @type {Map<string, Pending>} */
  #pending = new Map();
  /** @type {Map<string, Outgoing>} */
  #outbox = new Map();
  /** @type {Set<string>} refs of texts that are in the store, and of those under way */
  #kept = new Set();
  #sending = new Set();
  /** @type {Set<string>} refs of texts that the store had no room for */
  #unstored = new Set();
  /** @type {Map<string, {abort: AbortController}>} refs of texts whose files are on their way */
  #transfers = new Map();
  /** @type {Map<string, {file: string, url: string}>} uploads that have begun, by the ref of their text */
  #begun = new Map();
  /** @type {Map<string, number>} bytes that the store keeps, by the ref of their text */
  #stowed = new Map();
  /** @type {Map<string, number>} the newest cid received of each conversation */
  #seen = new Map();
  /** @type {Map<string, {peer: Peer, cid: number}>} entries to confirm */
  #due = new Map();
  #confirmed_ms = -Infinity;
  /** @type {any} */
  #confirm_timer = null;
  /** @type {Map<string, number>} */
  #typed = new Map();
  #attempts = 0;
  /** @type {any} */
  #retry_timer = null;
  /** @type {{release: () => void}|null} */
  #held = null;
  /** @type {Login|null} */
  #elsewhere = null;
  #closed = false;
  #entering = false;
  #listeners = new AbortController();

  /** @param {Options} options */
  constructor({ url, store, WebSocket, fetch, device, autoConfirm = true, clock = systemClock, host = globalThis }) {
    super();
    this.#url = url;
    this.#WebSocket = WebSocket ?? host.WebSocket;
    this.#fetch = fetch ?? ((where, how) => globalThis.fetch(where, how));
    this.#device = device;
    this.#auto_confirm = autoConfirm;
    this.#clock = clock;
    this.#host = host;
    /** The store of logins, waiting texts and other data of the page. */
    this.store = store ?? createStore("parley", host.indexedDB);
    const { signal } = this.#listeners;
    host.addEventListener?.("online", () => this.#lookAlive(), { signal });
    host.addEventListener?.("offline", () => this.#lookAlive(), { signal });
    host.document?.addEventListener("visibilitychange", () => this.#isVisible() && this.#lookAlive(), { signal });
    host.addEventListener?.("pagehide", () => this.#disconnect(), { signal });
    host.document?.addEventListener("freeze", () => this.#disconnect(), { signal });
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * The account that is logged in.
   * @returns {string|null}
   */
  get user() {
    return this.#login?.user ?? null;
  }

  /**
   * Whose login another tab holds, after `restore()` said "held".
   * @returns {string|null}
   */
  get held() {
    return this.#elsewhere?.user ?? null;
  }

  /**
   * Texts that are not stored yet, the oldest first.
   * @returns {Outgoing[]}
   */
  get outbox() {
    return [...this.#outbox.values()];
  }

  /**
   * @template {keyof ParleyEvents} K
   * @param {K} type
   * @param {((event: CustomEvent<ParleyEvents[K]>) => void)|{handleEvent(event: CustomEvent<ParleyEvents[K]>): void}|null} listener
   * @param {AddEventListenerOptions|boolean} [options]
   * @returns {void}
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListener} */ (listener), options);
  }

  /** @template {keyof ParleyEvents} K @param {K} type @param {ParleyEvents[K]} detail */
  #emit(type, detail) {
    this.dispatchEvent(new DetailEvent(type, { detail }));
  }

  /** @param {StateName} name @param {Partial<State>} [more] */
  #setState(name, more = {}) {
    this.#state = { name, ...more };
    this.#emit("state", this.#state);
  }

  // --- signing in and out ------------------------------------------------------------------------

  /**
   * Goes on with a login that this browser keeps, and does not wait for the network. "held": another tab has it.
   * @param {{user?: string}} which
   * @returns {Promise<"resumed"|"held"|"none">}
   */
  async restore({ user } = {}) {
    if (this.#login) return "resumed";
    const logins = (await this.#logins()).filter((login) => user === undefined || login.user === user);
    const own = logins.find((login) => login.id === this.#session()?.getItem("parley"));
    if (own && (await this.#hold(own.id, { wait: true }))) return this.#goOn(own);
    // Without locks only the tab's own login is surely free, except where there are no tabs.
    if (this.#locks() || !this.#session())
      for (const login of logins) if (await this.#hold(login.id, { ifAvailable: true })) return this.#goOn(login);
    this.#elsewhere = logins[0] ?? null;
    return this.#elsewhere ? "held" : "none";
  }

  /** Takes the login over from the tab or program that has it. */
  async takeOver() {
    const login = this.#login ?? this.#elsewhere;
    if (!login) throw new ParleyError("signed_out", "there is no login to take over");
    await this.#hold(login.id, { steal: true });
    await this.#goOn(login);
  }

  /**
   * Logs in; an account that does not exist is made, where the server lets whoever asks.
   * @param {Credentials & {registrationToken?: string}} credentials @returns {Promise<{user: string, created: boolean}>}
   */
  async signIn({ user, password, registrationToken }) {
    return this.#enter(async () => {
      try {
        return { user: await this.#logIn(user, password), created: false };
      } catch (error) {
        if (!(error instanceof ParleyError) || error.word !== "bad_login") throw error;
        try {
          await this.#register(user, password, registrationToken);
        } catch (refusal) {
          // Where nobody can be registered, the login itself was wrong.
          const words = registrationToken ? ["taken"] : ["taken", "registration_closed", "registration_token"];
          throw refusal instanceof ParleyError && words.includes(refusal.word) ? error : refusal;
        }
        return { user: await this.#logIn(user, password), created: true };
      }
    });
  }

  /**
   * Makes an account and logs in to it.
   * @param {Credentials & {name?: string, registrationToken?: string}} credentials
   */
  async register({ user, password, name, registrationToken }) {
    const made = await this.#enter(async () => {
      await this.#register(user, password, registrationToken);
      return { user: await this.#logIn(user, password), created: true };
    });
    if (name !== undefined) await this.set("me", { name });
    return made;
  }

  /** @param {Credentials} credentials @returns {Promise<{user: string, created: boolean}>} */
  async login({ user, password }) {
    return this.#enter(async () => ({ user: await this.#logIn(user, password), created: false }));
  }

  /**
   * Logs in by a token of the operator's own backend, a JWT, which names the account.
   * @param {string} token @returns {Promise<{user: string, created: boolean}>}
   */
  async loginByToken(token) {
    return this.#enter(async () => ({ user: await this.#grant({ token }, ""), created: false }));
  }

  /** Ends the login, here and on the server, and forgets it with the texts that still wait. */
  async logout() {
    if (!this.#login) return;
    if (this.#state.name === "connected")
      await this.#ask(9, { logoutUserId: this.user }, { timeout_ms: LIMITS.ping_ms }).catch(() => {});
    await this.#forgetLogin("signed_out");
  }

  /** Closes the connection for good. The login stays in the store. */
  close() {
    this.#closed = true;
    this.#listeners.abort();
    this.#leave(new ParleyError("closed", "the client was closed"));
    this.#setState("signed_out");
  }

  /** Connects now, while the state is "waiting" or "offline". */
  retry() {
    if (this.#state.name === "waiting" || this.#state.name === "offline") this.#connect();
  }

  /** @param {() => Promise<{user: string, created: boolean}>} procedure */
  async #enter(procedure) {
    if (this.#closed) throw new ParleyError("closed", "the client was closed");
    if (this.#login || this.#entering) throw new ParleyError("busy", "a login is there or under way");
    this.#entering = true;
    this.#setState("connecting");
    try {
      await this.#open();
      return await procedure();
    } catch (error) {
      if (!this.#login) {
        this.#drop();
        this.#setState("signed_out");
      }
      throw error;
    } finally {
      this.#entering = false;
    }
  }

  #optIn() {
    return { ext: 1, confirm: true, backlog: LIMITS.backlog, device: this.#device };
  }

  /** @param {string} user @param {string} [password] */
  #logIn(user, password) {
    return this.#grant({ loginUserId: user, password }, user);
  }

  /** @param {object} proof @param {string} user as it was given, for servers that do not name it */
  async #grant(proof, user) {
    await this.#ask(1, { ...proof, ...this.#optIn() }, {
      early: true,
      done: (grant) => {
        const id = newRef();
        const name = grant.user ?? user.normalize("NFC");
        this.#elsewhere = null;
        this.#seen.clear();
        this.#due.clear();
        this.#login = { id, user: name, token: grant.token, epoch: grant.epoch ?? 0, used_ms: 0 };
        this.#hold(id, { ifAvailable: true });
        this.#entered();
      },
    });
    return /** @type {string} */ (this.user);
  }

  /** @param {string} user @param {string} [password] @param {string} [registration_token] */
  #register(user, password, registration_token) {
    return this.#ask(113, { userId: user, password, registration_token, ext: 1 }, { early: true });
  }

  /** @param {Login} login @returns {Promise<"resumed">} */
  async #goOn(login) {
    this.#login = login;
    this.#elsewhere = null;
    this.#attempts = 0;
    await this.#loadOutbox();
    this.#connect();
    return "resumed";
  }

  /** @param {"signed_out"|"ended"} name @param {string} [reason] */
  async #forgetLogin(name, reason) {
    const login = /** @type {Login} */ (this.#login);
    const texts = this.outbox;
    this.#leave(new ParleyError(name, reason ?? "the login has ended"));
    this.#setState(name, name === "ended" ? { reason, user: login.user } : {});
    // After an end that was not asked for, the texts wait for the next login of the account.
    if (name === "signed_out")
      for (const text of texts) await this.#unkeep(login.id, text).catch(() => {});
    await this.store.delete(`login:${login.id}`).catch(() => {});
  }

  /** @param {ParleyError} error */
  #leave(error) {
    this.#drop();
    this.#clock.clearTimeout(this.#retry_timer);
    this.#clock.clearTimeout(this.#confirm_timer);
    this.#confirm_timer = null;
    this.#login = this.#elsewhere = null;
    this.#held?.release();
    this.#held = null;
    this.#stopTransfers();
    this.#outbox.clear();
    this.#begun.clear();
    this.#stowed.clear();
    this.#kept.clear();
    this.#sending.clear();
    this.#unstored.clear();
    this.#seen.clear();
    this.#due.clear();
    for (const pending of [...this.#pending.values()]) this.#fail(pending, error);
  }

  // --- which tab has which login -----------------------------------------------------------------

  /** @returns {LockManager|undefined} */
  #locks() {
    return this.#host.navigator?.locks;
  }

  /** @returns {Storage|null} */
  #session() {
    try {
      return this.#host.sessionStorage ?? null;
    } catch {
      return null;
    }
  }

  /**
   * The logins in the store, the one that was used last first.
   * @returns {Promise<Login[]>}
   */
  async #logins() {
    const logins = (await this.store.list("login:")).map(([, login]) => /** @type {Login} */ (login));
    logins.sort((one, other) => other.used_ms - one.used_ms);
    const oldest = this.#clock.now() - LIMITS.login_age_ms;
    const living = logins.filter((login, i) => i < LIMITS.logins && login.used_ms > oldest);
    for (const login of logins) if (!living.includes(login)) await this.store.delete(`login:${login.id}`);
    return living;
  }

  /**
   * Makes a login this tab's own, as long as the tab lives and no other one takes it over.
   * @param {string} id @param {{ifAvailable?: boolean, steal?: boolean, wait?: boolean}} how
   * @returns {Promise<boolean>}
   */
  async #hold(id, { wait, ...options }) {
    this.#held?.release();
    this.#held = null;
    const locks = this.#locks();
    const got = !locks || (await this.#lock(locks, id, wait ?? false, options));
    if (got) this.#session()?.setItem("parley", id);
    return got;
  }

  /** @param {LockManager} locks @param {string} id @param {boolean} wait @param {LockOptions} options */
  #lock(locks, id, wait, options) {
    const abort = new AbortController();
    const timer = wait ? this.#clock.setTimeout(() => abort.abort(), LIMITS.lock_ms) : null;
    return new Promise((resolve) => {
      /** @type {{release: () => void}|null} */
      let held = null;
      locks
        .request(`parley:${id}`, wait ? { signal: abort.signal } : options, (lock) => {
          this.#clock.clearTimeout(timer);
          if (!lock) return resolve(false);
          return new Promise((release) => {
            this.#held = held = { release: () => release(undefined) };
            resolve(true);
          });
        })
        .catch(() => {
          resolve(false);
          if (held && this.#held === held) this.#lostLock();
        });
    });
  }

  #lostLock() {
    this.#held = null;
    this.#giveWay("another tab has taken the login over");
  }

  /** @param {string} reason */
  #giveWay(reason) {
    this.#drop();
    this.#clock.clearTimeout(this.#retry_timer);
    this.#stopTransfers();
    if (this.#login) this.#setState("replaced", { reason });
  }

  // --- the connection ----------------------------------------------------------------------------

  #isVisible() {
    return this.#host.document?.visibilityState !== "hidden";
  }

  #isOffline() {
    return this.#host.navigator?.onLine === false;
  }

  /** The browser went online or offline, or the tab is shown again: the socket may be dead without a sign. */
  #lookAlive() {
    if (this.#link?.ready) this.#ping();
    else if (!this.#isOffline()) this.retry();
  }

  /** The browser stops the page, for a way back or in the background, and would leave its connection open. */
  #disconnect() {
    if (this.#login && this.#link) this.#retryLater(false);
  }

  /**
   * Opens a connection, and resolves when requests can be sent.
   * @returns {Promise<void>}
   */
  #open() {
    this.#drop();
    const now = this.#clock.now();
    /** @type {Link} */
    const link = {
      socket: new this.#WebSocket(this.#url),
      open: false,
      ready: false,
      since: now,
      heard: now,
      asked: now,
      fault: "",
      grant: null,
      timer: null,
      pinging: false,
    };
    this.#link = link;
    return new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
      /** @param {number} code @param {string} reason */
      const end = (code, reason) => {
        reject(new ParleyError("disconnected", "the server cannot be reached"));
        if (this.#link === link) this.#lost(code, reason);
      };
      link.timer = this.#clock.setTimeout(() => end(0, ""), LIMITS.ping_ms);
      link.socket.onopen = () => {
        this.#clock.clearTimeout(link.timer);
        link.open = true;
        resolve();
      };
      link.socket.onmessage = (/** @type {{data: string}} */ event) => this.#link === link && this.#take(event.data);
      link.socket.onerror = () => {};
      link.socket.onclose = (/** @type {{code: number, reason: string}} */ event) => end(event.code, event.reason);
    });
  }

  /** Closes the connection without waiting for the other end. */
  #drop() {
    const link = this.#link;
    if (!link) return;
    this.#link = null;
    this.#clock.clearTimeout(link.timer);
    link.socket.onopen = link.socket.onmessage = link.socket.onclose = null;
    try {
      link.socket.close();
    } catch {
      // It was never open.
    }
    for (const pending of [...this.#pending.values()])
      if (pending.early || !pending.changing)
        this.#fail(pending, new ParleyError("disconnected", "the connection is gone"));
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    const { fault, ready, since } = /** @type {Link} */ (this.#link);
    const why = reason || fault;
    if (ready && this.#clock.now() - since >= LIMITS.stable_ms) this.#attempts = 0;
    this.#drop();
    if (!this.#login) return;
    if (code === 1008 && ENDED.test(why)) this.#forgetLogin("ended", why);
    else if (code === 1008 && GIVEN_WAY.test(why)) this.#giveWay(fault || why);
    else this.#retryLater(code === 1013);
  }

  /**
   * Waits for a random time, up to twice as long after each try.
   * @param {boolean} busy the server asked for it
   */
  #retryLater(busy) {
    this.#drop();
    const most = Math.min(LIMITS.retry_ms, (busy ? 2000 : 1000) * 2 ** this.#attempts);
    const wait = (busy ? 1000 : 0) + this.#clock.random() * most;
    this.#attempts = Math.min(this.#attempts + 1, 16);
    this.#clock.clearTimeout(this.#retry_timer);
    this.#retry_timer = this.#clock.setTimeout(() => this.#connect(), wait);
    this.#setState(this.#isOffline() ? "offline" : "waiting", { retry_at: this.#clock.now() + wait });
  }

  #connect() {
    if (!this.#login) return;
    const { token } = this.#login;
    this.#clock.clearTimeout(this.#retry_timer);
    this.#setState("connecting");
    this.#open().then(
      () => this.#resume(token),
      () => {} // #lost has seen to it
    );
  }

  /** @param {string} token */
  async #resume(token) {
    const link = this.#link;
    try {
      await this.#ask(317, { token, ...this.#optIn() }, { early: true, done: (grant) => this.#resumed(grant) });
    } catch (error) {
      if (this.#link !== link || !this.#login || !(error instanceof ParleyError)) return;
      if (error.word === "bad_token" || error.word === "disabled") await this.#forgetLogin("ended", error.text);
      else this.#retryLater(error.word === "overloaded");
    }
  }

  /** @param {any} grant */
  #resumed(grant) {
    const login = /** @type {Login} */ (this.#login);
    const epoch = grant.epoch ?? 0;
    this.#login = { ...login, user: grant.user ?? login.user, token: grant.token, epoch };
    if (login.epoch !== epoch) {
      this.#seen.clear();
      this.#due.clear();
      this.#emit("epoch", {});
    }
    this.#entered();
  }

  #entered() {
    const link = /** @type {Link} */ (this.#link);
    const login = /** @type {Login} */ (this.#login);
    link.ready = true;
    login.used_ms = this.#clock.now();
    this.store.set(`login:${login.id}`, login).catch(() => {});
    this.#setState("connected");
    this.#watch(link);
    for (const pending of this.#pending.values()) if (!pending.early) this.#transmit(pending);
    this.#planConfirm();
    this.#pump();
    this.#adopt(login).catch(() => {});
  }

  /**
   * Looks for a sign of life after a long silence, while somebody is looking.
   * @param {Link} link
   */
  #watch(link) {
    const left = () => {
      const silent = this.#clock.now() - link.heard;
      const waits = this.#pending.size > 0 ? this.#clock.now() - Math.max(link.heard, link.asked) : 0;
      return Math.max(0, Math.min(LIMITS.silence_ms - silent, LIMITS.answer_ms - waits));
    };
    this.#clock.clearTimeout(link.timer);
    link.timer = this.#clock.setTimeout(() => {
      if (left() > 0) this.#watch(link);
      else if (this.#isVisible()) this.#ping();
    }, left());
  }

  /** A connection that does not answer is taken for lost. */
  async #ping() {
    const link = this.#link;
    if (!link || link.pinging) return;
    link.pinging = true;
    const sent = this.#clock.now();
    try {
      await this.#ask(99, {}, { timeout_ms: LIMITS.ping_ms });
    } catch {
      if (this.#link === link && link.heard <= sent) this.#lost(0, "");
    }
    link.pinging = false;
    if (this.#link === link) this.#watch(link);
  }

  // --- requests and their answers ----------------------------------------------------------------

  /**
   * Sends any request. Resolves with its answer, if it has one, and its 300.
   * @param {number} number @param {object} [body] @param {{timeout_ms?: number}} options
   * @returns {Promise<{answer: any, result: any}>}
   */
  async request(number, body = {}, { timeout_ms = LIMITS.request_ms } = {}) {
    if (!this.#login) throw new ParleyError("signed_out", "sign in first");
    if (READING.has(number) && !this.#link?.ready) throw new ParleyError("disconnected", "there is no connection");
    if (this.#pending.size - this.#sending.size >= LIMITS.requests)
      throw new ParleyError("busy", "too many requests wait for their answers");
    if (byteLength(toJson(this.#frame(number, newRef(), body))) > LIMITS.object_bytes)
      throw new ParleyError("too_long", "the request is too long");
    return this.#ask(number, body, { timeout_ms });
  }

  /**
   * @param {number} number @param {object} body
   * @param {{ref?: string, early?: boolean, timeout_ms?: number, signal?: AbortSignal, done?: (grant: any) => void}} options
   *   early: before the login; done: called before anything else is read
   * @returns {Promise<{answer: any, result: any}>}
   */
  #ask(number, body, { ref = newRef(), early = false, timeout_ms = early ? LIMITS.login_ms : 0, signal, done }) {
    return new Promise((resolve, reject) => {
      /** @type {Pending} */
      const pending = {
        ref,
        number,
        body,
        early,
        changing: !READING.has(number),
        link: null,
        answer: null,
        tries: 0,
        timer: null,
        pause: null,
        resolve: (both) => {
          done?.(this.#link?.grant);
          resolve(both);
        },
        reject,
      };
      if (timeout_ms > 0)
        pending.timer = this.#clock.setTimeout(
          () => this.#fail(pending, new ParleyError("timeout", "the server did not answer in time")),
          timeout_ms
        );
      const stop = () => this.#pending.has(ref) && this.#fail(pending, new ParleyError("aborted", "it was given up"));
      signal?.addEventListener("abort", stop, { once: true });
      this.#pending.set(ref, pending);
      if (signal?.aborted) stop();
      else if (early || this.#link?.ready) this.#transmit(pending);
    });
  }

  /** @param {number} number @param {string} ref @param {object} body */
  #frame(number, ref, body) {
    return { msgType: number, ref, msgBody: { token: this.#login?.token, ...body } };
  }

  /** @param {Pending} pending */
  #transmit(pending) {
    const link = this.#link;
    if (!link?.open || pending.link === link) return;
    pending.link = link;
    if (link.ready && !link.pinging && this.#pending.size === 1) {
      link.asked = this.#clock.now();
      this.#watch(link);
    }
    try {
      link.socket.send(toJson(this.#frame(pending.number, pending.ref, pending.body)));
    } catch {
      // The socket is closing; the requests are sent again, or fail, when it has closed.
    }
  }

  /** @param {Pending} pending */
  #settle(pending) {
    this.#clock.clearTimeout(pending.timer);
    this.#clock.clearTimeout(pending.pause);
    this.#pending.delete(pending.ref);
  }

  /** @param {Pending} pending @param {ParleyError} error */
  #fail(pending, error) {
    this.#settle(pending);
    pending.reject(error);
  }

  /** @param {any} result */
  #takeResult(result) {
    const pending = this.#pending.get(result.ref);
    if (!pending) return;
    if (result.ok) {
      this.#settle(pending);
      pending.resolve({ answer: pending.answer, result });
    } else if (isAskedAgain(pending, result.error)) {
      // Under the same ref it is done once, whatever became of it.
      const most = Math.min(LIMITS.retry_ms, 2000 * 2 ** pending.tries++);
      pending.pause = this.#clock.setTimeout(() => {
        pending.link = null;
        if (this.#link?.ready) this.#transmit(pending);
      }, 1000 + this.#clock.random() * most);
    } else {
      this.#fail(pending, new ParleyError(result.error, result.text));
    }
  }

  // --- what arrives ------------------------------------------------------------------------------

  /** @param {string} data */
  #take(data) {
    const link = /** @type {Link} */ (this.#link);
    link.heard = this.#clock.now();
    /** @type {any} */
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      this.#emit("fault", { text: "the server sent what is no JSON" });
      return;
    }
    const pending = message.ref === undefined ? undefined : this.#pending.get(message.ref);
    if (message.msgType === 300) this.#takeResult(message);
    else if (pending) pending.answer = message;
    else if (message.msgType === 2) link.grant = message;
    else if (this.#login && !this.#takeLive(this.#login.user, message)) this.#takeFault(link, message);
    else if (!this.#login) this.#takeFault(link, message);
  }

  /** @param {Link} link @param {any} message */
  #takeFault(link, message) {
    if (message.msgType !== 101) return;
    link.fault = message.msg;
    this.#emit("fault", { text: message.msg });
  }

  /** @param {string} me @param {any} message @returns {boolean} */
  #takeLive(me, message) {
    const { msgType, peer, user, cid } = message;
    switch (msgType) {
      case 301:
      case 302:
        this.#emit("mark", { peer, user, cid, kind: msgType === 301 ? "received" : "read" });
        return true;
      case 313:
        this.#emit("typing", { peer, user });
        return true;
      case 318:
        this.#emit("skipped", { peer, cid, count: message.skipped });
        return true;
      case 337:
        this.#emit("quiet", { peer, until_ms: message.until_ms });
        return true;
      case 107:
      case 108:
        this.#emit("presence", { user: message.friendId, online: msgType === 107 });
        return true;
      case 109:
      case 110:
        this.#emit("presence", { user: message.userId, group: message.groupId, online: msgType === 109 });
        return true;
    }
    if (cid === undefined) return false;
    this.#takeEntry(toEntry(message, me));
    return true;
  }

  /**
   * Entries of a conversation arrive in the order of their cids; one that is not newer is a repeat.
   * @param {Entry} entry
   */
  #takeEntry(entry) {
    const key = peerKey(entry.peer);
    if (entry.cid > (this.#seen.get(key) ?? 0)) {
      this.#seen.delete(key);
      this.#seen.set(key, entry.cid);
      if (this.#seen.size > LIMITS.conversations) this.#seen.delete(this.#seen.keys().next().value ?? "");
      this.#emit("entry", entry);
    }
    if (this.#auto_confirm) this.confirm(entry.peer, entry.cid);
  }

  /**
   * The program has kept everything up to there; a 301 follows within a second.
   * @param {Peer} peer @param {number} cid
   */
  confirm(peer, cid) {
    const key = peerKey(peer);
    if (cid > (this.#due.get(key)?.cid ?? 0)) this.#due.set(key, { peer, cid });
    this.#planConfirm();
  }

  #planConfirm() {
    if (this.#confirm_timer !== null || this.#due.size === 0 || !this.#link?.ready) return;
    const wait = Math.max(0, this.#confirmed_ms + LIMITS.confirm_ms - this.#clock.now());
    this.#confirm_timer = this.#clock.setTimeout(() => this.#sendConfirms(), wait);
  }

  #sendConfirms() {
    this.#confirm_timer = null;
    if (!this.#link?.ready) return;
    this.#confirmed_ms = this.#clock.now();
    for (const { peer, cid } of this.#due.values())
      this.#link.socket.send(toJson({ msgType: 301, msgBody: { peer, cid } }));
    this.#due.clear();
  }

  // --- texts -------------------------------------------------------------------------------------

  /**
   * Sends a text or a file, now or when there is a connection again.
   * @param {Peer} peer
   * @param {{msg?: string, reply?: number, mentions?: string[]|"all", file?: Blob|GivenFile}} text
   * @returns {Outgoing}
   */
  send(peer, { msg = "", reply, mentions, file }) {
    if (!this.#login) throw new ParleyError("signed_out", "sign in first");
    if (this.#state.name === "replaced") throw new ParleyError("replaced", "the login is in use elsewhere");
    if (this.#outbox.size >= LIMITS.outbox) throw new ParleyError("outbox_full", "too many texts wait to be sent");
    // No two at the same time: the store keeps no order.
    const at = Math.max(this.#clock.now(), (this.outbox.at(-1)?.at ?? 0) + 1);
    /** @type {Outgoing} */
    const text = { ref: newRef(), peer, msg: wellFormed(msg), state: "waiting", at };
    if (reply !== undefined) text.reply = reply;
    if (mentions !== undefined) text.mentions = mentions;
    if (file !== undefined) text.file = describeFile(file);
    if (text.msg === "" && !text.file) throw new ParleyError("empty", "the text is empty");
    const { number, body } = this.#textRequest(text);
    if (
      byteLength(text.msg) > LIMITS.text_bytes ||
      byteLength(toJson(this.#frame(number, text.ref, body))) > LIMITS.object_bytes
    )
      throw new ParleyError("too_long", "the text is too long");
    this.#outbox.set(text.ref, text);
    this.#emit("outgoing", text);
    if (text.file?.bytes) this.#stow(text).then(() => this.#keep(text));
    else this.#keep(text);
    return text;
  }

  /**
   * Sends a refused text again.
   * @param {string} ref
   */
  again(ref) {
    const text = this.#outbox.get(ref);
    if (!text || text.state !== "refused") return;
    // A file that waited too long is not there any more.
    if (text.error?.word === "no_file" && text.file?.bytes) {
      delete text.file.id;
      this.#begun.delete(ref);
    }
    text.state = "waiting";
    delete text.error;
    this.#emit("outgoing", text);
    this.#keep(text);
  }

  /**
   * Gives a text up, and what was uploaded of its file. One that was under way may have been stored all the same.
   * @param {string} ref
   */
  discard(ref) {
    const begun = this.#begun.get(ref);
    this.#forget(ref);
    if (begun) this.#abandon(begun.url);
  }

  /** @param {string} ref */
  #forget(ref) {
    const text = this.#outbox.get(ref);
    if (!text) return;
    const pending = this.#pending.get(ref);
    if (pending) this.#settle(pending);
    this.#remove(text, "discarded");
    this.#pump();
  }

  /** @param {Outgoing} text */
  #textRequest({ peer, msg, reply, mentions, file }) {
    const body = { msg, fromUserId: this.user, reply, mentions };
    const shown = file && { msg: msg || undefined, file: { id: file.id ?? "0".repeat(16), kind: file.kind } };
    return peer.group === undefined
      ? { number: 5, body: { toUserId: peer.user, ...body, ...shown } }
      : { number: 7, body: { toGroup: peer.group, ...body, ...shown } };
  }

  /** @param {Outgoing} text @param {Login} [login] */
  #keep(text, login = this.#login ?? undefined) {
    if (!login) return;
    const { bytes, ...file } = text.file ?? {};
    const row = { ...text, user: login.user, ...(text.file && { file, upload: this.#begun.get(text.ref) }) };
    this.store
      .set(`text:${login.id}:${text.ref}`, row)
      .then(
        () => true,
        () => false // Without room in the store the text is in memory alone, and is sent all the same.
      )
      .then((stored) => {
        if (this.#outbox.get(text.ref) !== text) return;
        if (stored) this.#unstored.delete(text.ref);
        else this.#unstored.add(text.ref);
        this.#kept.add(text.ref);
        this.#pump();
      });
  }

  /**
   * Puts the bytes of a text's file into the store, as far as there is room.
   * @param {Outgoing} text
   */
  async #stow({ ref, file }) {
    const login = this.#login;
    if (!login || !file?.bytes) return;
    let bytes = file.size;
    for (const each of this.#stowed.values()) bytes += each;
    if (bytes > LIMITS.kept_bytes) return;
    this.#stowed.set(ref, file.size);
    await this.store.set(`bytes:${login.id}:${ref}`, { bytes: file.bytes }).catch(() => this.#stowed.delete(ref));
  }

  /** @param {string} id of the login @param {Outgoing} text */
  async #unkeep(id, { ref, file }) {
    await this.store.delete(`text:${id}:${ref}`);
    if (file) await this.store.delete(`bytes:${id}:${ref}`);
  }

  /** @param {Outgoing} text @param {"stored"|"discarded"} state */
  #remove(text, state) {
    text.state = state;
    this.#outbox.delete(text.ref);
    this.#kept.delete(text.ref);
    this.#sending.delete(text.ref);
    this.#unstored.delete(text.ref);
    this.#begun.delete(text.ref);
    this.#stowed.delete(text.ref);
    this.#transfers.get(text.ref)?.abort.abort();
    if (this.#login) this.#unkeep(this.#login.id, text).catch(() => {});
    this.#emit("outgoing", text);
  }

  /**
   * Sends the waiting texts: of each conversation one text at a time, so that they are stored in the order of writing.
   * Behind a file that is being uploaded only other files wait for it.
   */
  #pump() {
    if (!this.#link?.ready) return;
    const busy = new Set();
    const uploading = new Set();
    for (const text of [...this.#outbox.values()]) {
      const key = peerKey(text.peer);
      if (text.state !== "waiting") continue;
      if (text.file && text.file.id === undefined) {
        uploading.add(key);
        if (this.#kept.has(text.ref) && !this.#transfers.has(text.ref) && this.#transfers.size < LIMITS.uploads)
          void this.#transfer(text, text.file);
        continue;
      }
      if (busy.has(key) || (text.file?.bytes && uploading.has(key))) continue;
      busy.add(key);
      if (this.#sending.has(text.ref) || !this.#kept.has(text.ref) || this.#sending.size >= LIMITS.sending) continue;
      this.#sending.add(text.ref);
      this.#deliver(text);
    }
  }

  /** @param {Outgoing} text @param {unknown} error */
  #refused(text, error) {
    if (!(error instanceof ParleyError) || this.#outbox.get(text.ref) !== text) return;
    text.state = "refused";
    text.error = { word: error.word, text: error.text };
    this.#sending.delete(text.ref);
    this.#emit("outgoing", text);
    this.#keep(text);
  }

  /** @param {Outgoing} text */
  async #deliver(text) {
    const { number, body } = this.#textRequest(text);
    try {
      const { result } = await this.#ask(number, body, { ref: text.ref });
      text.cid = result.cid;
      text.time_ms = result.time_ms;
      if (this.#outbox.get(text.ref) === text) this.#remove(text, "stored");
    } catch (error) {
      this.#refused(text, error);
    }
    this.#pump();
  }

  /**
   * Uploads the file of a text, which can be sent then. Without a connection it waits for the next one.
   * @param {Outgoing} text @param {OutgoingFile} file
   */
  async #transfer(text, file) {
    const { ref } = text;
    const abort = new AbortController();
    const transfer = { abort };
    this.#transfers.set(ref, transfer);
    try {
      if (!file.bytes) throw new ParleyError("bytes_lost", "the bytes of the file were not kept");
      file.id = await this.#push(file, file.bytes, {
        signal: abort.signal,
        begun: this.#begun.get(ref),
        note: (begun) => {
          this.#begun.set(ref, begun);
          this.#keep(text);
        },
        progress: (sent) => this.#emit("progress", { ref, sent, size: file.size }),
      });
      this.#keep(text);
    } catch (error) {
      const { word } = /** @type {ParleyError} */ (error);
      const waits = word === "aborted" || (word === "disconnected" && !this.#link?.ready);
      if (!waits) this.#refused(text, error);
    } finally {
      if (this.#transfers.get(ref) === transfer) this.#transfers.delete(ref);
    }
    this.#pump();
  }

  /**
   * Removes what was uploaded, unless something shows it. What stays goes by itself within a day.
   * @param {string} url
   */
  #abandon(url) {
    this.#fetch(this.address(url), { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {});
  }

  #stopTransfers() {
    for (const { abort } of this.#transfers.values()) abort.abort();
    this.#transfers.clear();
  }

  /**
   * Announces a file, unless that was done, and sends its bytes. Resolves with its id.
   * @param {{name: string, size: number, mime: string}} file @param {Blob} bytes
   * @param {{signal: AbortSignal, begun?: {file: string, url: string}, note?: (begun: {file: string, url: string}) => void,
   *   progress: (sent: number) => void, timeout_ms?: number}} how
   */
  async #push({ name, size, mime }, bytes, { signal, begun, note, progress, timeout_ms }) {
    const announce = async () => {
      /** @type {{answer: any}} */
      let { answer } = { answer: null };
      // A repeat after a break may be answered without the address.
      for (let i = 0; !answer?.url && i < 3; i++)
        ({ answer } = await this.#ask(323, { name, size, mime: mime || undefined }, { timeout_ms, signal }));
      if (!answer?.url) throw new ParleyError("internal", "the server told no address");
      return { file: String(answer.file), url: String(answer.url) };
    };
    const old = begun;
    for (let known = begun ?? (await announce()); ; known = await announce()) {
      if (known !== old) note?.(known);
      const means = { fetch: this.#fetch, clock: this.#clock, signal };
      try {
        await new Transfer(bytes, this.address(known.url), means).run(known === old ? null : 0, progress);
        return known.file;
      } catch (error) {
        // The address is good for an hour.
        if (known !== old || /** @type {ParleyError} */ (error).word !== "no_file") throw error;
      }
    }
  }

  /** The texts that wait in the store replace those that this tab knows: another tab may have sent some of it. */
  async #loadOutbox() {
    const login = /** @type {Login} */ (this.#login);
    const rows = await this.store.list(`text:${login.id}:`);
    const kept = new Set(rows.map(([, text]) => text.ref));
    for (const { ref } of this.outbox) if (!kept.has(ref) && !this.#unstored.has(ref)) this.#forget(ref);
    await this.#take_over(rows.map(([, text]) => text));
  }

  /** @param {(Outgoing & {user?: string, upload?: {file: string, url: string}})[]} texts */
  async #take_over(texts) {
    const login = this.#login;
    for (const { user, upload, ...text } of texts.sort((one, other) => one.at - other.at)) {
      if (text.file) await this.#fetchBytes(login?.id ?? "", text);
      if (this.#login?.id !== login?.id) return;
      if (this.#outbox.has(text.ref) || this.#outbox.size >= LIMITS.outbox) continue;
      if (upload) this.#begun.set(text.ref, upload);
      this.#outbox.set(text.ref, text);
      this.#kept.add(text.ref);
      this.#emit("outgoing", text);
    }
    this.#pump();
  }

  /**
   * Gives a text's file the bytes that the store has of it.
   * @param {string} id of the login @param {Outgoing} text
   */
  async #fetchBytes(id, { ref, file }) {
    const row = await this.store.get(`bytes:${id}:${ref}`).catch(() => undefined);
    if (!file || !(row?.bytes instanceof Blob)) return;
    file.bytes = row.bytes;
    this.#stowed.set(ref, file.size);
  }

  /**
   * Takes the texts of the account's logins that ended, or whose tab was closed.
   * @param {Login} login
   */
  async #adopt(login) {
    const logins = new Map((await this.#logins()).map((other) => [other.id, other]));
    for (const [key, text] of await this.store.list("text:")) {
      const id = key.split(":")[1];
      if (text.user !== login.user || id === login.id || this.#login?.id !== login.id) continue;
      const move = async () => {
        const row = text.file && (await this.store.get(`bytes:${id}:${text.ref}`));
        if (row) await this.store.set(`bytes:${login.id}:${text.ref}`, row);
        await this.store.set(`text:${login.id}:${text.ref}`, text);
        await this.#unkeep(id, text);
        await this.#take_over([text]);
      };
      if (!logins.has(id)) await move();
      else await this.#locks()?.request(`parley:${id}`, { ifAvailable: true }, (lock) => (lock ? move() : undefined));
    }
  }

  // --- every request as a method -----------------------------------------------------------------

  /**
   * A request whose answer is its 300.
   * @param {number} number @param {object} body
   */
  async #do(number, body) {
    return (await this.request(number, body)).result;
  }

  /**
   * A request that is answered with content.
   * @param {number} number @param {object} body
   */
  async #get(number, body) {
    const { msgType, ref, ...content } = (await this.request(number, body)).answer;
    return content;
  }

  /** @param {any[]} messages @returns {Entry[]} */
  #entries(messages) {
    return messages.map((message) => toEntry(message, this.user ?? ""));
  }

  /**
   * Everything up to there was on the screen.
   * @param {Peer} peer @param {number} cid
   */
  read(peer, cid) {
    return this.#do(302, { peer, cid });
  }

  /**
   * @param {Peer} peer @param {{before?: number, after?: number, around?: number, limit?: number}} where
   * @returns {Promise<{entries: Entry[], from?: number, to?: number, more: boolean}>}
   */
  async history(peer, { before, after, around, limit } = {}) {
    const { messages, from, to, more } = await this.#get(303, { peer, before, after, around, limit });
    return { entries: this.#entries(messages), from, to, more };
  }

  /**
   * @param {{before?: number, limit?: number}} where
   * @returns {Promise<{conversations: {peer: Peer, name?: string, avatar?: string, cid: number, last: Entry|null,
   *   unread: number, mentions: number, received: number, read: number, muted_until: number}[], more: boolean}>}
   */
  async conversations({ before, limit } = {}) {
    const { conversations, more } = await this.#get(305, { before, limit });
    for (const one of conversations) one.last = one.last ? toEntry(one.last, this.user ?? "") : null;
    return { conversations, more };
  }

  /**
   * @param {{text: string, peer?: Peer, before?: number}} what
   * @returns {Promise<{entries: Entry[], before?: number, more: boolean}>}
   */
  async search({ text, peer, before }) {
    const answer = await this.#get(331, { text, peer, before });
    return { entries: this.#entries(answer.messages), before: answer.before, more: answer.more };
  }

  /**
   * All pages of a list, put together.
   * @param {number} number @param {object} body @param {string[]} names @returns {Promise<any>}
   */
  async #pages(number, body, names) {
    /** @type {Record<string, any[]>} */
    const all = Object.fromEntries(names.map((name) => [name, []]));
    let after;
    for (let page = 0; page < LIMITS.pages; page++) {
      /** @type {any} */
      const answer = await this.#get(number, { ...body, after, limit: 200 });
      for (const name of names) all[name].push(...(answer[name] ?? []));
      if (!answer.more) break;
      after = answer.after;
    }
    return all;
  }

  /**
   * @returns {Promise<{friends: {user: string, name: string, remark: string, avatar: string, online: boolean}[],
   *   requests: {user: string, name: string, avatar: string, mine: boolean}[], blocked: {user: string, name: string}[]}>}
   */
  friends() {
    return this.#pages(307, {}, ["friends", "requests", "blocked"]);
  }

  /** @param {string} group @param {{after?: number, limit?: number}} where @returns {Promise<any>} */
  members(group, { after, limit } = {}) {
    return this.#get(309, { group, after, limit });
  }

  /**
   * @param {string} group
   * @returns {Promise<{members: {user: string, name: string, nick: string, role: "owner"|"administrator"|"member",
   *   online: boolean, muted_until: number, avatar?: string, read?: number}[], requests: {user: string, name: string}[],
   *   banned: {user: string, name: string}[]}>}
   */
  allMembers(group) {
    return this.#pages(309, { group }, ["members", "requests", "banned"]);
  }

  /**
   * @param {{user: string}|{group: string}|{email: string}} whose
   * @returns {Promise<{user?: string, group?: string, name: string, avatar: string, about: string, remark?: string,
   *   friend?: boolean, member?: boolean, slow_s?: number}>}
   */
  profile(whose) {
    return this.#get(311, whose);
  }

  /**
   * Reports that the user is typing; at most once in three seconds.
   * @param {Peer} peer @returns {Promise<boolean>}
   */
  async typing(peer) {
    const now = this.#clock.now();
    for (const [key, then] of this.#typed) if (now - then >= LIMITS.typing_ms) this.#typed.delete(key);
    if (!this.#link?.ready || this.#typed.has(peerKey(peer))) return false;
    this.#typed.set(peerKey(peer), now);
    return this.#do(313, { peer }).then(
      () => true,
      () => false
    );
  }

  /** @param {Peer} peer @param {number} cid */
  recall(peer, cid) {
    return this.#do(315, { peer, cid });
  }

  /** @param {Peer} peer @param {number} cid @param {string} msg */
  edit(peer, cid, msg) {
    if (byteLength(msg) > LIMITS.text_bytes) return Promise.reject(new ParleyError("too_long", "the text is too long"));
    return this.#do(327, { peer, cid, msg });
  }

  /** @param {Peer} peer @param {number} cid @param {string} emoji @param {boolean} on */
  react(peer, cid, emoji, on) {
    return this.#do(329, { peer, cid, emoji, on });
  }

  /**
   * @returns {Promise<{devices: {id: string, device: string, transport: string, address: string, since_ms: number,
   *   heard_ms: number, online: boolean, this: boolean}[], more: boolean}>}
   */
  devices() {
    return this.#get(319, {});
  }

  /**
   * Ends a login of the account.
   * @param {string} id as devices() gives it
   */
  endDevice(id) {
    return this.#get(319, { close: id });
  }

  /**
   * Web Push for this login: shows the server's key and whether there is a subscription, sets one (the fields of
   * `PushSubscription.toJSON()`), or ends it.
   * @param {{endpoint?: string, p256dh?: string, auth?: string, off?: boolean}} [subscription]
   * @returns {Promise<{key: string, on: boolean}>}
   */
  push(subscription = {}) {
    return this.#get(345, subscription);
  }

  /** @param {string} user @param {boolean} on */
  block(user, on) {
    return this.#do(321, { user, on });
  }

  /**
   * @param {"me"|{group: string}|{friend: string}|{member: {group: string}}} of
   * @param {{name?: string, about?: string, avatar?: string, slow_s?: number, remark?: string, nick?: string}} fields
   */
  set(of, fields) {
    return this.#do(325, { of, ...fields });
  }

  // --- files

  /**
   * A path that the server gave, as a whole address.
   * @param {string} path
   */
  address(path) {
    return new URL(path, this.#url.replace(/^ws/u, "http")).href;
  }

  /**
   * Uploads a file, for `set()` and stickers; `send()` does it by itself.
   * @param {Blob|GivenFile} given
   * @param {{signal?: AbortSignal, progress?: (sent: number, size: number) => void}} how
   * @returns {Promise<{id: string, name: string, size: number, mime: string}>}
   */
  async upload(given, { signal = new AbortController().signal, progress } = {}) {
    if (!this.#login) throw new ParleyError("signed_out", "sign in first");
    const { bytes, name, size, mime } = describeFile(given);
    if (!bytes) throw new ParleyError("empty", "there are no bytes");
    const id = await this.#push({ name, size, mime }, bytes, {
      signal,
      progress: (sent) => progress?.(sent, size),
      timeout_ms: LIMITS.request_ms,
    });
    return { id, name, size, mime };
  }

  /**
   * The file that an entry shows, with addresses that are good for a while yet.
   * @param {{peer: Peer, cid: number, file?: SharedFile}} entry @param {{renew?: boolean}} how renew: whatever they say
   * @returns {Promise<SharedFile>}
   */
  async freshFile({ peer, cid, file }, { renew = false } = {}) {
    const until_s = file?.url ? Number(new URL(this.address(file.url)).searchParams.get("until")) : 0;
    if (file && !renew && until_s * 1000 > this.#clock.now() + LIMITS.part_ms) return file;
    const { entries } = await this.history(peer, { around: cid, limit: 1 });
    const found = entries.find((each) => each.cid === cid)?.file;
    if (!found?.url) throw new ParleyError("no_file", "nothing shows this file any more");
    return found;
  }

  /**
   * The bytes of the file that an entry shows.
   * @param {{peer: Peer, cid: number, file?: SharedFile}} entry @param {{signal?: AbortSignal}} how
   * @returns {Promise<Blob>}
   */
  async download(entry, { signal } = {}) {
    for (let renew = false; ; renew = true) {
      const { url = "" } = await this.freshFile(entry, { renew });
      /** @type {Response} */
      let answer;
      try {
        answer = await this.#fetch(this.address(url), { signal });
        if (answer.ok) return await answer.blob();
      } catch {
        throw signal?.aborted
          ? new ParleyError("aborted", "it was given up")
          : new ParleyError("disconnected", "the server cannot be reached");
      }
      if (renew || (answer.status !== 403 && answer.status !== 410)) throw await faultOf(answer);
    }
  }

  /**
   * The account's stickers, the newest first.
   * @returns {Promise<SharedFile[]>}
   */
  async stickers() {
    const { stickers } = await this.#get(343, {});
    return stickers.map((/** @type {SharedFile} */ each) => ({ ...each, kind: "sticker" }));
  }

  /**
   * Puts a picture among the stickers: bytes, the id of a file of one's own, or what an entry shows.
   * @param {Blob|string|{peer: Peer, cid: number, mine: boolean, file?: SharedFile}} picture
   * @param {{signal?: AbortSignal}} how
   * @returns {Promise<string>} its id
   */
  async addSticker(picture, { signal } = {}) {
    let id = typeof picture === "string" ? picture : "";
    if (picture instanceof Blob) ({ id } = await this.upload(picture, { signal }));
    else if (typeof picture === "object" && picture.mine) id = picture.file?.id ?? "";
    else if (typeof picture === "object") {
      // Others' files are not one's own to show: it becomes one.
      const bytes = await this.download(picture, { signal });
      ({ id } = await this.upload({ bytes, name: picture.file?.name, mime: picture.file?.mime }, { signal }));
    }
    await this.#do(341, { file: id, on: true });
    return id;
  }

  /** @param {string} id */
  removeSticker(id) {
    return this.#do(341, { file: id, on: false });
  }

  /**
   * Sets or takes away (null) the picture of the account or of a group.
   * @param {"me"|{group: string}} of @param {Blob|string|null} picture bytes, or the id of a file of one's own
   * @param {{signal?: AbortSignal}} how
   */
  async setAvatar(of, picture, { signal } = {}) {
    const avatar = picture instanceof Blob ? (await this.upload(picture, { signal })).id : picture ?? "";
    return this.set(of, { avatar });
  }

  /** @param {string} group @param {string} user @param {number} until_ms 0: not any more */
  muteMember(group, user, until_ms) {
    return this.#do(333, { group, user, until_ms });
  }

  /** @param {string} group @param {string} user @param {boolean} on */
  ban(group, user, on) {
    return this.#do(335, { group, user, on });
  }

  /** @param {Peer} peer @param {number} until_ms 0: not any more */
  quiet(peer, until_ms) {
    return this.#do(337, { peer, until_ms });
  }

  /**
   * Ends the account for good.
   * @param {{password?: string, texts?: "keep"|"blank"}} how
   */
  async forgetMe({ password, texts }) {
    const proof = password === undefined ? { confirm: true } : { password };
    const result = await this.#do(339, { ...proof, texts });
    if (this.#login) await this.#forgetLogin("signed_out");
    return result;
  }

  /** @param {string} user */
  askFriend(user) {
    return this.#do(13, { toUserId: user, fromUserId: this.user });
  }

  /** @param {string} user @param {boolean} ok */
  answerFriend(user, ok) {
    return this.#do(104, { fromUserId: this.user, toUserId: user, confirmResult: ok });
  }

  /** @param {string} user */
  removeFriend(user) {
    return this.#do(15, { fromUserId: this.user, toUserId: user });
  }

  /** @param {string} group the id, which is chosen @param {string} [name] */
  async createGroup(group, name) {
    const result = await this.#do(114, { ownerId: this.user, groupId: group });
    if (name !== undefined && name !== group) await this.set({ group }, { name });
    return result;
  }

  /** @param {string} group */
  joinGroup(group) {
    return this.#do(3, { fromUserId: this.user, groupId: group });
  }

  /** @param {string} group @param {string} user @param {boolean} ok */
  answerJoin(group, user, ok) {
    return this.#do(106, { handleAdministratorId: this.user, groupId: group, toUserId: user, confirmResult: ok });
  }

  /**
   * Adds a friend to a group.
   * @param {string} group @param {string} user
   */
  invite(group, user) {
    return this.answerJoin(group, user, true);
  }

  /** @param {string} group */
  leave(group) {
    return this.#do(11, { fromUserId: this.user, groupId: group });
  }

  /** @param {string} group @param {string} user */
  removeMember(group, user) {
    return this.#do(17, { fromAdministratorId: this.user, fromGroupId: group, toUserId: user });
  }

  /** @param {string} group @param {string} user */
  addAdmin(group, user) {
    return this.#do(19, { ownerId: this.user, groupId: group, toUserId: user });
  }

  /** @param {string} group @param {string} user */
  removeAdmin(group, user) {
    return this.#do(21, { ownerId: this.user, groupId: group, fromUserId: user });
  }

  /** @param {string} group */
  dissolve(group) {
    return this.#do(111, { ownerId: this.user, groupId: group });
  }

  /** A sign of life, which the server answers. */
  heartbeat() {
    return this.#do(99, {});
  }
}
