// Marks what has changed since the page was made. It moves nothing: the person says when to show what is new.

const LOCK = "padron-live"; // each page of the browser that listens holds it, so that they can be counted
const STREAMS_MAX = 3; // a browser has six connections to a server: further pages only look now and then
const [PAUSE_MS, PAUSE_MS_MAX] = [5000, 60000]; // between two looks; longer after each answer that failed

let leaving = new AbortController();
/** @typedef {{vins: string[], many: boolean, ended: boolean}} News */
/** @type {Set<string>} */
let marked = new Set();

/** Called for the page, and again for each part that is put in later. @param {ParentNode} part */
export function followChanges(part) {
  const notice = part.querySelector("[data-follow]");
  if (!(notice instanceof HTMLElement)) return;
  leaving.abort();
  leaving = new AbortController();
  marked = new Set();
  follow(notice, leaving.signal);
}

/** Follow while the page can be seen. A hidden one takes no connection. @param {HTMLElement} notice @param {AbortSignal} signal */
async function follow(notice, signal) {
  for (let pause = PAUSE_MS; !signal.aborted && notice.isConnected; ) {
    if (document.hidden) await new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
    const isFine = await navigator.locks.request(LOCK, { mode: "shared" }, () => listen(notice, signal));
    pause = isFine ? PAUSE_MS : Math.min(2 * pause, PAUSE_MS_MAX);
    if (!document.hidden) await new Promise((go) => setTimeout(go, pause));
  }
}

/** Mark what a stream tells. Give whether the server answered. @param {HTMLElement} notice @param {AbortSignal} signal */
async function listen(notice, signal) {
  const count = (await navigator.locks.query()).held?.filter((lock) => lock.name === LOCK).length ?? 0;
  const query = new URLSearchParams({ after: notice.dataset.follow ?? "", ...(count > STREAMS_MAX && { brief: "1" }) });
  const stream = new EventSource(`${document.body.dataset.root}/live?${query}`);
  return new Promise((/** @type {(isFine: boolean) => void} */ end) => {
    let [isFine, over] = [false, new AbortController()]; // a page may look for weeks: no listener of a look stays
    const stop = () => { stream.close(); over.abort(); end(isFine); };
    stream.onopen = () => { isFine = true; };
    stream.onerror = stop;
    stream.onmessage = (event) => {
      notice.dataset.follow = event.lastEventId;
      mark(notice, JSON.parse(event.data));
    };
    signal.addEventListener("abort", stop, { signal: over.signal });
    document.addEventListener("visibilitychange", stop, { signal: over.signal });
    if (signal.aborted) stop();
  });
}

/** Mark the rows of changed vehicles, and say how many there are. @param {HTMLElement} notice @param {News} news */
function mark(notice, { vins, many, ended }) {
  const takesAll = notice.closest("[data-every]") !== null;
  for (const vin of vins) {
    const row = document.querySelector(`[data-vin="${CSS.escape(vin)}"]`);
    row?.setAttribute("data-changed", "");
    if (row || takesAll) marked.add(vin);
  }
  const link = notice.querySelector("a");
  if (!link || !(marked.size || many || ended)) return;
  const words = notice.dataset;
  const counted = marked.size === 1 ? words.one : words.other?.replace("#", String(marked.size));
  (ended ? link : link.querySelector("span") ?? link).textContent = (ended ? words.ended : many ? words.many : counted) ?? "";
  link.hidden = false;
  if (ended) leaving.abort();
}
