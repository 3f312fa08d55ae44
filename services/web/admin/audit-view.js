/**
 * Who did what, the newest first; of one account or group, or of all.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { AdminView, address, finder, link, name, paged, pageOf, time } from "./parts.js";

/** What was done to a group, and not to an account. */
const OF_GROUPS = ["group_made", "group_dissolved", "role_changed"];

export class AuditView extends AdminView {
  connectedCallback() {
    const { box } = this.loaded(() =>
      paged({
        empty: t("admin.no-events"),
        load: async (before) => {
          const { limit } = pageOf(before);
          const { events, next } = await this.admin.api.get("/audit", { account: this.what, before, limit });
          return { items: events, next };
        },
        row: (each) => this.row(each),
      }),
    );
    const all = this.what ? h("p", null, h("a", { href: address("audit") }, t("admin.all-events"))) : finder("audit", t("admin.find-event"));
    this.fill(this.what ? t("admin.audit-about", { id: `\u2068${this.what}\u2069` }) : t("admin.audit"), all, box);
  }

  /** @param {any} each */
  row(each) {
    const subject = OF_GROUPS.includes(each.event) ? "groups" : "accounts";
    return h(
      "div",
      { class: "entry" },
      h("p", { class: "name" }, each.event, each.detail ? h("span", { class: "small", dir: "auto" }, ` ${each.detail}`) : null),
      h(
        "p",
        { class: "muted small" },
        `${time(each.time_ms)} · `,
        t("admin.by"),
        " ",
        each.account ? link("accounts", each.account, name(String(each.account))) : t("admin.operator"),
        each.subject ? [" · ", t("admin.to"), " ", link(subject, each.subject, name(String(each.subject)))] : null,
        each.address ? [" · ", name(each.address)] : null,
      ),
    );
  }
}
customElements.define("audit-view", AuditView);
