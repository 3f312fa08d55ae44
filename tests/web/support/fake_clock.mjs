/** A clock that stands still until a test moves it on, and waits for steps under way. */

/** Lets everything run that waits for no timer. */
export async function settle() {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeClock {
  #now = 1_800_000_000_000;
  #timers = new Map();
  #next = 1;
  /** The result of `random`. */
  chance = 0.5;

  now = () => this.#now;
  random = () => this.chance;

  setTimeout = (act, ms) => {
    this.#timers.set(this.#next, { act, at: this.#now + ms });
    return this.#next++;
  };

  clearTimeout = (timer) => void this.#timers.delete(timer);

  /** How many timers wait. */
  get waiting() {
    return this.#timers.size;
  }

  /** Moves on by `ms`; every timer that is due runs at its time. */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
      if (due.length === 0) break;
      const [timer, { act, at }] = due[0];
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      act();
      await settle();
    }
    this.#now = end;
  }
}
