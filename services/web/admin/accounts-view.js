/**
 * Accounts, and one of them with its logins.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking, attempt, section } from "../elements/people-parts.js";
import { path } from "./api.js";
import { AdminView, address, chip, facts, link, name, paged, searched, searching, time } from "./parts.js";

/** @param {any} each */
const state = (each) => (each.deleted ? chip(t("admin.deleted"), "bad") : each.disabled ? chip(t("admin.disabled"), "warn") : null);

export class AccountsView extends AdminView {
  connectedCallback() {
    if (this.what) return this.showOne();
    const { box } = this.loaded(() =>
      paged({
        view: this,
        empty: this.search ? t("admin.no-match") : t("admin.no-accounts"),
        load: (after) => searched(this, "accounts", after),
        row: (each) =>
          h(
            "div",
            { class: "entry" },
            h("p", { class: "name" }, link("accounts", each.id, name(each.id)), " ", state(each)),
            h("p", { class: "muted small", dir: "auto" }, each.name && each.name !== each.id ? `${each.name} · ` : "", t("admin.made", { time: time(each.created_ms) })),
          ),
      }),
    );
    this.fill(t("admin.accounts"), ...searching(this, "accounts", t("admin.find-account"), t("admin.all-accounts")), box);
  }

  showOne() {
    const { box, load } = this.loaded(async () => {
      const account = await this.admin.api.get(path`/accounts/${this.what}`);
      return [
        h("p", { class: "name" }, state(account)),
        facts([
          [t("admin.id"), account.id],
          [t("admin.number"), account.number],
          [t("admin.nickname"), account.name],
          [t("admin.about"), account.about],
          [t("admin.email"), account.email],
          [t("admin.password"), account.has_password ? t("common.yes") : t("common.no")],
          [t("admin.made-on"), time(account.created_ms)],
        ]),
        h("p", null, link("audit", account.number, t("admin.audit-of"))),
        ...(account.deleted ? [] : [this.deeds(account), section(t("admin.logins"), this.logins(account))]),
      ];
    });
    this.again = load;
    this.fill(t("admin.account", { id: `\u2068${this.what}\u2069` }), h("p", null, h("a", { href: address("accounts") }, t("admin.all-accounts"))), box);
  }

  /**
   * Does it, says so, and shows the account as it is now.
   * @param {string} done
   * @param {() => Promise<any>} action
   */
  async carryOut(done, action) {
    await action();
    this.admin.announce(done);
    await this.again?.();
    /** @type {HTMLElement | null} */ (this.querySelector("h1"))?.focus();
  }

  /** @param {any} account */
  deeds(account) {
    const { api } = this.admin;
    const { id } = account;
    const shown = `\u2068${id}\u2069`;
    const of = path`/accounts/${id}`;
    /** @param {string} act @param {() => Promise<any>} action */
    const twice = (act, action) =>
      asking({ act, label: t(`admin.${act}`), question: t(`admin.${act}-sure`, { id: shown }) }, () => this.carryOut(t(`admin.${act}-done`, { id: shown }), action));
    const enable = h("button", { type: "button", dataset: { act: "enable" } }, t("admin.enable"));
    const row = h(
      "div",
      { class: "actions" },
      twice("kick", () => api.call("POST", `${of}/kick`)),
      account.disabled ? enable : twice("disable", () => api.call("POST", `${of}/disable`)),
      twice("delete", () => api.call("DELETE", of)),
      twice("blank", () => api.call("DELETE", `${of}?blank=true`)),
    );
    enable.addEventListener("click", () => attempt(row, () => this.carryOut(t("admin.enable-done", { id: shown }), () => api.call("POST", `${of}/enable`))));
    return section(t("admin.deeds"), row);
  }

  /** @param {any} account */
  logins(account) {
    const of = path`/accounts/${account.id}/logins`;
    const { box, load } = this.loaded(async () => {
      const { logins } = await this.admin.api.get(of);
      if (!logins.length) return h("p", { class: "muted" }, t("admin.no-logins"));
      return h("ul", { class: "rows" }, logins.map((/** @type {any} */ each) => h("li", null, row(each))));
    });
    const row = (/** @type {any} */ each) => {
      const device = each.device || t("admin.no-device");
      return h(
        "div",
        { class: "entry" },
        h("p", { class: "name", dir: "auto" }, device),
        h("p", { class: "muted small" }, each.address ? [name(each.address), " · "] : null, t("people.last-used", { time: time(each.heard_ms) })),
        h(
          "div",
          { class: "actions" },
          asking({ act: `end-${each.id}`, label: t("admin.end-login"), question: t("admin.end-login-sure", { device: `\u2068${device}\u2069` }), class: "small danger" }, async () => {
            await this.admin.api.call("DELETE", of + path`/${each.id}`);
            this.admin.announce(t("admin.end-login-done"));
            await load();
          }),
        ),
      );
    };
    return box;
  }
}
customElements.define("accounts-view", AccountsView);
