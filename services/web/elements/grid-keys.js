/**
 * Arrow keys, Home and End in a grid of buttons, of which one can be reached by Tab.
 * @module
 */

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} grid its children are the cells
 * @param {number} columns
 * @returns {boolean} whether the key was for the grid
 */
export function stepInGrid(event, grid, columns) {
  const cells = /** @type {HTMLElement[]} */ ([...grid.children]);
  const at = cells.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: cells.length - 1 - at };
  const step = steps[/** @type {keyof steps} */ (event.key)];
  if (at < 0 || step === undefined) return false;
  event.preventDefault();
  event.stopPropagation();
  const next = cells[at + step];
  if (!next) return true;
  cells[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  return true;
}
