/**
 * A round mark for a person, a square one for a group: the picture, or else initials on a colour that follows from the id.
 * A picture that cannot be loaded leaves the initials, and fires `stale` {id, group}. The name stands beside it, so screen readers pass over it.
 * @module
 */

export class PersonAvatar extends HTMLElement {}
customElements.define("person-avatar", PersonAvatar);

/**
 * @param {{id: string, title?: string, picture?: string, group?: boolean, online?: boolean, size?: "small"|"large"}} who
 * @returns {HTMLElement}
 */
export function avatar({ id, title, picture, group = false, online, size }) {
  const element = document.createElement("person-avatar");
  element.setAttribute("aria-hidden", "true");
  element.className = [size, group && "group", online && "online"].filter(Boolean).join(" ");
  element.style.setProperty("--hue", String(hueOf(id)));
  element.textContent = initialsOf(title || id);
  if (picture) element.append(pictureOf(picture, { id, group }));
  return element;
}

/** @param {string} address @param {{id: string, group: boolean}} who */
function pictureOf(address, who) {
  const image = new Image();
  image.alt = "";
  image.decoding = "async";
  image.draggable = false;
  image.addEventListener("error", () => {
    image.dispatchEvent(new CustomEvent("stale", { bubbles: true, detail: who }));
    image.remove();
  });
  image.src = address;
  return image;
}

/**
 * The hue of an account or group.
 * @param {string} id
 */
export function hueOf(id) {
  let hash = 0;
  for (const letter of id) hash = (hash * 31 + /** @type {number} */ (letter.codePointAt(0))) % 360007;
  return (hash * 137) % 360;
}

/**
 * The first letters of the first and the last word. Names in Chinese have one; a name without a letter at
 * all gets a dot.
 * @param {string} name
 */
export function initialsOf(name) {
  const words = name.match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? [];
  if (words.length === 0) return "·";
  const first = [...words[0]][0];
  const last = words.length > 1 ? [...words[words.length - 1]][0] : "";
  return (/\p{Script=Han}/u.test(first) ? first : first + last).toLocaleUpperCase();
}
