// Reads a part again and again while it says `data-poll`: what it shows is still going on.
import { replace } from "./fragments.js";

const EVERY_MS = 1500;

/** @param {ParentNode} part the document, or a part that was put in */
export function poll(part) {
  const place = part instanceof HTMLElement && "poll" in part.dataset ? part : part.querySelector("[data-poll]");
  if (!(place instanceof HTMLElement)) return;
  const address = location.href;
  setTimeout(() => {
    if (place.isConnected && location.href === address) replace(address, place.id, { isNew: false });
  }, EVERY_MS);
}
