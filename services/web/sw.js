/**
 * The service worker: shows what wakes this browser (Web Push), and leads to the conversation. It serves no files.
 * The page registers it when the reader switches notifications on (app/push.js).
 * @module
 */
const worker = /** @type {any} */ (globalThis);

/**
 * The words of the reader's language, or English ones.
 * @param {string} key
 * @returns {Promise<{text: any, code: string}>}
 */
async function word(key) {
  /** @type {string[]} */
  const codes = [...navigator.languages.map((code) => code.slice(0, 2)), "en"];
  for (const code of codes) {
    /** @type {Record<string, any>} */
    const words = await fetch(`language/${code}.json`).then((answer) => (answer.ok ? answer.json() : {}), () => ({}));
    if (words[key]) return { text: words[key], code };
  }
  return { text: "", code: "en" };
}

/**
 * "3 unread texts".
 * @param {number} count
 */
async function unread(count) {
  const { text, code } = await word("notify.unread");
  const form = typeof text === "string" ? text : text[new Intl.PluralRules(code).select(count)] ?? text.other;
  return form.replace("{count}", String(count));
}

/**
 * Where the page shows the conversation, as app/address.js writes it.
 * @param {any} message
 */
function linkTo({ conversation, from }) {
  const [kind, id] = conversation.group ? ["group", conversation.group.id] : ["user", from?.id];
  return id && conversation.kind !== "own" ? `#${kind}:${encodeURIComponent(id)}` : "";
}

/** @param {any} message the event `offline` of docs/hooks.md */
async function show(message) {
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  // Who looks at the page is told by the page.
  if (windows.some((/** @type {any} */ each) => each.visibilityState === "visible")) return;
  const { conversation, from, text } = message;
  await worker.registration.showNotification(conversation.name || from?.id || "parley", {
    body: text || (await unread(message.unread)),
    tag: conversation.id,
    icon: "icon.svg",
    data: { link: linkTo(message) },
  });
}

/** @param {string} link */
async function openAt(link) {
  const address = new URL(link || ".", worker.registration.scope).href;
  const [found] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!found) return worker.clients.openWindow(address);
  await found.focus();
  return link ? found.navigate(address) : undefined;
}

worker.addEventListener("push", (/** @type {any} */ event) => event.waitUntil(show(event.data.json())));
worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(openAt(event.notification.data.link));
});
