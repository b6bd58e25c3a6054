// The list of conversations: it looks again without slipping away from the hand, stays where it
// was scrolled to when a conversation is opened, and keeps what is searched in the address.
"use strict";
(() => {
  const find = () => document.getElementById("inbox-rows");
  if (!find()) return;
  const AIMING = 600;
  const AIMING_MAX = 2000;
  let movedAt = 0;
  let waitingSince = 0;
  let timer = 0;
  let isStale = false;
  document.addEventListener("pointermove", (event) => {
    if (event.target.closest?.("#inbox-rows")) movedAt = performance.now();
  }, { passive: true });
  // Somebody who is aiming at a row must not hit another one: the list waits, but not for long.
  function look() {
    clearTimeout(timer);
    const rows = find();
    if (rows.offsetParent === null) { isStale = true; return; }
    const now = performance.now();
    waitingSince ||= now;
    const rest = Math.min(movedAt + AIMING, waitingSince + AIMING_MAX) - now;
    if (movedAt && rest > 0) { timer = setTimeout(look, rest); return; }
    waitingSince = 0;
    isStale = false;
    rows.dispatchEvent(new CustomEvent("look"));
  }
  document.body.addEventListener("inbox-changed", look);
  // A narrow window hides the list beside a conversation, and it is not kept fresh.
  addEventListener("resize", () => { if (isStale) look(); });

  const talks = () => [...document.querySelectorAll("#inbox-rows .talk")];
  const field = document.getElementById("inbox-find");

  // Enter in the search goes to the first who is found; a second one opens the page.
  let goesToFirst = false;
  document.getElementById("inbox-search").addEventListener("submit", (event) => {
    event.preventDefault();
    goesToFirst = true;
    find().dispatchEvent(new CustomEvent("look"));
  });

  // A conversation that was marked leaves the list; the next one takes its place and the focus.
  let left = -1;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const row = event.target.matches(".mark") && event.target.closest(".inbox-row");
    if (row && row.contains(document.activeElement)) left = talks().indexOf(row.querySelector(".talk"));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches(".mark")) {
      if (event.detail.successful) find().dispatchEvent(new CustomEvent("look"));
      else if (event.detail.xhr.status) location.reload();
    } else if (event.target.id === "inbox-rows" && goesToFirst) {
      goesToFirst = false;
      talks()[0]?.focus();
    }
  });

  // Who listens to the page is told who wrote.
  const newest = () => document.querySelector("#inbox-rows .inbox-row.unread");
  const when = (row) => row?.querySelector("time")?.dateTime ?? "";
  let told = when(newest());
  function say() {
    const row = newest();
    if (!field.value && when(row) > told) {
      told = when(row);
      document.getElementById("said").textContent = `New text from ${row.querySelector(".who").textContent}`;
    }
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "inbox-rows") return;
    if (left >= 0 && document.activeElement === document.body) {
      const there = talks();
      there[Math.min(left, there.length - 1)]?.focus();
    }
    left = -1;
    say();
    const searched = field.value.trim();
    const here = new URL(location);
    if (searched === (here.searchParams.get("search") ?? "")) return;
    for (const name of ["search", "before", "people"]) here.searchParams.delete(name);
    if (searched) here.searchParams.set("search", searched);
    history.replaceState(history.state, "", here);
  });

  // Opening a conversation loads a page: the list beside it is scrolled to where it was.
  const place = () => {
    const here = new URLSearchParams(location.search);
    const sender = location.pathname === "/console" ? here.get("sender") : here.get("list");
    const names = [here.get("show"), here.get("search"), here.get("before"), here.get("people")];
    return `inbox:${[sender, ...names].map((name) => name ?? "").join("|")}`;
  };
  try {
    find().scrollTop = Number(sessionStorage.getItem(place()) ?? 0);
    addEventListener("pagehide", () => sessionStorage.setItem(place(), String(find().scrollTop)));
  } catch { /* Without storage the list begins at its top. */ }
})();
