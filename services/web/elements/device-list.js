/**
 * The logins of the account, on this and on other devices; any of them can be ended.
 * @module
 */
import { asking, attempt, dateAndTime, section } from "./people-parts.js";
import { h } from "../app/dom.js";
import { t } from "../app/i18n.js";

export class DeviceList extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);

  connectedCallback() {
    this.list = h("div", { class: "stack", "aria-live": "polite" }, h("p", { class: "muted small" }, t("people.devices-load")));
    this.box = section(t("people.devices"), this.list);
    this.append(this.box);
    void this.load(() => this.page.parley.devices());
  }

  /** @param {() => Promise<any>} ask */
  async load(ask) {
    await attempt(/** @type {HTMLElement} */ (this.list), async () => {
      const { devices } = await ask();
      if (this.isConnected) this.list?.replaceChildren(h("ul", { class: "stack" }, devices.map((/** @type {any} */ each) => this.row(each))));
    });
  }

  /** @param {any} device */
  row(device) {
    const name = device.device || t("people.device-unnamed");
    const when = device.online ? t("shell.online") : t("people.last-used", { time: dateAndTime(device.heard_ms) });
    return h(
      "li",
      { class: "device", dataset: { device: device.id } },
      h(
        "div",
        { class: "grow" },
        h("p", { class: "name", dir: "auto" }, name, " ", device.this ? h("span", { class: "chip" }, t("people.this-device")) : null),
        h("p", { class: "muted small" }, `${when} · `, h("bdi", null, device.address)),
        h("p", { class: "muted small" }, t("people.since", { time: dateAndTime(device.since_ms) })),
      ),
      device.this ? null : this.end(device, name),
    );
  }

  /** @param {any} device @param {string} name */
  end(device, name) {
    return asking(
      { act: `end-${device.id}`, label: t("people.end-device"), question: t("people.end-device-sure", { name: `\u2068${name}\u2069` }), class: "small danger" },
      async () => {
        await this.page.parley.endDevice(device.id);
        await this.load(() => this.page.parley.devices());
        /** @type {HTMLElement | null | undefined} */ (this.box?.querySelector("h2"))?.focus();
      },
    );
  }
}
customElements.define("device-list", DeviceList);
