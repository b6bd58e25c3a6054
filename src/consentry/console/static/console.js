// Keeps what is shown true: every second the parts marked data-live are fetched again.
"use strict";
// A conversation opens at its newest text, and stays there while one looks at it.
const conversation = document.querySelector(".timeline");
const page = document.scrollingElement;
function isAtEnd() {
  return page.scrollHeight - page.scrollTop - page.clientHeight < 48;
}
function showEnd() {
  if (conversation) page.scrollTop = page.scrollHeight;
}
async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const wasAtEnd = isAtEnd();
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    const busy = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    if (next && !busy && next.innerHTML !== part.innerHTML) part.replaceWith(next);
  }
  if (wasAtEnd) showEnd();
}
showEnd();
if (location.pathname !== "/console/sign-in" && !location.pathname.endsWith("/messages")) {
  setInterval(() => refresh().catch(() => {}), 1000);
}
