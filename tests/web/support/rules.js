// The rules of accessibility that matter most, written out: for machines that can't have axe-core, and
// beside it elsewhere. Returns one line for each element that breaks one.
const faults = [];
const visible = [...document.querySelectorAll("body *")].filter((each) =>
  each.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
const say = (rule, element) => faults.push(`${rule}: ${element.outerHTML.slice(0, 160)}`);

/** The words by which a screen reader calls an element. */
function nameOf(element) {
  const by = element.getAttribute("aria-labelledby");
  if (by) return by.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const label = element.getAttribute("aria-label")?.trim();
  if (label) return label;
  const labels = [...(element.labels ?? [])].map((each) => each.textContent).join(" ").trim();
  if (labels) return labels;
  if (element.tagName === "INPUT" || element.tagName === "TEXTAREA" || element.tagName === "SELECT")
    return element.title || (element.type === "submit" ? element.value : "");
  const hidden = new Set(element.querySelectorAll("[aria-hidden=true], [aria-hidden=true] *"));
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let text = "";
  while (walker.nextNode()) if (!hidden.has(walker.currentNode.parentElement)) text += walker.currentNode.data;
  return text.trim() || element.title;
}

const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
/** A colour of CSS as red, green, blue and alpha. */
function colour(css) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = css;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}
const luminance = (rgb) =>
  rgb.slice(0, 3).map((each) => each / 255)
    .map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
/** The plain ground that an element stands on, or null where it is a picture or see-through in part. */
function groundOf(element) {
  for (let each = element; each; each = each.parentElement) {
    const style = getComputedStyle(each);
    if (style.backgroundImage !== "none" || Number(style.opacity) < 1) return null;
    const found = colour(style.backgroundColor);
    if (found[3] === 255) return found;
    if (found[3] > 0) return null;
  }
  return [255, 255, 255, 255];
}

if (!document.documentElement.lang) faults.push("the page says no language");
if (!document.title) faults.push("the page has no title");
const mains = visible.filter((each) => each.matches("main:not([role]), [role=main]"));
if (mains.length !== 1) faults.push(`the page has ${mains.length} main parts`);
const ids = new Map();
for (const each of document.querySelectorAll("[id]")) ids.set(each.id, (ids.get(each.id) ?? 0) + 1);
for (const [id, count] of ids) if (count > 1) faults.push(`${count} elements have the id ${id}`);
for (const each of visible) {
  if (each.matches("button, a[href], input, textarea, select, summary, [role=button], [role=option]") && !nameOf(each))
    say("a control without a name", each);
  if (each.matches("img:not([alt])")) say("a picture without words", each);
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-activedescendant"])
    for (const id of (each.getAttribute(attribute) ?? "").split(" ").filter(Boolean))
      if (!ids.has(id)) say(`${attribute} names nothing`, each);
  if (each.closest("[aria-hidden=true]") && each.matches("button, a[href], input, textarea, select, [tabindex='0']"))
    say("a control that screen readers do not see", each);
  if (!each.closest("[aria-hidden=true], :disabled, [aria-busy=true]") && [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) {
    const style = getComputedStyle(each);
    const ground = groundOf(each);
    const ink = colour(style.color);
    if (!ground || ink[3] < 255 || each.closest(".visually-hidden")) continue;
    const [light, dark] = [luminance(ink), luminance(ground)].sort((one, other) => other - one);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if ((light + 0.05) / (dark + 0.05) < (large ? 3 : 4.5)) say(`too little contrast (${((light + 0.05) / (dark + 0.05)).toFixed(2)})`, each);
  }
}
return faults;
