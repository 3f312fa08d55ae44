/**
 * Groups, and one of them with its members.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking, section } from "../elements/people-parts.js";
import { path } from "./api.js";
import { AdminView, address, chip, count, facts, link, name, paged, pageOf, searched, searching, time } from "./parts.js";

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
          [t("admin.name"), group.name],
          [t("admin.about"), group.about],
          [t("admin.owner"), link("accounts", group.owner, name(group.owner))],
          [t("admin.members"), count(group.members)],
          [t("admin.made-on"), time(group.created_ms)],
        ]),
        h("p", null, link("audit", group.number, t("admin.audit-of"))),
        ...(group.dissolved ? [] : [this.deeds(group), section(t("admin.members"), this.members(group))]),
      ];
    });
    this.again = load;
    this.fill(t("admin.group", { id: `\u2068${this.what}\u2069` }), h("p", null, h("a", { href: address("groups") }, t("admin.all-groups"))), box);
  }

  /** @param {any} group */
  deeds(group) {
    const id = `\u2068${group.id}\u2069`;
    const dissolve = asking({ act: "dissolve", label: t("admin.dissolve"), question: t("admin.dissolve-sure", { id, count: group.members }) }, async () => {
      await this.admin.api.call("DELETE", path`/groups/${group.id}`);
      this.admin.announce(t("admin.dissolve-done", { id }));
      await this.again?.();
    });
    return section(t("admin.deeds"), h("div", { class: "actions" }, dissolve));
  }

  /** @param {any} group */
  members(group) {
    const of = path`/groups/${group.id}/members`;
    const { box } = this.loaded(() =>
      paged({
        view: this,
        empty: t("admin.no-members"),
        load: async (after) => {
          const { members, next } = await this.admin.api.get(of, pageOf(after));
          return { items: members, next };
        },
        row: (each) => this.member(each, of),
      }),
    );
    return box;
  }

  /** @param {any} each @param {string} of */
  member(each, of) {
    const id = `\u2068${each.id}\u2069`;
    const muted = each.muted_until_ms > Date.now();
    return h(
      "div",
      { class: "entry" },
      h(
        "p",
        { class: "name" },
        link("accounts", each.id, name(each.id)),
        " ",
        chip(t(`admin.role-${each.banned ? "banned" : each.role}`), each.banned ? "bad" : ""),
        muted ? chip(t("admin.muted", { time: time(each.muted_until_ms) }), "warn") : null,
      ),
      each.role === "none" || each.role === "owner"
        ? null
        : h(
            "div",
            { class: "actions" },
            asking({ act: `remove-${each.number}`, label: t("admin.remove"), question: t("admin.remove-sure", { id }), class: "small danger" }, async () => {
              await this.admin.api.call("DELETE", of + path`/${each.id}`);
              this.admin.announce(t("admin.remove-done", { id }));
              await this.again?.(); // it has one member less
            }),
          ),
    );
  }
}
customElements.define("groups-view", GroupsView);
