// Asks the browser for a passkey, and sends what it gives. A form says by `data-passkey` what the server wants to know.

/** @param {ParentNode} part the document, or a part that was put in */
export function offerPasskeys(part) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
  for (const form of part.querySelectorAll("form[data-passkey]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    form.hidden = false;
    if (!form.dataset.passkey) continue; // its answer has the form that asks
    form.addEventListener("submit", (event) => { event.preventDefault(); ask(form); });
    ask(form);
  }
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const problem = form.querySelector("[role=alert]");
  const field = form.elements.namedItem("credential");
  if (!(problem instanceof HTMLElement) || !(field instanceof HTMLInputElement)) return;
  problem.hidden = true;
  const options = JSON.parse(form.dataset.passkey ?? "");
  try {
    const given = options.user
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    field.value = JSON.stringify(given);
    form.submit();
  } catch {
    problem.hidden = false;
  }
}
