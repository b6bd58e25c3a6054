// Keeps what is shown true: every second the parts marked data-live are fetched again.
"use strict";
async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    const busy = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    if (next && !busy && next.innerHTML !== part.innerHTML) part.replaceWith(next);
  }
}
if (location.pathname !== "/console/sign-in" && !location.pathname.endsWith("/messages")) {
  setInterval(() => refresh().catch(() => {}), 1000);
}
