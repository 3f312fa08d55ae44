/**
 * An item of a conversation as one plain sentence.
 * @module
 */
import { t } from "./i18n.js";

/**
 * @param {import("./main.js").Page} page
 * @param {any} conversation
 * @param {any} item an item of the model, or an entry of the library
 * @returns {string}
 */
export function itemText(page, conversation, item) {
  const { kind } = item;
  if (kind === "text") return item.recalled ? t("notice.recalled") : fileText(item);
  if (kind === "system") return item.msg;
  const me = page.model.me?.user;
  /** @param {string | undefined} id */
  const name = (id) => (id === undefined ? "" : id === me ? t("common.you") : page.model.people.get(id)?.title ?? id);
  const concerned = item.user ?? item.by;
  const params = { by: name(item.by), user: name(concerned), group: conversation?.title ?? "" };
  return t(keyOf(item, concerned === me, item.by === me), params);
}

/**
 * A text in few words, also one that is a picture or a file.
 * @param {{msg?: string|null, file?: any}} text
 * @returns {string}
 */
export function fileText({ msg, file }) {
  if (!file) return msg ?? "";
  const what = file.kind === "file" ? t("file.file", { name: `\u2068${file.name}\u2069` }) : t(`file.${file.kind}`);
  return msg ? t("file.with-caption", { what, caption: msg }) : what;
}

/**
 * The key of a notice's words: those that read differently to the person concerned have a form of
 * their own.
 * @param {any} item
 * @param {boolean} aboutMe
 * @param {boolean} byMe
 */
function keyOf(item, aboutMe, byMe) {
  const { kind } = item;
  const mine = aboutMe ? ".me" : "";
  switch (kind) {
    case "friend_request":
    case "join_request":
      return `notice.${kind}${byMe ? ".me" : ""}`;
    case "friend_answer":
      return item.ok === false ? "notice.friend_refused" : "notice.friends_now";
    case "join_answer":
      return item.ok === false ? "notice.join_refused" : `notice.joined${mine}`;
    case "member_muted":
      return (item.until_ms > 0 ? "notice.member_muted" : "notice.member_unmuted") + mine;
    case "member_banned":
      return (item.on ? "notice.member_banned" : "notice.member_unbanned") + mine;
    case "left":
    case "removed":
    case "admin_added":
    case "admin_removed":
      return `notice.${kind}${mine}`;
    default:
      return `notice.${kind}`;
  }
}
