// Reads a part again and again while it says `data-poll`: what it shows is still going on. If that names an address, its
// part is shown next. Whatever else is being asked for goes first, and an open menu stays.
import { replace } from "./fragments.js";

/** @param {ParentNode} part the document, or a part that was put in */
export function poll(part) {
  const place = part instanceof HTMLElement && "poll" in part.dataset ? part : part.querySelector("[data-poll]");
  if (!(place instanceof HTMLElement)) return;
  const [shown, next] = [location.href, place.dataset.poll];
  setTimeout(() => {
    if (!place.isConnected || location.href !== shown) return;
    if (place.closest("[aria-busy=true]") || place.querySelector("[data-menu][open]")) poll(place);
    else replace(next || shown, place.id, { isNew: false });
  }, next ? 100 : 1500);
}
