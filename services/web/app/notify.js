/**
 * Notifications of texts that arrive while the page is hidden. The reader switches them on by a click;
 * conversations that are quiet make none.
 * @module
 */
import { t } from "./i18n.js";
import { itemText } from "./notice.js";
import { setSetting, setting } from "./settings.js";

const FRESH_MS = 60_000;
const LENGTH = 160;

/** "on", "off", "denied" by the browser, or "unsupported". */
export function notificationState() {
  if (!("Notification" in globalThis) || !isSecureContext) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return setting("notify") && Notification.permission === "granted" ? "on" : "off";
}

/**
 * Asks the reader, from a click, and switches notifications on. Returns the state after it.
 * @param {import("../parley.js").Parley} [parley] is woken, too, while no page is open
 */
export async function askNotifications(parley) {
  if (notificationState() === "unsupported") return "unsupported";
  setSetting("notify", (await Notification.requestPermission()) === "granted");
  if (parley) await wakeThisBrowser(parley);
  return notificationState();
}

/**
 * Where the reader wants it: with each login.
 * @param {import("../parley.js").Parley} parley
 */
export async function wakeThisBrowser(parley) {
  if (notificationState() === "on") await (await import("./push.js")).startPush(parley);
}

/** @param {import("../parley.js").Parley} parley */
export async function endNotifications(parley) {
  setSetting("notify", false);
  await (await import("./push.js")).stopPush(parley);
}

/** @param {import("./main.js").Page} page */
export function watchTexts(page) {
  page.parley.addEventListener("entry", (/** @type {any} */ { detail: entry }) => {
    if (!document.hidden || entry.kind !== "text" || entry.mine || notificationState() !== "on") return;
    if (Date.now() - entry.time_ms > FRESH_MS) return; // texts that arrived while nobody was here are in the list
    const conversation = page.model.conversation(entry.peer);
    if (!(conversation.muted_until > Date.now())) notify(page, conversation, entry);
  });
}

/** @param {import("./main.js").Page} page @param {any} conversation @param {any} entry */
function notify(page, conversation, entry) {
  const name = page.model.people.get(entry.by)?.title ?? entry.by;
  const text = [...itemText(page, conversation, entry)].slice(0, LENGTH).join("");
  const group = "group" in conversation.peer;
  try {
    const shown = new Notification(group ? t("notify.group", { name, group: conversation.title }) : name, {
      body: text,
      tag: conversation.key,
      icon: "icon.svg",
      lang: document.documentElement.lang,
    });
    shown.onclick = () => {
      window.focus();
      page.openConversation(conversation.peer);
      shown.close();
    };
  } catch {
    // Android's browsers know notifications only of service workers.
  }
}
