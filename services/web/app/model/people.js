/**
 * People, as far as they are known: from the lists of friends and members, and else asked for one by one
 * when somebody's name is wanted.
 * @module
 */

export const LIMITS = Object.freeze({
  // limit: web | people of whom the page knows the name | 2,000 | the one not shown for longest is forgotten, unless a friend
  people: 2000,
  // limit: web | people whose profile is to be asked for; at once | 256; 4 | the first to wait is left out, until the name is shown again
  asked: 256,
  asking: 4,
});

const SERVER = "SYSTEM";

export class Person {
  name = "";
  remark = "";
  about = "";
  avatar = "";
  online = false;
  friend = false;
  blocked = false;
  known = false;

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }

  get title() {
    return this.remark || this.name || this.id;
  }
}

export class People {
  /** @type {Map<string, Person>} the one that was wanted last is the last */ #people = new Map();
  /** @type {Set<string>} */ #wanted = new Set();
  #asking = 0;
  #model;

  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.#model = model;
  }

  /**
   * The person at once; if nothing is known yet, "person" follows when it is.
   * @param {string} id @returns {Person}
   */
  get(id) {
    let person = this.#people.get(id);
    if (person) this.#people.delete(id);
    else person = new Person(id);
    this.#people.set(id, person);
    if (!person.known && id !== SERVER) this.#want(id);
    if (this.#people.size > LIMITS.people) this.#forget();
    return person;
  }

  /** Friends and those that are blocked stay. */
  #forget() {
    for (const [id, person] of this.#people)
      if (!person.friend && !person.blocked) return this.#people.delete(id);
  }

  get size() {
    return this.#people.size;
  }

  /**
   * Takes a person's fields from a list.
   * @param {string} id @param {Partial<Omit<Person, "id" | "title">>} what
   */
  learn(id, what) {
    const person = this.#people.get(id) ?? new Person(id);
    this.#people.delete(id);
    this.#people.set(id, person);
    const before = JSON.stringify(person);
    Object.assign(person, what);
    if (what.name !== undefined) person.known = true;
    if (this.#people.size > LIMITS.people) this.#forget();
    if (JSON.stringify(person) !== before) this.#model.emit("person", { user: id });
    return person;
  }

  /**
   * The profile has changed: it is asked for again, if anybody wants it.
   * @param {string} id
   */
  renew(id) {
    if (!this.#people.has(id)) return;
    this.#want(id);
  }

  /**
   * All of whom something holds.
   * @param {(person: Person) => boolean} test
   */
  filter(test) {
    return [...this.#people.values()].filter(test);
  }

  clear() {
    this.#people.clear();
    this.#wanted.clear();
  }

  /** @param {string} id */
  #want(id) {
    if (this.#wanted.has(id)) return;
    this.#wanted.add(id);
    if (this.#wanted.size > LIMITS.asked) for (const first of this.#wanted) {
      this.#wanted.delete(first);
      break;
    }
    queueMicrotask(() => this.ask());
  }

  /** Asks for those that are wanted, while there is a connection. */
  ask() {
    while (this.#asking < LIMITS.asking && this.#wanted.size > 0 && this.#model.connected) {
      const id = /** @type {string} */ (this.#wanted.values().next().value);
      this.#wanted.delete(id);
      this.#asking++;
      this.#profile(id).finally(() => {
        this.#asking--;
        this.ask();
      });
    }
  }

  /** @param {string} id */
  async #profile(id) {
    const { parley } = this.#model;
    try {
      const { name, about, avatar = "", remark = "", friend = false } = await parley.profile({ user: id });
      this.learn(id, { name, about, avatar, remark, friend });
    } catch (error) {
      // Somebody who does not exist is shown by the id. Without a connection it is asked for later.
      const { word } = /** @type {{word?: string}} */ (error);
      if (word === "no_account") this.learn(id, { known: true });
      else if (word === "disconnected" && this.#people.has(id)) this.#wanted.add(id);
    }
  }
}
