/**
 * The first screen: a name, a password, one button for known and for new people. It also shows when
 * this browser's login is open in another tab, and why a login ended.
 * @module
 */
import { h } from "../app/dom.js";
import { LANGUAGES, language, setLanguage, t } from "../app/i18n.js";

export class SignIn extends HTMLElement {
  /** @type {import("../app/main.js").Page} */ page = /** @type {any} */ (null);
  /** @type {Record<string, any>} enter, and held, reason, error, user */
  options = {};

  connectedCallback() {
    this.className = "sign-in";
    this.error = h("p", { class: "error", role: "alert", id: "sign-in-error" });
    this.user = h("input", {
      id: "user", name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false",
      required: true, maxlength: 64, dir: "auto", value: this.options.user, "aria-describedby": "sign-in-error",
    });
    this.password = h("input", {
      id: "password", name: "password", type: "password", autocomplete: "current-password", maxlength: 256,
      "aria-describedby": "sign-in-error",
    });
    this.token =
      this.page.info.registration === "token"
        ? h("input", { id: "registration-token", name: "registration-token", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 64, "aria-describedby": "sign-in-error" })
        : null;
    this.submit = h("button", { class: this.options.held ? "" : "primary", type: "submit" }, t("signin.button"));
    this.append(
      h(
        "main",
        { class: "sign-in-card" },
        h("h1", { class: "brand" }, h("img", { src: "icon.svg", alt: "", width: 40, height: 40 }), this.siteName()),
        h("p", { class: "muted" }, t("signin.welcome")),
        this.options.held ? this.heldCard() : null,
        this.form(),
        this.languages(),
      ),
    );
    if (this.options.error) this.showError(this.options.error);
    else if (this.options.reason) this.error.textContent = t("signin.ended", { reason: this.reason() });
    if (!this.options.held) (this.options.user ? this.password : this.user).focus();
  }

  siteName() {
    return this.page.info.name || "parley";
  }

  reason() {
    const key = `reason.${this.options.reason}`;
    return t(key) === key ? String(this.options.reason) : t(key);
  }

  /** Another tab of this browser has this login: this one may take it over, or sign in besides it. */
  heldCard() {
    return h(
      "section",
      { class: "card" },
      h("p", null, t("signin.held", { user: `\u2068${this.page.parley.held ?? ""}\u2069` })),
      h("button", { type: "button", class: "primary", on: { click: () => this.takeOver() } }, t("state.use-here")),
      h("p", { class: "muted small" }, t("signin.held-or")),
    );
  }

  form() {
    const hints = /** @type {Record<string, string>} */ ({ closed: "signin.closed", token: "signin.token-needed" });
    const eye = h(
      "button",
      { type: "button", class: "quiet small", "aria-pressed": "false", "aria-controls": "password", on: { click: () => this.showPassword(eye) } },
      t("signin.show"),
    );
    return h(
      "form",
      { on: { submit: (/** @type {Event} */ event) => this.signIn(event) } },
      h("div", { class: "field" }, h("label", { for: "user" }, t("signin.user")), this.user),
      h(
        "div",
        { class: "field" },
        h("label", { for: "password" }, t("signin.password")),
        h("div", { class: "with-button" }, this.password, eye),
      ),
      this.token && h("div", { class: "field" }, h("label", { for: "registration-token" }, t("signin.token")), this.token),
      this.error,
      this.submit,
      h("p", { class: "muted small" }, t(hints[this.page.info.registration] ?? "signin.new-here")),
    );
  }

  languages() {
    return h(
      "div",
      { class: "languages", role: "group", "aria-label": t("signin.language") },
      Object.entries(LANGUAGES).map(([code, name]) =>
        h(
          "button",
          {
            type: "button", class: "quiet small", lang: code, "aria-pressed": String(code === language()),
            on: { click: () => { this.options.user = this.user?.value; void setLanguage(code); } },
          },
          name,
        ),
      ),
    );
  }

  /** @param {HTMLElement} eye */
  showPassword(eye) {
    const input = /** @type {HTMLInputElement} */ (this.password);
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    eye.setAttribute("aria-pressed", String(hidden));
    eye.textContent = t(hidden ? "signin.hide" : "signin.show");
  }

  /** @param {Event} event */
  async signIn(event) {
    event.preventDefault();
    const user = /** @type {HTMLInputElement} */ (this.user).value.trim();
    const password = /** @type {HTMLInputElement} */ (this.password).value;
    const registrationToken = /** @type {HTMLInputElement | null} */ (this.token)?.value.trim();
    // A new account needs a password, and whatever else the server wants for it.
    const maybeNew = this.page.info.registration === "token" ? registrationToken : this.page.info.registration !== "closed";
    await this.attempt(async () => {
      if (password && maybeNew) {
        const { created } = await this.page.parley.signIn({ user, password, registrationToken });
        if (created) this.page.announce(t("signin.created", { user }));
      } else await this.page.parley.login({ user, password: password || undefined });
    });
  }

  async takeOver() {
    await this.attempt(() => this.page.parley.takeOver());
  }

  /** @param {() => Promise<any>} action */
  async attempt(action) {
    const submit = /** @type {HTMLButtonElement} */ (this.submit);
    /** @type {HTMLElement} */ (this.error).textContent = "";
    submit.disabled = true;
    submit.textContent = t("signin.busy");
    try {
      await action();
      this.options.enter();
    } catch (error) {
      this.showError(error);
    } finally {
      submit.disabled = false;
      submit.textContent = t("signin.button");
    }
  }

  /** @param {any} error */
  showError(error) {
    const key = `error.${error?.word}`;
    const text = t(key) === key ? error?.text || String(error?.message ?? error) : t(key);
    /** @type {HTMLElement} */ (this.error).textContent = text;
    const wrong = ["bad_login", "password_needed"].includes(error?.word);
    const input = /** @type {HTMLInputElement} */ (
      error?.word === "registration_token" && this.token ? this.token : wrong ? this.password : this.user
    );
    for (const each of [this.user, this.password, this.token]) each?.setAttribute("aria-invalid", String(each === input));
    input.focus();
    if (wrong) input.select();
  }
}
customElements.define("sign-in", SignIn);
