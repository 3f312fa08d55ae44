/**
 * Makes elements. All text goes in as text nodes: nothing here parses markup.
 * @module
 */
import { ICONS } from "./icons.js";

/** @typedef {any} Child a string, a node, an array of these, or nothing (null, undefined, false) */

/**
 * Makes an element. In `props`, `class` is its class, `on` holds listeners by event, `dataset` its data
 * attributes; everything else is an attribute (true: empty; false, null: absent).
 * @param {string} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Child} children
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on")
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, /** @type {any} */ (listener));
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  add(element, children);
  return element;
}

/** @param {Node} parent @param {Child[]} children */
function add(parent, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(parent, child);
    else if (child instanceof Node) parent.appendChild(child);
    else if (child != null && child !== false) parent.appendChild(document.createTextNode(String(child)));
  }
}

/**
 * A picture of `app/icons.js`. Screen readers pass over it.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.appendChild(path);
  return svg;
}

/**
 * A button with a picture. With `text` the label is shown, without it is only spoken (and a tooltip).
 * @param {{icon: string, label: string, on?: Record<string, any> | ((event: Event) => void), class?: string, text?: boolean}} how
 */
export function button({ icon: name, label, on, class: extra = "", text = false }) {
  return h(
    "button",
    {
      type: "button",
      class: `${text ? "" : "icon "}${extra}`.trim(),
      "aria-label": text ? null : label,
      title: text ? null : label,
      on: typeof on === "function" ? { click: on } : on ?? {},
    },
    icon(name),
    text ? label : null,
  );
}
