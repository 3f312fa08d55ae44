/**
 * Cuts a text into the pieces that are shown: plain ones, links and mentions. Nothing here parses markup, and the work
 * grows with the text's length only.
 * @module
 */
import { h } from "../app/dom.js";

/** @typedef {{name: string, me: boolean}} Mentioned */
/** @typedef {{kind: "plain"|"link"|"mention", text: string, href?: string, me?: boolean}} Piece */

/* Longer texts are folded: nobody reads them in passing, and a screen of marks stays cheap. */
const FOLD_CHARACTERS = 1600;
const FOLD_LINES = 18;
/* A hostile text may hold thousands of links. The first ones will do. */
const LINKS_MAX = 200;
const LINK_CHARACTERS_MAX = 2048;

/* An address ends at white space, at quotes and brackets that no address holds, at the punctuation of
   Chinese, and at characters that turn the direction of writing. */
const ADDRESS = /https?:\/\/[^\s<>"`{}|\\^，。！？；：、（）【】《》「」『』“”‘’\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;

/**
 * The address without the punctuation of the sentence around it. A closing bracket belongs to the
 * address if it opens there, too.
 * @param {string} address
 */
function withoutPunctuation(address) {
  /** @type {Record<string, number>} how often each bracket stands in what is left */
  const left = { "(": 0, ")": 0, "[": 0, "]": 0 };
  for (const character of address) if (character in left) left[character]++;
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1];
    if (".,;:!?'*_~".includes(last)) continue;
    const open = last === ")" ? "(" : last === "]" ? "[" : "";
    if (!open || left[open] >= left[last]) break;
    left[last]--;
  }
  return address.slice(0, end);
}

/**
 * The address as a link may hold it, or null. One with a name before the host (`https://bank@evil`)
 * shows one host and opens another: it stays text.
 * @param {string} address
 */
export function safeLink(address) {
  try {
    const url = new URL(address);
    const plain = (url.protocol === "http:" || url.protocol === "https:") && !url.username && !url.password;
    return plain && url.hostname ? url.href : null;
  } catch {
    return null;
  }
}

/** @param {string} text @param {Mentioned[]} mentions @returns {Piece[]} */
function withMentions(text, mentions) {
  if (mentions.length === 0 || !text.includes("@")) return text ? [{ kind: "plain", text }] : [];
  const names = mentions.map(({ name }) => name).sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`@(?:${names.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")})`, "gu");
  /** @type {Piece[]} */
  const found = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const at = match.index ?? 0;
    if (at > end) found.push({ kind: "plain", text: text.slice(end, at) });
    const me = mentions.some(({ name, me }) => me && name === match[0].slice(1));
    found.push({ kind: "mention", text: match[0], me });
    end = at + match[0].length;
  }
  if (end < text.length) found.push({ kind: "plain", text: text.slice(end) });
  return found;
}

/**
 * @param {string} text
 * @param {Mentioned[]} mentions the names that `@` may stand before
 * @returns {Piece[]}
 */
export function piecesOf(text, mentions = []) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  let links = 0;
  for (const match of text.matchAll(ADDRESS)) {
    if (links === LINKS_MAX) break;
    const address = match[0].length <= LINK_CHARACTERS_MAX ? withoutPunctuation(match[0]) : "";
    const href = address && safeLink(address);
    if (!href) continue;
    links++;
    const at = match.index ?? 0;
    pieces.push(...withMentions(text.slice(end, at), mentions), { kind: "link", text: address, href });
    end = at + address.length;
  }
  pieces.push(...withMentions(text.slice(end), mentions));
  return pieces;
}

/**
 * The beginning that a long text is folded to, or null if it is shown whole. It never ends within a
 * character.
 * @param {string} text
 */
export function folded(text) {
  let end = Math.min(text.length, FOLD_CHARACTERS);
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1))
    if (++lines === FOLD_LINES) end = at;
  if (text.length - end < FOLD_CHARACTERS / 8 && lines < FOLD_LINES) return null;
  if (end > 0 && /[\ud800-\udbff]/.test(text[end - 1])) end--;
  return text.slice(0, end);
}

/**
 * The nodes of a text.
 * @param {string} text
 * @param {Mentioned[]} mentions
 * @returns {Node[]}
 */
export function textNodes(text, mentions) {
  return piecesOf(text, mentions).map((piece) => {
    if (piece.kind === "plain") return document.createTextNode(piece.text);
    if (piece.kind === "mention") return h("bdi", { class: piece.me ? "mention self" : "mention" }, piece.text);
    return h("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer" }, piece.text);
  });
}
