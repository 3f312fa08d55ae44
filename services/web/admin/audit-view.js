/**
 * Who did what, the newest first; of one account or group, or of all.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { AdminView, address, finder, link, name, paged, pageOf, time } from "./parts.js";

/** @type {Record<string, string>} what was done to what; of other events that is not known */
const SUBJECTS = {
  account_made: "accounts",
  account_disabled: "accounts",
  account_enabled: "accounts",
  account_deleted: "accounts",
  password_changed: "accounts",
  group_made: "groups",
  group_dissolved: "groups",
};

export class AuditView extends AdminView {
  connectedCallback() {
    const { box } = this.loaded(() =>
      paged({
        view: this,
        empty: t("admin.no-events"),
        load: async (before) => {
          const { limit } = pageOf(before);
          const { events, next } = await this.admin.api.get("/audit", { account: this.what, before, limit });
          return { items: events, next };
        },
        row: (each) => this.row(each),
      }),
    );
    const all = this.what ? h("p", null, h("a", { href: address("audit") }, t("admin.all-events"))) : finder({ id: "find-audit", label: t("admin.find-event"), to: (text) => address("audit", text) });
    this.fill(this.what ? t("admin.audit-about", { id: `\u2068${this.what}\u2069` }) : t("admin.audit"), all, box);
  }

  /** @param {any} each */
  row(each) {
    const number = (/** @type {any} */ value) => name(String(value));
    const subject = SUBJECTS[each.event] ? link(SUBJECTS[each.event], each.subject, number(each.subject)) : number(each.subject);
    return h(
      "div",
      { class: "entry" },
      h("p", { class: "name" }, each.event, each.detail ? h("span", { class: "small", dir: "auto" }, ` ${each.detail}`) : null),
      h(
        "p",
        { class: "muted small" },
        time(each.time_ms),
        each.account ? [" · ", t("admin.by"), " ", link("accounts", each.account, number(each.account))] : null,
        each.subject ? [" · ", t("admin.to"), " ", subject] : null,
        each.address ? [" · ", name(each.address)] : null,
      ),
    );
  }
}
customElements.define("audit-view", AuditView);
