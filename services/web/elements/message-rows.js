/**
 * The lines of a conversation, from its items: lines of days, "new", notices and texts. Texts that
 * one person writes in one go stand together.
 * @module
 */

/**
 * @typedef {{key: string, kind: "day"|"new"|"notice"|"text", item?: any, time_ms?: number,
 *   first?: boolean, last?: boolean}} Row
 */

const TOGETHER_MS = 5 * 60 * 1000;

/**
 * The day in the reader's zone.
 * @param {number} time_ms
 */
export function dayOf(time_ms) {
  const day = new Date(time_ms);
  return `${day.getFullYear()}-${day.getMonth() + 1}-${day.getDate()}`;
}

/** @param {any} one @param {any} next */
function together(one, next) {
  return (
    one?.kind === "text" && next?.kind === "text" && one.by === next.by &&
    next.time_ms - one.time_ms < TOGETHER_MS && dayOf(one.time_ms) === dayOf(next.time_ms)
  );
}

/**
 * @param {any[]} items ascending
 * @param {number|null} [firstNew] the cid that the "new" line stands before; there is none while what precedes
 *   it is not loaded
 * @param {boolean} [atStart] whether nothing precedes the items
 * @returns {Row[]}
 */
export function rowsOf(items, firstNew = null, atStart = true) {
  /** @type {Row[]} */
  const rows = [];
  let day = "";
  let isNew = firstNew == null || (!atStart && items[0]?.cid >= firstNew);
  items.forEach((item, index) => {
    if (dayOf(item.time_ms) !== day) {
      day = dayOf(item.time_ms);
      rows.push({ key: `day:${day}`, kind: "day", time_ms: item.time_ms });
    }
    const startsNew = !isNew && item.cid != null && item.cid >= /** @type {number} */ (firstNew) && !item.mine;
    if (startsNew) {
      isNew = true;
      rows.push({ key: "new", kind: "new" });
    }
    if (item.kind === "text")
      rows.push({
        key: item.key,
        kind: "text",
        item,
        first: startsNew || !together(items[index - 1], item),
        last: !together(item, items[index + 1]) || (!isNew && items[index + 1]?.cid >= (firstNew ?? Infinity)),
      });
    else rows.push({ key: item.key, kind: "notice", item });
  });
  return rows;
}
