/** The parts of a browser that parley.js uses in a tab. Tabs of one browser share the locks and the store. */

class FakeLocks {
  #held = new Map();
  #queues = new Map();

  async request(name, options, act) {
    if (options.steal && this.#held.has(name)) this.#held.get(name).lost();
    else if (this.#held.has(name)) {
      if (options.ifAvailable) return act(null);
      await this.#wait(name, options.signal);
    }
    let lost;
    const stolen = new Promise((_, reject) => {
      lost = () => reject(new DOMException("stolen", "AbortError"));
    });
    stolen.catch(() => {});
    const mine = { lost };
    this.#held.set(name, mine);
    try {
      return await Promise.race([act({ name }), stolen]);
    } finally {
      if (this.#held.get(name) === mine) {
        this.#held.delete(name);
        this.#queues.get(name)?.shift()?.();
      }
    }
  }

  #wait(name, signal) {
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      this.#queues.set(name, [...(this.#queues.get(name) ?? []), resolve]);
    });
  }

  holds(name) {
    return this.#held.has(name);
  }
}

export class FakeBrowser {
  locks = new FakeLocks();

  /** A new tab; `withLocks` false: an address without TLS. */
  tab({ withLocks = true, session = new Map() } = {}) {
    const host = new EventTarget();
    host.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    host.navigator = { onLine: true, locks: withLocks ? this.locks : undefined };
    host.sessionStorage = {
      getItem: (key) => session.get(key) ?? null,
      setItem: (key, value) => void session.set(key, value),
    };
    host.show = (visible) => {
      host.document.visibilityState = visible ? "visible" : "hidden";
      host.document.dispatchEvent(new Event("visibilitychange"));
    };
    /** It goes to another page, and the browser keeps this one for a way back. */
    host.leave = () => {
      host.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
      host.show(false);
    };
    /** Hidden for long, it is stopped. */
    host.freeze = () => {
      host.show(false);
      host.document.dispatchEvent(new Event("freeze"));
    };
    host.connect = (online) => {
      host.navigator.onLine = online;
      host.dispatchEvent(new Event(online ? "online" : "offline"));
    };
    return host;
  }
}
