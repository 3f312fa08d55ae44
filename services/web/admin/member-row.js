/**
 * A member of a group, somebody who asks to become one, or somebody who is banned, and what the operator can do
 * about them.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { path } from "./api.js";
import { asked, chip, given, link, name, time } from "./parts.js";

const HOUR_MS = 3_600_000;

/**
 * @param {import("./parts.js").AdminView} view @param {any} each @param {string} of the path of the group
 */
export function memberRow(view, each, of) {
  const muted = each.muted_until_ms > Date.now();
  const actions = deeds(view, each, of, muted);
  return h(
    "div",
    { class: "entry" },
    h(
      "p",
      { class: "name" },
      link("accounts", each.id, name(each.id)),
      " ",
      chip(t(`admin.role-${each.banned ? "banned" : each.role}`), each.banned ? "bad" : ""),
      muted ? chip(t("admin.muted", { time: time(each.muted_until_ms) }), "warn") : null,
    ),
    actions.length
      ? h(
          "details",
          { dataset: { member: each.id } },
          h("summary", { class: "small", "aria-label": t("admin.deeds-for", { id: shownId(each) }) }, t("admin.deeds")),
          h("div", { class: "actions" }, actions),
        )
      : null,
  );
}

/** @param {any} each */
const shownId = (each) => `\u2068${each.id}\u2069`;

/**
 * What takes something away is asked twice, and so is the making of an administrator.
 * @param {import("./parts.js").AdminView} view @param {any} each @param {string} of @param {boolean} muted
 */
function deeds(view, each, of, muted) {
  const { api } = view.admin;
  const member = `${of}/members` + path`/${each.id}`;
  const ban = `${of}/bans` + path`/${each.id}`;
  /** @param {string} what @param {string} method @param {string} where @param {any} [body] */
  const how = (what, method, where, body) => ({
    act: `${what}-${each.number}`,
    words: what,
    id: shownId(each),
    action: () => api.call(method, where, body),
  });
  /** @param {string} what @param {number} hours */
  const mute = (what, hours) => asked(view, how(what, "PUT", `${member}/mute`, { until_ms: hours && Date.now() + hours * HOUR_MS }));
  if (each.role === "owner") return [];
  if (each.banned) return [given(view, how("unban", "DELETE", ban))];
  const barred = asked(view, how("ban", "PUT", ban));
  if (each.role === "none") return [given(view, how("add", "PUT", member)), barred];
  return [
    each.role === "member"
      ? asked(view, how("promote", "PUT", `${member}/role`, { role: "administrator" }))
      : asked(view, how("demote", "PUT", `${member}/role`, { role: "member" })),
    muted ? given(view, how("unmute", "PUT", `${member}/mute`, { until_ms: 0 })) : [mute("mute-hour", 1), mute("mute-week", 168)],
    asked(view, how("remove", "DELETE", member)),
    barred,
  ].flat();
}
