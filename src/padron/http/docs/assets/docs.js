// Search, copy, the address as the browser knows it, and calls that open when a link leads to them.
// Without any of it, the page can be read and used all the same.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Behind a proxy only the browser knows the address that leads here: what is before the page's own path, /docs.
  const server = document.body.dataset.server;
  const here = location.origin + location.pathname.replace(/\/docs\/?$/, "");
  if (server && server !== here) {
    for (const code of all("code.curl")) code.textContent = code.textContent.replaceAll(server, here);
  }

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    if (target) target.scrollIntoView();
    for (const link of all(".side a[href^='#']")) {
      if (link.hash && link.hash === location.hash) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  for (const link of all(".menu a")) link.addEventListener("click", () => { link.closest("details").open = false; });

  // What is typed at a prompt, without the prompt and without what the program answers.
  const take = (code) => {
    if (!code.classList.contains("language-console")) return code.textContent;
    let goesOn = false;
    const lines = code.textContent.split("\n").filter((line) => {
      const isTyped = goesOn || line.startsWith("$ ");
      goesOn = isTyped && line.endsWith("\\");
      return isTyped;
    });
    return lines.map((line) => line.replace(/^\$ /, "")).join("\n");
  };

  // Where the page is not from a safe address, a browser has no clipboard for it: then the text is selected.
  const copy = async (code, button) => {
    try {
      await navigator.clipboard.writeText(take(code));
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  for (const pre of all("pre")) {
    const code = pre.querySelector("code");
    if (!code) continue;
    const frame = document.createElement("div");
    const button = document.createElement("button");
    frame.className = "copied";
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => copy(code, button));
    pre.replaceWith(frame);
    frame.append(pre, button);
  }

  const form = document.querySelector(".find");
  if (!form) return;
  const input = form.querySelector("input");
  const told = form.querySelector("output");
  const parts = all("[data-find]").map((part) => ({ part, text: part.textContent.toLowerCase() }));
  const groups = all("[data-group]");
  form.hidden = false;
  const find = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { part, text } of parts) {
      const fits = words.every((word) => text.includes(word));
      part.classList.toggle("hidden", !fits);
      if (fits && part.tagName === "DETAILS") count += 1;
    }
    for (const group of groups) group.classList.toggle("hidden", words.length > 0 && !group.querySelector("[data-find]:not(.hidden)"));
    for (const rest of all("[data-rest]")) rest.classList.toggle("hidden", words.length > 0);
    told.textContent = words.length ? `${count} found` : "";
  };
  input.addEventListener("input", find);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && document.activeElement === input) {
      input.value = "";
      find();
    }
  });
})();
