// Marks what has changed since the page was made. It moves nothing: the person says when to show what is new.

const PAUSE_MS = 5000; // after an answer that failed
const TOGETHER_MS = 400; // so that many changes at once are one question

/** @type {AbortController | null} */
let asking = null;
/** @type {Set<string>} */
let marked = new Set();

/**
 * Follow the register from where the page was made. Called again for each part that is put in later.
 * @param {ParentNode} part
 */
export function followChanges(part) {
  const notice = part.querySelector("[data-follow]");
  if (!(notice instanceof HTMLElement)) return;
  asking?.abort();
  marked = new Set();
  const own = (asking = new AbortController());
  follow(notice, Number(notice.dataset.follow), own.signal);
}

/**
 * @param {HTMLElement} notice
 * @param {number} after the number of the last change that is known
 * @param {AbortSignal} signal
 */
async function follow(notice, after, signal) {
  while (!signal.aborted && notice.isConnected) {
    if (document.hidden) await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
    try {
      const answer = await fetch(`${document.body.dataset.root}/live?after=${after}`, { signal });
      if (answer.status === 401 || answer.status === 403) return;
      if (!answer.ok) throw new TypeError("The server is busy.");
      const news = await answer.json();
      after = news.after;
      if (news.vins.length) mark(notice, news.vins, news.many);
      await pause(news.vins.length ? TOGETHER_MS : 0);
    } catch {
      if (signal.aborted) return;
      await pause(PAUSE_MS);
    }
  }
}

/**
 * Mark the rows of changed vehicles, and say how many there are.
 * @param {HTMLElement} notice
 * @param {string[]} vins
 * @param {boolean} isMany
 */
function mark(notice, vins, isMany) {
  const takesAll = notice.closest("[data-every]") !== null;
  for (const vin of vins) {
    const row = document.querySelector(`[data-vin="${CSS.escape(vin)}"]`);
    row?.setAttribute("data-changed", "");
    if (row || takesAll) marked.add(vin);
  }
  const link = notice.querySelector("a");
  const text = link?.querySelector("span");
  if (!link || !text || !(marked.size || isMany)) return;
  const words = marked.size === 1 ? notice.dataset.one : notice.dataset.other?.replace("#", String(marked.size));
  text.textContent = (isMany ? notice.dataset.many : words) ?? "";
  link.hidden = false;
}

/** @param {number} ms */
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
