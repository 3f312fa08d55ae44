/**
 * The page's words, in the reader's language. `language/<code>.json` holds them by key; what a language
 * lacks is shown in English.
 * @module
 */
import { setSetting, setting } from "./settings.js";

export const LANGUAGES = { en: "English", zh: "中文" };
/** @type {Record<string, string | Record<string, string>>} */
let words = {};
/** @type {Record<string, string | Record<string, string>>} */
let english = {};
let current = "en";
let plurals = new Intl.PluralRules("en");
/** Folders with words: the page's own, and another page's. */
const folders = [new URL("../language/", import.meta.url)];
/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * The text under `key` with `{name}` replaced by `params.name`. A text with several forms is chosen by
 * `params.count`.
 * @param {string} key
 * @param {Record<string, any>} [params]
 * @returns {string}
 */
export function t(key, params = {}) {
  let text = words[key] ?? english[key] ?? key;
  if (typeof text === "object") text = text[plurals.select(Number(params.count))] ?? text.other ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? withoutTurns(String(params[name])) : whole));
}

/**
 * Without the characters that turn the direction of writing, which a name may hold: they would turn the
 * sentence around it as well. An isolate around all of it stays.
 * @param {string} text
 */
export function withoutTurns(text) {
  const isolated = text.startsWith("\u2068") && text.endsWith("\u2069");
  const plain = text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
  return isolated ? `\u2068${plain}\u2069` : plain;
}

/** The language in use, as in `<html lang>`. */
export function language() {
  return current;
}

/** For dates and numbers: the browser's own variety of the language in use, such as en-GB. */
export function locale() {
  return navigator.languages.find((code) => code.startsWith(current)) ?? current;
}

/**
 * Loads the language that was chosen, or the browser's.
 * @param {URL} [folder] with further words
 */
export async function loadLanguage(folder) {
  if (folder) folders.push(folder);
  const wanted = setting("language") ?? navigator.languages.map((code) => code.slice(0, 2)).find((code) => code in LANGUAGES);
  await use(wanted in LANGUAGES ? wanted : "en");
}

/** @param {string} code */
export async function setLanguage(code) {
  setSetting("language", code);
  await use(code);
  for (const listener of [...listeners]) listener();
}

/** @param {string} code */
async function use(code) {
  const [base, own] = await Promise.all([
    Object.keys(english).length ? english : load("en"),
    code === "en" ? {} : load(code),
  ]);
  [english, words, current] = [base, own, code];
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = code;
}

/** @param {string} code */
async function load(code) {
  const answers = await Promise.all(folders.map((folder) => fetch(new URL(`${code}.json`, folder))));
  return Object.assign({}, ...(await Promise.all(answers.map((answer) => (answer.ok ? answer.json() : {})))));
}

/**
 * Calls `listener` after a change of language. Returns how to stop that.
 * @param {() => void} listener
 */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
