// Tells the server the browser's time zone, so that the next page shows instants as they are here.

const NAME = "__Host-padron-zone";

/** Keep the zone in a cookie. A person who chose a zone of their own is shown that one. */
export function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || document.cookie.includes(`${NAME}=${zone}`)) return;
  document.cookie = `${NAME}=${zone}; Path=/; Secure; SameSite=Lax; Max-Age=31536000`;
  for (const field of document.querySelectorAll("[data-own-zone]")) field.textContent = zone;
}
