/**
 * The accounts that are connected.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking } from "../elements/people-parts.js";
import { path } from "./api.js";
import { AdminView, link, name, paged, pageOf } from "./parts.js";

export class SessionsView extends AdminView {
  connectedCallback() {
    const { box, load } = this.loaded(() =>
      paged({
        view: this,
        empty: t("admin.no-sessions"),
        load: async (after) => {
          const page = pageOf(after);
          const { sessions } = await this.admin.api.get("/sessions", page);
          return { items: sessions, next: sessions.length === page.limit ? sessions.at(-1).number : undefined };
        },
        row: (each) => this.row(each, load),
      }),
    );
    this.fill(t("admin.sessions"), box, h("button", { type: "button", dataset: { act: "refresh" }, on: { click: load } }, t("admin.refresh")));
  }

  /** @param {any} each @param {() => any} load */
  row(each, load) {
    const id = String(each.number);
    return h(
      "div",
      { class: "entry" },
      h("p", { class: "name" }, link("accounts", id, name(id))),
      h("p", { class: "muted small" }, t("admin.connections", { count: each.connections })),
      h(
        "div",
        { class: "actions" },
        asking({ act: `kick-${id}`, label: t("admin.kick"), question: t("admin.kick-sure", { id }), class: "small danger" }, async () => {
          await this.admin.api.call("POST", path`/accounts/${id}/kick`);
          this.admin.announce(t("admin.kick-done", { id }));
          await load();
        }),
      ),
    );
  }
}
customElements.define("sessions-view", SessionsView);
