// Ticked rows: all of a page, ranges with the shift key, and how many there are. Without this, each box still works.

/** @type {HTMLInputElement | null} */
let last = null;

/** Show how many rows are ticked. */
export function countTicks() {
  const every = document.querySelector("[data-tick-all]");
  if (!(every instanceof HTMLInputElement)) return;
  const boxes = listBoxes();
  const ticked = boxes.filter((box) => box.checked).length;
  every.hidden = false;
  every.checked = ticked > 0 && ticked === boxes.length;
  every.indeterminate = ticked > 0 && ticked < boxes.length;
  for (const place of document.querySelectorAll("[data-ticked]")) {
    place.textContent = String(ticked);
    place.toggleAttribute("hidden", ticked === 0);
  }
}

const listBoxes = () =>
  [...document.querySelectorAll("[data-tick]")].filter((one) => one instanceof HTMLInputElement);

/** Follow the boxes of all rows. */
export function followTicks() {
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement)) return;
    if ("tickAll" in box.dataset) listBoxes().forEach((one) => (one.checked = box.checked));
    else if ("tick" in box.dataset) tickRange(box, event.shiftKey);
    else return;
    countTicks();
  });
}

/** @type {(box: HTMLInputElement, isRange: boolean) => void} */
const tickRange = (box, isRange) => {
  const boxes = listBoxes();
  const [from, to] = [last ? boxes.indexOf(last) : -1, boxes.indexOf(box)];
  if (isRange && from >= 0) {
    boxes.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((one) => (one.checked = box.checked));
  }
  last = box;
};
