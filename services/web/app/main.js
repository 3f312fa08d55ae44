/**
 * Starts the page: language, theme, connection, then the sign-in or the conversations.
 * @module
 */
import { Parley } from "../parley.js";
import "../elements/app-shell.js";
import "../elements/details-panel.js";
import "../elements/find-person.js";
import "../elements/message-list.js";
import "../elements/new-group.js";
import "../elements/picture-viewer.js";
import "../elements/request-card.js";
import "../elements/search-panel.js";
import "../elements/settings-panel.js";
import "../elements/sign-in.js";
import "../elements/text-composer.js";
import { h } from "./dom.js";
import { loadLanguage, onLanguage, t } from "./i18n.js";
import { listenForKeys } from "./keys.js";
import { Model } from "./model.js";
import { wakeThisBrowser, watchTexts } from "./notify.js";
import { linkTo, openPeer, peerInAddress, takeToken } from "./address.js";
import { applyTheme, onSetting } from "./settings.js";
import { showUnread } from "./unread.js";

/**
 * The `page` of every element.
 * @typedef {object} Page
 * @property {Parley} parley
 * @property {Model} model
 * @property {typeof t} t
 * @property {Record<string, any>} info the answer to `GET /api/info`
 * @property {any} conversation the one that is open, or null
 * @property {(view: "sign-in" | "app", options?: Record<string, any>) => void} show
 * @property {(peer: any, how?: {cid?: any}) => void} openConversation null: back to the list; `cid`: where to scroll to
 * @property {(peer: any) => void} openDetails
 * @property {(name: string | null, options?: any) => void} openPanel
 * @property {() => void} closePanel
 * @property {() => void} quickSwitch
 * @property {(item: any) => void} viewPicture
 * @property {() => void} focusComposer
 * @property {(peer: any) => string} linkTo
 * @property {(text: string, how?: {silent?: boolean}) => void} announce
 * @property {() => Promise<void>} signOut
 */

/** @type {Record<string, string>} whom a link of the demo opens first */
const DEMO_FRIENDS = { anna: "ben", ben: "anna" };
const NARROW = 719;
const TOAST_MS = 6000;
const status = h("div", { role: "status", class: "toast" });
/** @type {any} */
let shown = null;
let view = "";
/** @type {Record<string, any>} */
let viewOptions = {};
let toastTimer = 0;

/** @param {"sign-in" | "app"} name @param {Record<string, any>} [options] */
function show(name, options = {}) {
  view = name;
  viewOptions = options;
  const element = /** @type {any} */ (document.createElement(name === "app" ? "app-shell" : "sign-in"));
  element.page = page;
  element.options = options;
  shown = element;
  document.body.replaceChildren(element, status);
  if (name === "app") routed();
  showUnread(page);
  performance.mark("usable");
}

/** Shows the conversation that stands in the address. */
function routed() {
  if (view !== "app") return;
  const peer = peerInAddress();
  const conversation = peer ? page.model.conversation(peer) : null;
  if (conversation === page.conversation && shown.shows) return shown.closePanel(); // back, on a phone
  page.conversation = conversation;
  shown.showConversation();
  showUnread(page);
}

/** @param {any} peer @param {{cid?: any}} [how] */
function openConversation(peer, how = {}) {
  openPeer(peer);
  routed();
  if (!peer) return;
  if (how.cid === undefined) page.focusComposer();
  else shown.jumpTo(how.cid);
}

/** @param {string} text @param {{silent?: boolean}} [how] */
function announce(text, how = {}) {
  clearTimeout(toastTimer);
  status.classList.toggle("visually-hidden", Boolean(how.silent));
  status.textContent = text;
  toastTimer = window.setTimeout(() => (status.textContent = ""), TOAST_MS);
}

async function signOut() {
  await page.parley.logout();
}

const parley = new Parley({ url: socketAddress(), device: deviceName() });

/** @type {Page} */
const page = {
  parley,
  model: new Model(parley),
  t,
  info: {},
  conversation: null,
  show,
  openConversation,
  openDetails: (peer) => (peer ? shown.openPanel?.("details", { peer }) : shown.openPanel?.(null)),
  openPanel: (name, options) => shown.openPanel?.(name, options),
  closePanel: () => shown.openPanel?.(null),
  quickSwitch: () => shown.quickSwitch?.(),
  viewPicture: (item) => shown.viewPicture?.(item),
  focusComposer: () => shown.focusComposer?.(),
  linkTo,
  announce,
  signOut,
};

function socketAddress() {
  const address = new URL(".", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

/** This device's name in the list of devices: "Firefox on Linux". */
function deviceName() {
  const agent = navigator.userAgent;
  const browser = /Edg\/|Firefox\/|OPR\/|Chrome\/|Safari\//.exec(agent)?.[0].slice(0, -1) ?? "Browser";
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(agent)?.[0] ?? "";
  const name = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return system ? `${name}, ${system}` : name;
}

/** Shows the conversations: known ones at once, the rest when the server has answered. */
function enter() {
  const { model } = page;
  const started = model.start();
  show("app");
  void wakeThisBrowser(parley).catch(() => {});
  started.catch((/** @type {any} */ error) => error.word !== "disconnected" && announce(error.text ?? String(error)));
}

function ended() {
  const { name, reason } = parley.state;
  if (view !== "app") return;
  if (name !== "ended" && name !== "signed_out") return;
  page.conversation = null;
  history.replaceState(null, "", location.pathname);
  page.model = new Model(parley);
  show("sign-in", { enter, reason: name === "ended" ? reason ?? "ended" : null });
}

async function start() {
  const token = takeToken();
  applyTheme();
  const info = fetch("api/info").then((answer) => (answer.ok ? answer.json() : {}), () => ({}));
  await loadLanguage();
  page.info = await info;
  listenForKeys(page);
  watchTexts(page);
  parley.addEventListener("state", ended);
  window.addEventListener("popstate", routed);
  window.addEventListener("pagehide", () => page.model.keep.save());
  // What another device of the account has asked and answered is not reported to this one.
  window.addEventListener("focus", () => void page.model.refreshFriends().catch(() => {}));
  onLanguage(() => show(/** @type {any} */ (view), viewOptions));
  onSetting((name) => name === "theme" && applyTheme());

  if (token) {
    try {
      await parley.loginByToken(token);
      return enter();
    } catch (error) {
      return show("sign-in", { enter, error });
    }
  }
  const as = page.info.demo ? new URLSearchParams(location.search).get("as") : null;
  try {
    const found = await parley.restore(as ? { user: as } : undefined);
    if (found === "held" && !as) return show("sign-in", { enter, held: true });
    if (found !== "resumed" && as) await parley.signIn({ user: as });
    else if (found !== "resumed") return show("sign-in", { enter });
    enter();
    if (as && !page.conversation && as in DEMO_FRIENDS && innerWidth > NARROW)
      openConversation({ user: DEMO_FRIENDS[as] });
  } catch (error) {
    show("sign-in", { enter, error, user: as });
  }
}

await start();
