// Goes anywhere: lists the places of the page that fit what is typed, and a search for it.

/** Open the palette, with all places. */
export function openPalette() {
  const palette = document.getElementById("palette");
  const field = document.getElementById("palette-input");
  const list = document.getElementById("palette-list");
  const places = document.getElementById("palette-places");
  if (!(palette instanceof HTMLDialogElement) || !(field instanceof HTMLInputElement) || !list) return;
  if (!(places instanceof HTMLTemplateElement) || palette.open) return;
  const links = [...places.content.querySelectorAll("a")];
  let chosen = 0;

  const draw = () => {
    const typed = field.value.trim();
    const fitting = links.filter((link) => (link.dataset.search ? typed : plain(link.text).includes(plain(typed))));
    chosen = Math.min(chosen, Math.max(fitting.length - 1, 0));
    list.replaceChildren(...fitting.map((link, place) => {
      const item = document.createElement("li");
      const query = link.dataset.search;
      item.id = `palette-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(place === chosen));
      item.textContent = query ? `${link.text} “${typed}”` : link.text;
      item.dataset.href = query ? `${link.getAttribute("href")}?${new URLSearchParams([[query, typed]])}` : link.href;
      return item;
    }));
    field.setAttribute("aria-activedescendant", fitting.length ? `palette-${chosen}` : "");
  };
  const go = (/** @type {Element | undefined | null} */ item) => {
    if (item instanceof HTMLElement && item.dataset.href) location.assign(item.dataset.href);
  };

  field.value = "";
  field.oninput = () => { chosen = 0; draw(); };
  field.onkeydown = (event) => {
    if (event.key === "Enter") { event.preventDefault(); go(list.children[chosen]); }
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    chosen = Math.min(Math.max(chosen + step, 0), list.children.length - 1);
    draw();
  };
  list.onclick = (event) => go(event.target instanceof Element ? event.target.closest("li") : null);
  draw();
  palette.showModal();
}

/** @param {string} text */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
