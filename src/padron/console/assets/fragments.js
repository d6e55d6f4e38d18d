// Replaces a region of the page by the same region of another one. A link or a form says which by `data-fragment`.

const WAIT_MS = 180; // after the last key of a search, before it is sent

let asking = /** @type {AbortController | null} */ (null);
let timer = /** @type {number | undefined} */ (undefined);
/** @type {(part: ParentNode) => void} */
let tellPart = () => {};

/** Follow the links and forms of the page.
 * @param {(part: ParentNode) => void} onPart called for each part that was put in */
export function followFragments(onPart) {
  tellPart = onPart;
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-fragment]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    replace(link.href, region(link), { isNew: true });
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.fragment || !document.getElementById(region(form))) return;
    event.preventDefault();
    send(form, true, event.submitter);
  });
  document.addEventListener("input", (event) => {
    const form = event.target instanceof HTMLInputElement ? event.target.form : null;
    if (!form || !("live" in form.dataset)) return;
    clearTimeout(timer);
    timer = setTimeout(() => send(form, false, null), WAIT_MS);
  });
  addEventListener("popstate", () => replace(location.href, "main", { isNew: false }));
}

/** @param {HTMLElement} element */
const region = (element) => element.dataset.fragment ?? "main";

// Sends a form and shows the answer's region. Where `isNew` is true, going back leads to what was shown before.
/** @type {(form: HTMLFormElement, isNew: boolean, submitter: HTMLElement | null) => void} */
const send = (form, isNew, submitter) => {
  clearTimeout(timer);
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) {
    if (typeof value === "string" && (value || form.method === "post")) fields.append(name, value);
  }
  const address = new URL(form.action);
  if (form.method === "post") return void replace(address.href, region(form), { isNew: true, body: fields });
  address.search = fields.toString();
  replace(address.href, region(form), { isNew });
};

// Asks for an address and puts its region, which has this id, into the page. Only the last question counts.
/** @type {(address: string, id: string, how: {isNew: boolean, body?: URLSearchParams}) => Promise<void>} */
export const replace = async (address, id, { isNew, body }) => {
  asking?.abort();
  const own = (asking = new AbortController());
  const place = document.getElementById(id) ?? document.getElementById("main");
  place?.setAttribute("aria-busy", "true");
  let isAnswered = false;
  try {
    const answer = await fetch(address, {
      method: body ? "POST" : "GET", body, signal: own.signal, headers: { "X-Fragment": id },
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    isAnswered = true;
    if (own.signal.aborted) return;
    tellLost(false);
    const part = page.getElementById(place?.id ?? "main") ?? page.getElementById("main");
    if (!part) throw new TypeError("The answer is no page.");
    const account = page.getElementById("main")?.dataset.account || document.body.dataset.account;
    if (!body && account !== document.body.dataset.account) throw new TypeError("Another account was chosen.");
    const shown = answer.redirected || !body ? answer.url || address : location.href;
    history[isNew ? "pushState" : "replaceState"](null, "", shown);
    document.title = page.title || document.title;
    put(part);
  } catch (error) {
    if (own.signal.aborted) return;
    place?.removeAttribute("aria-busy");
    if (isAnswered && !body) location.assign(address);
    else tellLost(true);
  }
};

// Says that the server did not answer, until it does. The page stays, with what was typed.
/** @param {boolean} isLost */
function tellLost(isLost) {
  document.getElementById("lost")?.remove();
  if (!isLost) return;
  const told = Object.assign(document.createElement("p"), { id: "lost", className: "problem lost" });
  told.setAttribute("role", "alert");
  told.textContent = say("lost");
  document.getElementById("main")?.prepend(told);
}

/** Put a region in its place. Focus and selection stay where they were. @param {Element} part */
function put(part) {
  const old = document.getElementById(part.id) ?? document.getElementById("main");
  if (!old) return;
  const active = document.activeElement;
  const isInside = active !== null && old.contains(active);
  const kept = isInside ? find(active) : null;
  const menu = isInside ? active.closest("details[id]")?.id : undefined;
  const typed = active instanceof HTMLInputElement && active.type !== "checkbox" ? active : null;
  const begin = typed?.selectionStart ?? null;
  old.replaceWith(part);
  const next = kept ? part.querySelector(kept) : null;
  const field = typed && next instanceof HTMLInputElement ? next : null;
  if (typed && field) field.value = typed.value;
  focus(next);
  if (typed && begin !== null) field?.setSelectionRange(begin, typed.selectionEnd);
  if (isInside && !part.contains(document.activeElement)) {
    // The control is gone, or in a menu that is closed now.
    focus(document.querySelector(menu ? `#${CSS.escape(menu)} > summary` : "#main"));
  }
  tellPart(part);
  const live = document.getElementById("live"); // what is said to who cannot see the page
  const told = part.getAttribute("data-announce") ?? say("done");
  if (live && !(part.hasAttribute("data-poll") && live.textContent === told)) live.textContent = told;
}

/** @param {Element | null} element */
const focus = (element) => element instanceof HTMLElement && element.focus({ preventScroll: true });

/** Give a selector that finds the same control in another page. @param {Element} element */
function find(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const name = element.getAttribute("name");
  if (name) return `${element.localName}[name="${CSS.escape(name)}"]`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : null;
}

/** @param {string} key of a text of the page */
const say = (key) => document.getElementById("words")?.dataset[key] ?? "";
