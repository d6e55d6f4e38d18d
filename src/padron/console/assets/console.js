// The console works without this script. It adds what a page alone cannot do: parts of pages, keys, a palette.
import { followFragments } from "./fragments.js";
import { offerCopies } from "./copy.js";
import { followKeys } from "./keys.js";
import { followChanges } from "./live.js";
import { openPalette } from "./palette.js";
import { poll } from "./poll.js";
import { tellZone } from "./zone.js";

/** Called for the whole document, and again for each part that was put in later. Others add theirs by `onPart`. */
/** @type {Array<(part: ParentNode) => void>} */
const decorators = [];

/**
 * Let a function see the document, and every part of a page that is put in later.
 * @param {(part: ParentNode) => void} decorate
 */
export function onPart(decorate) {
  decorators.push(decorate);
  decorate(document);
}

followFragments((part) => decorators.forEach((decorate) => decorate(part)));
followKeys(openPalette);
onPart(followChanges);
tellZone();
onPart(offerCopies);
onPart(poll);

// A menu closes when something else is touched, or when Escape is pressed in it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.removeAttribute("open");
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.target instanceof Element ? event.target.closest("details[data-menu][open]") : null;
  if (event.key !== "Escape" || !menu) return;
  menu.removeAttribute("open");
  menu.querySelector("summary")?.focus();
});
document.addEventListener("click", (event) => {
  const opener = event.target instanceof Element ? event.target.closest("[data-opens]") : null;
  const dialog = opener && document.getElementById(opener.getAttribute("data-opens") ?? "");
  if (!(dialog instanceof HTMLDialogElement)) return;
  event.preventDefault();
  dialog.showModal();
});
