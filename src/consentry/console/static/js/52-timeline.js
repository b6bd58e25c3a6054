// The timeline: it keeps to its end while one is there, and otherwise stays where one reads and
// says that there is more below. The server is told the reader's zone, for the days.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `zone=${zone}; path=/console; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  const scroller = document.getElementById("scroller");
  const flow = document.getElementById("flow");
  const below = document.querySelector("[data-new-below]");
  if (!scroller || !below) return;
  const NEAR = 48;
  const isAtEnd = () => Math.abs(scroller.scrollTop) < NEAR;
  const newest = () => scroller.querySelector(".day:last-child .item:last-child")?.id;
  let before = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!scroller.contains(event.target)) return;
    before = { atEnd: isAtEnd(), top: flow.getBoundingClientRect().top, newest: newest(), tail: event.target.id === "tail" };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!before) return;
    const { atEnd, top, newest: last, tail } = before;
    before = null;
    // What came in at the end must not move what is read; what came in above does not.
    if (tail && atEnd) scroller.scrollTop = 0;
    else if (tail) scroller.scrollTop += flow.getBoundingClientRect().top - top;
    if (tail && !atEnd && newest() !== last) below.hidden = false;
  });
  function goToEnd() {
    scroller.scrollTop = 0;
    below.hidden = true;
  }
  below.querySelector("button").addEventListener("click", goToEnd);
  scroller.addEventListener("scroll", () => { if (isAtEnd()) below.hidden = true; }, { passive: true });
  document.addEventListener("taken", goToEnd);
})();
