/** A model on a log, ready to talk. */
import { Model } from "../../../services/web/app/model.js";
import { FakeParley, Log, TestClock, TestStorage, settle } from "./fake_parley.mjs";

export const BEN = Object.freeze({ user: "ben" });
export const CLUB = Object.freeze({ group: "club" });

export async function rig({ prepare, start = true } = {}) {
  const clock = new TestClock();
  const log = new Log("anna", clock);
  const storage = new TestStorage();
  prepare?.(log, storage);
  const parley = new FakeParley(log);
  const model = new Model(parley, { storage, clock });
  parley.connect();
  if (start) await model.start();
  await settle();
  return {
    clock,
    log,
    storage,
    parley,
    model,
    /** Somebody else's text, delivered. */
    hear(peer, by, msg, more) {
      const entry = log.text(peer, by, msg, more);
      parley.deliver(entry);
      return entry;
    },
    /** Any other entry, delivered. */
    notice(peer, entry) {
      const stored = log.store(peer, entry);
      parley.deliver(stored);
      return stored;
    },
  };
}

/** The words of a shown conversation. */
export const words = (conversation) => conversation.items.map((item) => (item.kind === "text" ? item.msg : item.kind));
