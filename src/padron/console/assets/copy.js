// A secret that is shown once has a button that copies it.

/** @param {ParentNode} part */
export function offerCopies(part) {
  for (const button of part.querySelectorAll("button[data-copy]")) {
    const field = document.getElementById(button.getAttribute("data-copy") ?? "");
    if (!(button instanceof HTMLButtonElement) || !(field instanceof HTMLInputElement) || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.done ?? "";
    });
  }
}
