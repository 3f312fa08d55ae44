/**
 * Buttons that set and take away the picture of the account or of a group.
 * @module
 */
import { h, icon } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { attempt } from "./people-parts.js";

/**
 * @param {import("../app/main.js").Page} page
 * @param {"me"|{group: string}} of
 * @param {boolean} has whether there is a picture
 * @param {() => any} [done] after a change
 */
export function avatarSetting(page, of, has, done) {
  const part = h("div", { class: "avatar-setting" });
  /** @param {Blob|null} picture */
  const set = (picture) =>
    attempt(part, async () => {
      await page.parley.setAvatar(of, picture);
      await done?.();
    });
  const input = h("input", {
    type: "file", accept: "image/*", hidden: true, tabindex: -1, "aria-hidden": "true",
    on: {
      change: async () => {
        const [picture] = input.files ?? [];
        if (picture) await set(picture);
        input.value = "";
      },
    },
  });
  const choose = () => input.click();
  part.append(
    input,
    h("div", { class: "actions center" },
      h("button", { type: "button", dataset: { act: "avatar" }, on: { click: choose } }, icon("image"), t(has ? "people.avatar-change" : "people.avatar-set")),
      has ? h("button", { type: "button", class: "quiet", dataset: { act: "avatar-remove" }, on: { click: () => void set(null) } }, t("people.avatar-remove")) : null),
  );
  return part;
}
