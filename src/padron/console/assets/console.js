// The console works without this script. It adds what a page alone cannot do: parts of pages, keys, a palette.
import { followFragments } from "./fragments.js";
import { offerCopies } from "./copy.js";
import { followKeys } from "./keys.js";
import { followChanges } from "./live.js";
import { openPalette } from "./palette.js";
import { offerPasskeys } from "./passkeys.js";
import { poll } from "./poll.js";
import { offerScan } from "./scan.js";
import { countTicks, followTicks } from "./ticks.js";
import { tellZone } from "./zone.js";

const DECORATORS = [followChanges, offerCopies, offerPasskeys, offerScan, poll, countTicks];

/** Let each see the document, and every part that is put in later. @param {ParentNode} part */
const decorate = (part) => DECORATORS.forEach((one) => one(part));

followFragments(decorate);
followKeys(openPalette);
tellZone();
followTicks();
decorate(document);

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
