import assert from "node:assert/strict";
import test from "node:test";

process.env.TZ = "Asia/Shanghai";
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-GB", "zh-CN"] }, configurable: true });
const { clockTime, dayName, fullTime, listTime } = await import("../../services/web/app/time.js");

/** Saturday, 28 November 2026, 00:30 in Shanghai; the day before by UTC. */
const NOW = Date.UTC(2026, 10, 27, 16, 30);
const at = (day, hour = 12) => Date.UTC(2026, 10, day, hour - 8);

test("days are those of the reader's zone", () => {
  assert.equal(dayName(NOW - 20 * 60e3, NOW), "Today");
  assert.equal(dayName(NOW - 40 * 60e3, NOW), "Yesterday");
  assert.match(dayName(at(26), NOW), /^Thursday,? 26 November$/);
  assert.equal(dayName(Date.UTC(2024, 1, 29), NOW), "29 February 2024");
});

test("the list has as little as tells one from the other", () => {
  assert.match(listTime(NOW, NOW), /^0?0:30$/);
  assert.equal(listTime(at(27), NOW), "Yesterday");
  assert.equal(listTime(at(24), NOW), "Tuesday");
  assert.equal(listTime(at(2), NOW), "2 Nov");
  assert.equal(listTime(Date.UTC(2025, 2, 3), NOW), "03/03/2025");
});

test("the time of day, and all of it", () => {
  assert.equal(clockTime(at(27, 14)), "14:00");
  assert.match(fullTime(at(27, 14)), /^27 November 2026(,| at) 14:00$/);
});

test("no moment is too late to be shown", () => {
  assert.match(fullTime(2 ** 53 - 2), /9999|10000/);
});

test("a day that is an hour shorter is one day", () => {
  process.env.TZ = "Europe/Berlin";
  assert.equal(dayName(Date.UTC(2026, 2, 28, 22, 30), Date.UTC(2026, 2, 29, 21)), "Yesterday");
});
