/**
 * Web Push: this browser is woken while no page is open. It is loaded where the reader has switched notifications on;
 * the subscription belongs to the login, and is given anew with each.
 * @module
 */

/** A page with Trusted Types takes the address of a worker from a policy alone. */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("sw", {
  createScriptURL: (/** @type {string} */ url) => url,
});

/** Whether this browser can be woken at all. */
export function canPush() {
  return isSecureContext && "serviceWorker" in navigator && "PushManager" in globalThis;
}

/**
 * Subscribes this login. Returns whether it will be woken; a server or browser that has no Web Push is no fault.
 * @param {import("../parley.js").Parley} parley
 */
export async function startPush(parley) {
  if (!canPush()) return false;
  try {
    const { key } = await parley.push();
    const address = "sw.js";
    await navigator.serviceWorker.register(policy?.createScriptURL(address) ?? address);
    const { pushManager } = await navigator.serviceWorker.ready;
    const { endpoint, keys } = (await subscribe(pushManager, key)).toJSON();
    return (await parley.push({ endpoint, ...keys })).on;
  } catch {
    return false; // the page itself still notifies
  }
}

/**
 * A subscription under another key is of another server's life.
 * @param {PushManager} manager @param {string} key
 */
async function subscribe(manager, key) {
  const how = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await manager.subscribe(how);
  } catch {
    await (await manager.getSubscription())?.unsubscribe();
    return manager.subscribe(how);
  }
}

/** @param {import("../parley.js").Parley} parley */
export async function stopPush(parley) {
  if (!canPush()) return;
  const registration = await navigator.serviceWorker.getRegistration();
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  await parley.push({ off: true }).catch(() => {});
}
