/**
 * Which conversation is open stands in the address, so that reload, back and bookmarks work. A page of
 * another app opens this one logged in by `#token=`, which is taken out of it at once.
 * @module
 */
import { parsePeer, peerKey } from "../parley.js";

/** @param {any} peer */
export function linkTo(peer) {
  return "#" + encodeURIComponent(peerKey(peer)).replace("%3A", ":");
}

/** The peer that the address names, or null. */
export function peerInAddress() {
  try {
    return location.hash.length > 1 ? parsePeer(decodeURIComponent(location.hash.slice(1))) : null;
  } catch {
    return null; // half an escape, or no peer
  }
}

/** The token that the address brings, or "". From here on it is not there, nor in the history. */
export function takeToken() {
  const token = location.hash.startsWith("#token=") ? location.hash.slice("#token=".length) : "";
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

/**
 * Opens a conversation, or the list (null). Back leads from a conversation to the list, and on to
 * where the reader was before.
 * @param {any} peer
 */
export function openPeer(peer) {
  const bare = location.pathname + location.search;
  if (peer) {
    if (linkTo(peer) === location.hash) return;
    history.pushState({ fromList: location.hash.length < 2 }, "", linkTo(peer));
  } else if (history.state?.fromList) history.back(); // the page follows once the browser has gone back
  else history.replaceState(null, "", bare);
}
