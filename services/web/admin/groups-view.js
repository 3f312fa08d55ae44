/**
 * Groups, and one of them with its members.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking, editable, section } from "../elements/people-parts.js";
import { path } from "./api.js";
import { memberRow } from "./member-row.js";
import { AdminView, address, asked, carryOut, chip, count, facts, given, link, name, paged, pageOf, searched, searching, time } from "./parts.js";

export class GroupsView extends AdminView {
  connectedCallback() {
    if (this.what) return this.showOne();
    const { box } = this.loaded(() =>
      paged({
        view: this,
        empty: this.search ? t("admin.no-match") : t("admin.no-groups"),
        load: (after) => searched(this, "groups", after),
        row: (each) =>
          h(
            "div",
            { class: "entry" },
            h("p", { class: "name" }, link("groups", each.id, name(each.id)), " ", each.dissolved ? chip(t("admin.dissolved"), "bad") : null),
            h("p", { class: "muted small", dir: "auto" }, each.name && each.name !== each.id ? `${each.name} · ` : "", t("shell.members", { count: each.members })),
          ),
      }),
    );
    this.fill(t("admin.groups"), ...searching(this, "groups", t("admin.find-group"), t("admin.all-groups")), box);
  }

  showOne() {
    const { box, load } = this.loaded(async () => {
      const group = await this.admin.api.get(path`/groups/${this.what}`);
      return [
        group.dissolved ? h("p", null, chip(t("admin.dissolved"), "bad")) : "",
        facts([
          [t("admin.id"), group.id],
          [t("admin.number"), group.number],
          group.dissolved && [t("admin.name"), group.name],
          [t("admin.about"), group.about],
          [t("admin.owner"), link("accounts", group.owner, name(group.owner))],
          [t("admin.members"), count(group.members)],
          [t("admin.made-on"), time(group.created_ms)],
        ]),
        h("p", null, link("audit", group.number, t("admin.audit-of"))),
        ...(group.dissolved ? [] : [this.deeds(group), section(t("admin.members"), ...this.members(group))]),
      ];
    });
    this.again = load;
    this.fill(t("admin.group", { id: `\u2068${this.what}\u2069` }), h("p", null, h("a", { href: address("groups") }, t("admin.all-groups"))), box);
  }

  /** @param {any} group */
  deeds(group) {
    const { api } = this.admin;
    const id = `\u2068${group.id}\u2069`;
    const of = path`/groups/${group.id}`;
    const question = t("admin.dissolve-sure", { id, count: group.members });
    const dissolve = asking({ act: "dissolve", label: t("admin.dissolve"), question }, () => carryOut(this, t("admin.dissolve-done", { id }), () => api.call("DELETE", of)));
    const rename = editable({ act: "name", label: t("admin.name"), value: group.name ?? "", empty: t("admin.none"), maxlength: 64 }, async (name) => {
      await api.call("PATCH", of, { name });
      this.admin.announce(t("admin.changed"));
    });
    return section(t("admin.edits"), rename, h("div", { class: "actions" }, dissolve));
  }

  /**
   * Makes an account a member, or keeps one out that is none.
   * @param {string} of the path of the group
   */
  newcomer(of) {
    const field = h("input", { id: "newcomer", autocomplete: "off", autocapitalize: "none", spellcheck: "false", dir: "auto", maxlength: 64 });
    /** @param {string} where */
    const put = (where) => () => {
      const id = field.value.trim();
      if (!id) throw new Error(t("admin.no-id"));
      return this.admin.api.call("PUT", `${of}/${where}` + path`/${id}`);
    };
    return h(
      "div",
      { class: "stack" },
      h("div", { class: "field" }, h("label", { for: "newcomer" }, t("admin.newcomer")), field),
      h(
        "div",
        { class: "actions" },
        given(this, { act: "add", id: t("admin.this-account"), action: put("members") }),
        asked(this, { act: "ban", id: t("admin.this-account"), action: put("bans") }),
      ),
    );
  }

  /** @param {any} group */
  members(group) {
    const of = path`/groups/${group.id}`;
    const { box } = this.loaded(() =>
      paged({
        view: this,
        empty: t("admin.no-members"),
        load: async (after) => {
          const { members, next } = await this.admin.api.get(`${of}/members`, pageOf(after));
          return { items: members, next };
        },
        row: (each) => memberRow(this, each, of),
      }),
    );
    return [this.newcomer(of), box];
  }
}
customElements.define("groups-view", GroupsView);
