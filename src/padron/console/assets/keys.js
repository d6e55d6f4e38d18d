// The keys: / searches, j and k move in a list, Enter opens, x ticks, ? helps, Ctrl+K goes anywhere.

/** @param {() => void} openPalette */
export function followKeys(openPalette) {
  document.addEventListener("keydown", (event) => {
    const isPalette = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    if (isPalette) openPalette();
    else if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    else if (document.querySelector("dialog[open]")) return;
    if (isPalette || act(event.key)) event.preventDefault();
  });
}

// Does what a key means, and says whether it means something here.
/** @param {string} key */
function act(key) {
  switch (key) {
    case "/": {
      const field = document.querySelector("#q") ?? document.querySelector("[data-key='/']");
      if (field instanceof HTMLInputElement) { field.focus(); field.select(); }
      return field !== null;
    }
    case "?": {
      const help = document.getElementById("help");
      if (help instanceof HTMLDialogElement) help.showModal();
      return help !== null;
    }
    case "j": return move(1);
    case "k": return move(-1);
    case "x": {
      const tick = document.querySelector("tr[data-here] input[type=checkbox]");
      if (tick instanceof HTMLInputElement) tick.click();
      return tick !== null;
    }
    default: return false;
  }
}

// Moves to another row, and to its link, so that Enter opens it.
/** @param {number} step */
function move(step) {
  const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
  const here = rows.findIndex((row) => row.hasAttribute("data-here"));
  const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
  if (!next) return false;
  rows[here]?.removeAttribute("data-here");
  next.setAttribute("data-here", "");
  next.querySelector("a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof Element
  && target.closest("input:not([type=checkbox], [type=radio]), textarea, select") !== null;
