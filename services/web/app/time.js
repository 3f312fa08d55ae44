/**
 * Days and times of day, in the reader's zone and language.
 * @module
 */
import { language, locale } from "./i18n.js";

const DAY_MS = 86400e3;
/** The last moment of the year 9999. A server may name later ones, at which formatters throw. */
const LATEST_MS = 253_402_300_799_000;

/** Making a formatter is slow, and every line has a time. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} name @param {Intl.DateTimeFormatOptions} options @param {number} ms */
function format(name, options, ms) {
  const key = `${locale()} ${name}`;
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(locale(), options)));
  return made.format(Math.min(ms, LATEST_MS));
}

/**
 * How many days ago that was, by the calendar; negative: it is in the future.
 * @param {number} ms @param {number} now
 */
function daysAgo(ms, now) {
  const [then, today] = [new Date(ms), new Date(now)];
  const noon = (/** @type {Date} */ day) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  return Math.round((noon(today) - noon(then)) / DAY_MS);
}

/**
 * "today", "yesterday"
 * @param {number} days
 */
function relativeDay(days) {
  const name = new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(-days, "day");
  return name.charAt(0).toLocaleUpperCase(language()) + name.slice(1);
}

/** @param {number} ms @param {number} now */
function date(ms, now) {
  const same = new Date(ms).getFullYear() === new Date(now).getFullYear();
  return same
    ? format("date", { weekday: "long", day: "numeric", month: "long" }, ms)
    : format("date of a year", { day: "numeric", month: "long", year: "numeric" }, ms);
}

/**
 * The time of day: "14:03".
 * @param {number} ms
 */
export const clockTime = (ms) => format("clock", { hour: "numeric", minute: "2-digit" }, ms);

/**
 * Date and time in full.
 * @param {number} ms
 */
export const fullTime = (ms) => format("full", { dateStyle: "long", timeStyle: "short" }, ms);

/**
 * The name of a day: "Today", "Yesterday", "Tuesday, 3 March".
 * @param {number} ms @param {number} [now]
 */
export function dayName(ms, now = Date.now()) {
  const days = daysAgo(ms, now);
  return days === 0 || days === 1 ? relativeDay(days) : date(ms, now);
}

/**
 * As short as fits into a list: "14:03", "Yesterday", "Tuesday", "3 Mar", "3/3/25".
 * @param {number} ms @param {number} [now]
 */
export function listTime(ms, now = Date.now()) {
  const days = daysAgo(ms, now);
  if (days === 0) return clockTime(ms);
  if (days === 1) return relativeDay(days);
  if (days > 1 && days < 7) return format("weekday", { weekday: "long" }, ms);
  if (new Date(ms).getFullYear() === new Date(now).getFullYear())
    return format("short date", { day: "numeric", month: "short" }, ms);
  return format("numeric date", { dateStyle: "short" }, ms);
}
