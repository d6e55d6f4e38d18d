// Reads a part again and again while it says `data-poll`: what it shows is still going on. Or what that address shows.
import { replace } from "./fragments.js";

const [EVERY_MS, NEXT_MS] = [1500, 100];

/** @param {ParentNode} part the document, or a part that was put in */
export function poll(part) {
  const place = part instanceof HTMLElement && "poll" in part.dataset ? part : part.querySelector("[data-poll]");
  if (!(place instanceof HTMLElement)) return;
  const [shown, next] = [location.href, place.dataset.poll];
  setTimeout(() => {
    if (place.isConnected && location.href === shown) replace(next || shown, place.id, { isNew: false });
  }, next ? NEXT_MS : EVERY_MS);
}
