/**
 * A server without a network: `server.WebSocket` is the class that the client opens. It answers logins and texts;
 * everything else a test answers by `server.on(number, answer)` or by hand.
 */

export class FakeServer {
  /** Connections that were opened, the newest last. */
  links = [];
  /** Every object that arrived, in order. */
  received = [];
  /** False: nobody can connect. "hangs": connections never open. */
  reachable = true;
  epoch = 7;
  #answers = new Map();
  #stored = new Map();
  #cid = 1000;

  constructor() {
    const server = this;
    this.WebSocket = class FakeSocket {
      readyState = 0;
      constructor(url) {
        this.url = url;
        server.links.push(this);
        if (server.reachable === "hangs") return;
        queueMicrotask(() => {
          if (this.readyState !== 0) return;
          if (!server.reachable) return this.end(1006, "");
          this.readyState = 1;
          this.onopen?.();
        });
      }
      send(text) {
        if (this.readyState !== 1) throw new Error("not open");
        const message = JSON.parse(text);
        server.received.push(message);
        queueMicrotask(() => this.readyState === 1 && server.#take(this, message));
      }
      close() {
        this.readyState = 3;
      }
      /** The server sends. */
      push(...messages) {
        for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
      }
      /** The connection ends. */
      end(code, reason) {
        this.readyState = 3;
        this.onclose?.({ code, reason });
      }
    };
    this.on(1, (message) => this.grant(message, message.msgBody.loginUserId));
    this.on(317, (message) => this.grant(message, message.msgBody.token.split("-")[1]));
    for (const number of [5, 7]) this.on(number, (message) => [this.store(message)]);
  }

  get link() {
    return this.links.at(-1);
  }

  /** How requests with this number are answered: a list of messages; an empty one: not at all. */
  on(number, answer) {
    this.#answers.set(number, answer);
  }

  #take(link, message) {
    const answer = this.#answers.get(Number(message.msgType)) ?? ((asked) => [this.ok(asked)]);
    link.push(...answer(message, link).filter((one) => one.msgType !== 300 || one.ref !== undefined));
  }

  ok = ({ ref }, more = {}) => ({ msgType: 300, ref, ok: true, ...more });
  refuse = ({ ref }, error, text = error) => ({ msgType: 300, ref, ok: false, error, text });

  grant(message, user) {
    return [
      { msgType: 2, resultCode: "success", token: `token-${user}`, epoch: this.epoch, user },
      this.ok(message),
    ];
  }

  /** Stores a text once for each ref. */
  store(message) {
    if (!this.#stored.has(message.ref)) this.#stored.set(message.ref, { cid: ++this.#cid, time_ms: 1, message });
    const { cid, time_ms } = this.#stored.get(message.ref);
    return this.ok(message, { cid, time_ms });
  }

  /** The texts that were stored, in order. */
  get texts() {
    return [...this.#stored.values()].map(({ message }) => message.msgBody.msg);
  }

  /** The requests with this number that arrived. */
  got(number) {
    return this.received.filter((message) => message.msgType === number);
  }
}
