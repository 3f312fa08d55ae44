// The shown form of a conversation, without a page: pieces of texts, lines, the keys of input methods, mentions.
import assert from "node:assert/strict";
import test from "node:test";
import { t } from "../../services/web/app/i18n.js";
import { Composition, matching, mentionAt } from "../../services/web/elements/composing.js";
import { rowsOf } from "../../services/web/elements/message-rows.js";
import { folded, piecesOf } from "../../services/web/elements/message-text.js";

const links = (text) => piecesOf(text).filter((piece) => piece.kind === "link").map((piece) => piece.text);
const whole = (text, mentions) => piecesOf(text, mentions).map((piece) => piece.text).join("");

test("links end where the sentence goes on", () => {
  assert.deepEqual(links("see https://a.example/b, (http://a.example/c) or https://a.example/d_(e)."), [
    "https://a.example/b", "http://a.example/c", "https://a.example/d_(e)",
  ]);
  assert.deepEqual(links("看https://a.example/天气。好"), ["https://a.example/天气"]);
  assert.deepEqual(links("HTTPS://A.example!?"), ["HTTPS://A.example"]);
});

test("only http and https are links, and none that shows another host than it opens", () => {
  for (const text of [
    "javascript:alert(1)", "data:text/html,x", "ftp://a.example", "https://bank@evil.example", "https://u:p@evil.example",
    "https://", "http://[", `https://a.example/${"x".repeat(3000)}`,
  ])
    assert.deepEqual(links(text), [], text.slice(0, 40));
});

test("a link holds no character that turns the direction", () => {
  assert.deepEqual(links("https://a.example/\u202egpj.exe"), ["https://a.example/"]);
});

test("a name cannot turn the sentence around it", () => {
  const words = "{by} has removed {user}"; // a key without words stands for itself
  assert.equal(t(words, { by: "\u202eann\u2069", user: "\u2068ben\u2069\u202e\u2069" }), "ann has removed \u2068ben\u2069");
  assert.equal(t(words, { by: "אבג", user: "\u2068ben\u2069" }), "אבג has removed \u2068ben\u2069");
});

test("pieces make up the text, whatever it holds", () => {
  for (const text of ["", "@", "a @b @ben", "https://a.example @ben https://b.example", "<b>&amp;</b>", "\n\n"])
    assert.equal(whole(text, [{ name: "ben", me: true }]), text);
});

test("a text full of links has a limit and takes no time", () => {
  const text = "http://a.example ".repeat(3800);
  assert.equal(links(text).length, 200);
  assert.equal(whole(text), text);
  for (const letter of ["(", ")", "http://", "@", "."]) whole(letter.repeat(65000 / letter.length), [{ name: "ben", me: false }]);
});

test("brackets behind a link take no longer than other punctuation", () => {
  const link = (end) => `https://a.example/${end.repeat(2000)} `;
  const least_cpu_us = (text) => Math.min(...[1, 2, 3, 4, 5].map(() => {
    const start = process.cpuUsage();
    piecesOf(text);
    const { user, system } = process.cpuUsage(start);
    return user + system;
  }));
  const [dots_us, brackets_us] = [".", ")"].map((end) => least_cpu_us(link(end).repeat(32)));
  assert.ok(brackets_us < 15 * dots_us, `${brackets_us} us, and ${dots_us} us with dots`);
  assert.deepEqual(links(`${link(")")} https://a.example/(b)[c])].`), ["https://a.example/", "https://a.example/(b)[c]"]);
});

test("names with any character can be mentioned, the longest first", () => {
  const mentions = [{ name: "ben", me: false }, { name: "ben (b-2) [x]/^$", me: true }];
  const pieces = piecesOf("hi @ben (b-2) [x]/^$ and @ben", mentions).filter((piece) => piece.kind === "mention");
  assert.deepEqual(pieces.map(({ text, me }) => [text, me]), [["@ben (b-2) [x]/^$", true], ["@ben", false]]);
});

test("long texts are folded, not within a character", () => {
  assert.equal(folded("x".repeat(1600)), null);
  assert.equal(folded("x".repeat(1700)), null, "a few more letters are shown as well");
  assert.equal(folded("x".repeat(65000))?.length, 1600);
  assert.equal(folded("\n".repeat(400))?.length, 17);
  assert.ok(!/[\ud800-\udbff]$/.test(folded(`x${"😀".repeat(2000)}`) ?? ""));
});

const at = (minutes, more = {}) => ({ key: String(minutes), kind: "text", cid: minutes + 1, by: "ben", mine: false, msg: "", time_ms: new Date(2026, 10, 28, 12).getTime() + minutes * 60_000, ...more });
const kinds = (rows) => rows.map((row) => row.kind);

test("days, and one person's texts in one go", () => {
  const rows = rowsOf([at(0), at(2), at(20), at(21, { by: "anna" }), at(24 * 60)]);
  assert.deepEqual(kinds(rows), ["day", "text", "text", "text", "text", "day", "text"]);
  assert.deepEqual(rows.filter((row) => row.kind === "text").map(({ first, last }) => [first, last]), [
    [true, false], [false, true], [true, true], [true, true], [true, true],
  ]);
});

test("the line before new texts", () => {
  assert.deepEqual(kinds(rowsOf([at(0), at(1), at(2)], 2)), ["day", "text", "new", "text", "text"]);
  assert.deepEqual(kinds(rowsOf([at(0), at(1, { mine: true }), at(2)], 2)), ["day", "text", "text", "new", "text"]);
  assert.deepEqual(kinds(rowsOf([at(5), at(6)], 2, false)), ["day", "text", "text"], "it begins before what is loaded");
  assert.deepEqual(kinds(rowsOf([at(5), at(6)], 2, true)), ["day", "new", "text", "text"]);
});

test("an Enter of an input method is not one's own", () => {
  const composition = new Composition();
  const enter = (timeStamp, more = {}) => ({ isComposing: false, keyCode: 13, timeStamp, ...more });
  assert.equal(composition.owns(enter(0)), false);
  assert.equal(composition.owns(enter(0, { isComposing: true })), true);
  assert.equal(composition.owns(enter(0, { keyCode: 229 })), true);
  composition.start();
  assert.equal(composition.owns(enter(500)), true);
  composition.end(1000);
  assert.equal(composition.owns(enter(1001)), true, "Safari: the end precedes the keydown");
  assert.equal(composition.owns(enter(1200)), false);
  composition.end(2000);
  composition.settle();
  assert.equal(composition.owns(enter(2001)), false, "the key was released: the next Enter is another");
});

test("the mention at the caret", () => {
  assert.deepEqual(mentionAt("hi @be", 6), { start: 3, word: "be" });
  assert.deepEqual(mentionAt("好，@小", 4), { start: 2, word: "小" });
  assert.equal(mentionAt("mail a@b", 8), null);
  assert.equal(mentionAt("@ben x", 6), null);
  const members = ["Alben", "ben", "Dora"].map((name) => ({ id: name, name }));
  assert.deepEqual(matching(members, "BE", 8).map(({ name }) => name), ["ben", "Alben"]);
  assert.equal(matching(members, "", 2).length, 2);
});
