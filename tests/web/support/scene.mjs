/** A client of a fake server with a fake clock, and its events. */
import { memoryStore, Parley } from "../../../services/web/parley.js";
import { FakeClock, settle } from "./fake_clock.mjs";
import { FakeServer } from "./fake_server.mjs";

export const EVENTS = [
  ...["state", "entry", "outgoing", "mark", "typing", "presence", "quiet", "skipped", "epoch", "fault", "progress"],
];

export const ben = { user: "ben" };

/** {parley, server, clock, store, heard: {state: [...], entry: [...], ...}} */
export function makeScene({ server = new FakeServer(), clock = new FakeClock(), store = memoryStore(), ...options } = {}) {
  const host = options.host ?? new EventTarget();
  const parley = new Parley({ url: "ws://server/", store, clock, WebSocket: server.WebSocket, ...options, host });
  const heard = Object.fromEntries(EVENTS.map((name) => [name, []]));
  for (const name of EVENTS)
    parley.addEventListener(name, ({ detail }) => heard[name].push(structuredClone(detail)));
  return { parley, server, clock, store, host, heard };
}

/** The same, with anna signed in; `signIn: false`: by the login that the store has. */
export async function makeSignedIn({ signIn = true, ...options } = {}) {
  const scene = makeScene(options);
  if (signIn) await scene.parley.signIn({ user: "anna" });
  else await scene.parley.restore();
  await settle();
  return scene;
}

/** The error that a promise or function ends with. */
export async function errorOf(act) {
  try {
    await (typeof act === "function" ? act() : act);
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}
