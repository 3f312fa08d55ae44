/**
 * How all services are, and how full their queues.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { AdminView, chip, count, duration } from "./parts.js";

/** From so much of a queue on it is shown as nearly full. */
const NEARLY_FULL = 0.8;

export class ServicesView extends AdminView {
  connectedCallback() {
    const { box, load } = this.loaded(async () => {
      const { services } = await this.admin.api.get("/services");
      return [
        h("p", { class: "muted small" }, t("admin.as-of", { time: new Date().toLocaleTimeString(document.documentElement.lang) })),
        h("ul", { class: "rows" }, services.map((/** @type {any} */ each) => h("li", null, this.row(each)))),
      ];
    });
    this.fill(t("admin.services"), box, h("button", { type: "button", dataset: { act: "refresh" }, on: { click: load } }, t("admin.refresh")));
  }

  /** @param {any} each */
  row(each) {
    return h(
      "div",
      { class: "entry", dataset: { service: each.service } },
      h(
        "p",
        { class: "name" },
        each.service,
        " ",
        each.ready ? chip(t("admin.ready"), "good") : chip(t("admin.not-ready"), "bad"),
        each.lacks ? h("span", { class: "small" }, each.lacks) : null,
      ),
      each.instance
        ? h("p", { class: "muted small" }, t("admin.instance", { version: each.version, time: duration(each.uptime_ms ?? 0), count: count(each.calls ?? 0) }))
        : null,
      each.queues ? queues(each.queues) : null,
    );
  }
}

/** @param {any} each */
const fullness = (each) => (each.limit > 0 ? each.depth / each.limit : 0);

/**
 * The fullest one; all of them once that is opened, or where it is nearly full.
 * @param {any[]} all
 */
function queues(all) {
  const [fullest] = [...all].sort((a, b) => fullness(b) - fullness(a));
  const open = fullness(fullest) >= NEARLY_FULL;
  const words = t("admin.queues", { count: all.length, name: fullest.name, depth: count(fullest.depth), limit: count(fullest.limit) });
  return h("details", { open }, h("summary", { class: open ? "small error" : "small" }, words), h("ul", { class: "queues" }, all.map(queue)));
}

/** @param {any} each */
function queue(each) {
  const full = fullness(each);
  return h(
    "li",
    null,
    h("span", null, each.name),
    h("meter", { min: 0, max: each.limit || 1, high: (each.limit || 1) * NEARLY_FULL, optimum: 0, value: each.depth, "aria-label": each.name }),
    h("span", { class: full >= NEARLY_FULL ? "error" : "muted" }, `${count(each.depth)} / ${count(each.limit)}`),
  );
}
customElements.define("services-view", ServicesView);
