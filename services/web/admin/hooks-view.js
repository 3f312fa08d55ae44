/**
 * Hooks: addresses that are told of what happens, and how they are.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking, attempt } from "../elements/people-parts.js";
import { path } from "./api.js";
import { AdminView, chip, count, facts, name, time } from "./parts.js";

/** @type {Record<string, "good" | "warn" | "bad">} */
const LOOKS = { well: "good", failing: "warn", parked: "bad" };

export class HooksView extends AdminView {
  connectedCallback() {
    const { box, load } = this.loaded(async () => {
      const { hooks } = await this.admin.api.get("/hooks");
      if (!hooks.length) return h("p", { class: "muted" }, t("admin.no-hooks"));
      return h("ul", { class: "rows" }, hooks.map((/** @type {any} */ each) => h("li", null, this.row(each))));
    });
    this.load = load;
    this.fill(t("admin.hooks"), box, h("button", { type: "button", dataset: { act: "refresh" }, on: { click: load } }, t("admin.refresh")));
  }

  /** @param {any} each */
  row(each) {
    const shown = `\u2068${each.name}\u2069`;
    const retry = h("button", { type: "button", class: "small", dataset: { act: `retry-${each.name}` } }, t("admin.retry"));
    const actions = h(
      "div",
      { class: "actions" },
      each.state === "well" ? null : retry,
      asking({ act: `hook-${each.name}`, label: t("admin.end-hook"), question: t("admin.end-hook-sure", { name: shown, count: each.behind }), class: "small danger" }, () =>
        this.carryOut(t("admin.end-hook-done", { name: shown }), "DELETE", path`/hooks/${each.name}`),
      ),
    );
    retry.addEventListener("click", () => attempt(actions, () => this.carryOut(t("admin.retry-done", { name: shown }), "POST", path`/hooks/${each.name}/retry`)));
    return h(
      "div",
      { class: "entry", dataset: { hook: each.name } },
      h("p", { class: "name" }, name(each.name), " ", chip(t(`admin.hook-${each.state}`), LOOKS[each.state] ?? "")),
      h("p", { class: "small" }, each.url || t("admin.web-push")),
      each.fault ? h("p", { class: "small error" }, each.fault) : null,
      facts([
        [t("admin.events"), each.events.replaceAll(",", ", ")],
        [t("admin.behind"), count(each.behind)],
        [t("admin.told"), count(each.told)],
        [t("admin.told-last"), time(each.told_ms)],
        [t("admin.lost"), each.lost ? count(each.lost) : undefined],
        [t("admin.failing-since"), time(each.failing_since_ms)],
      ]),
      actions,
    );
  }

  /** @param {string} done @param {string} method @param {string} where */
  async carryOut(done, method, where) {
    await this.admin.api.call(method, where);
    this.admin.announce(done);
    await this.load?.();
  }
}

customElements.define("hooks-view", HooksView);
