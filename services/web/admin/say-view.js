/**
 * Messages of the operator: to all, to an account or to a group.
 * @module
 */
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { asking } from "../elements/people-parts.js";
import { AdminView } from "./parts.js";

/** Bytes of a text that the server takes. */
const TEXT_MAX = 65_000;
const WHOM = ["user", "group", "everyone"];

export class SayView extends AdminView {
  connectedCallback() {
    this.whom = h(
      "select",
      { id: "whom", on: { change: () => this.update() } },
      WHOM.map((each) => h("option", { value: each }, t(`admin.say-${each}`))),
    );
    this.id_ = h("input", { id: "whom-id", autocomplete: "off", autocapitalize: "none", spellcheck: "false", dir: "auto", maxlength: 64 });
    this.idField = h("div", { class: "field" }, h("label", { for: "whom-id" }, t("admin.say-id")), this.id_);
    this.text = h("textarea", { id: "say-text", rows: 4, dir: "auto", maxlength: TEXT_MAX });
    this.send = h("div");
    for (const field of [this.id_, this.text]) field.addEventListener("input", () => this.update());
    this.fill(
      t("admin.say"),
      h("p", { class: "muted" }, t("admin.say-what")),
      h("div", { class: "field" }, h("label", { for: "whom" }, t("admin.say-whom")), this.whom),
      this.idField,
      h("div", { class: "field" }, h("label", { for: "say-text" }, t("admin.say-text")), this.text),
      this.send,
    );
    this.update();
  }

  /** A question is about what the form holds: it goes when that changes. */
  update() {
    const whom = this.whom.value;
    const id = this.id_.value.trim();
    const question = whom === "everyone" ? t("admin.say-sure-everyone") : id ? t("admin.say-sure", { id: `\u2068${id}\u2069` }) : t("admin.say-lacks");
    this.idField.hidden = whom === "everyone";
    // Sent again after a failure whose outcome nobody knows, it is stored once.
    const ref = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.send.replaceChildren(
      asking({ act: "say", label: t("admin.say-send"), question }, async () => {
        const text = this.text.value;
        if (!text.trim() || (whom !== "everyone" && !id)) throw new Error(t("admin.say-lacks"));
        await this.admin.api.call("POST", "/system-messages", { text, ...(whom === "everyone" ? { everyone: true } : { [whom]: id }) }, ref);
        this.admin.announce(t("admin.say-done"));
        this.text.value = "";
        this.update();
        this.text.focus();
      }),
    );
  }
}
customElements.define("say-view", SayView);
