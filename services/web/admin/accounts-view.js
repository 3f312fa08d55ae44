/**
 * Accounts, and one of them with its logins.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking, editable, section } from "../elements/people-parts.js";
import { path } from "./api.js";
import { AdminView, address, asked, chip, facts, given, link, name, paged, searched, searching, time } from "./parts.js";

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
          account.deleted && [t("admin.nickname"), account.name],
          [t("admin.email"), account.email],
          [t("admin.password"), account.has_password ? t("common.yes") : t("common.no")],
          [t("admin.made-on"), time(account.created_ms)],
        ]),
        h("p", null, link("audit", account.number, t("admin.audit-of"))),
        ...(account.deleted ? [] : [this.edits(account), this.deeds(account), section(t("admin.logins"), this.logins(account))]),
      ];
    });
    this.again = load;
    this.fill(t("admin.account", { id: `\u2068${this.what}\u2069` }), h("p", null, h("a", { href: address("accounts") }, t("admin.all-accounts"))), box);
  }

  /** @param {any} account */
  deeds(account) {
    const { api } = this.admin;
    const id = `\u2068${account.id}\u2069`;
    const of = path`/accounts/${account.id}`;
    /** @param {string} act @param {string} method @param {string} where */
    const deed = (act, method, where) => ({ act, id, class: "danger", action: () => api.call(method, where) });
    return section(
      t("admin.deeds"),
      h(
        "div",
        { class: "actions" },
        asked(this, deed("kick", "POST", `${of}/kick`)),
        account.disabled ? given(this, { ...deed("enable", "POST", `${of}/enable`), class: "" }) : asked(this, deed("disable", "POST", `${of}/disable`)),
        asked(this, deed("delete", "DELETE", of)),
        asked(this, deed("blank", "DELETE", `${of}?blank=true`)),
      ),
    );
  }

  /**
   * What its owner has said of itself, and its password.
   * @param {any} account
   */
  edits(account) {
    const { api } = this.admin;
    const of = path`/accounts/${account.id}`;
    /** @param {"name" | "about"} what @param {string} label @param {number} most */
    const text = (what, label, most) =>
      editable({ act: what, label, value: account[what] ?? "", empty: t("admin.none"), maxlength: most, lines: what === "about" }, async (value) => {
        await api.call("PATCH", of, { [what]: value });
        this.admin.announce(t("admin.changed"));
      });
    const field = h("input", { id: "password", type: "password", autocomplete: "new-password", maxlength: 256 });
    const set = asked(this, {
      act: "password",
      words: "set-password",
      id: `\u2068${account.id}\u2069`,
      class: "danger",
      action: () => {
        if (!field.value) throw new Error(t("admin.no-password"));
        return api.call("PUT", `${of}/password`, { password: field.value });
      },
    });
    return section(
      t("admin.edits"),
      text("name", t("admin.nickname"), 64),
      text("about", t("admin.about"), 512),
      h("div", { class: "field" }, h("label", { for: "password" }, t("admin.new-password")), field),
      set,
    );
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
