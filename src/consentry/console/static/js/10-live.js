// Live updates. A stream says what to look at again; the parts of the page that show it then fetch
// themselves anew and are morphed in place, so that focus, typing and scrolling stay.
// "changed" is about what the page itself shows, "inbox-changed" about the list of conversations.
"use strict";
(() => {
  const about = document.body.dataset.live;
  let stream = null;
  let timer = 0;
  const tell = (what) => document.body.dispatchEvent(new CustomEvent(what));
  function look() {
    tell("changed");
    tell("inbox-changed");
  }
  function open() {
    if (!about || stream || document.hidden) return;
    stream = new EventSource(`/console/live?${about}`);
    // The first word comes at once: something may have changed since this page was made.
    stream.addEventListener("changed", () => tell("changed"));
    stream.addEventListener("inbox", () => tell("inbox-changed"));
    stream.addEventListener("ended", leave);
    stream.addEventListener("error", () => {
      // The browser tries again by itself unless the server refused. Then what is fetched anew
      // tells why: a session that ended leads to the sign-in page.
      if (stream?.readyState !== EventSource.CLOSED) return;
      stop();
      look();
      timer = setTimeout(open, 2000);
    });
  }
  function stop() {
    clearTimeout(timer);
    stream?.close();
    stream = null;
  }
  function leave() {
    stop();
    const here = location.pathname + location.search;
    location.assign(`/console/sign-in?next=${encodeURIComponent(here)}`);
  }
  // A hidden tab listens to nothing: browsers allow few streams to one host. It catches up when
  // it is looked at again, and so does a page that comes back out of the browser's memory.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status !== 401) return;
    event.preventDefault();
    leave();
  });
  open();

  // What a script or a person did to the page is not undone by what is fetched: what is typed,
  // what is unfolded, a time in the agent's own zone, a button that only a script can serve.
  const morph = globalThis.Idiomorph?.defaults;
  if (!morph) return;
  morph.ignoreActiveValue = true;
  morph.callbacks.beforeNodeMorphed = (before, after) =>
    !(before.tagName === "TIME" && before.dateTime === after.dateTime);
  morph.callbacks.beforeAttributeUpdated = (name, element) =>
    !(name === "open" && element.tagName === "DETAILS") &&
    !(name === "hidden" && element.matches("[data-copy], [data-scripted]"));
  morph.callbacks.afterNodeAdded = (node) => {
    const searching = document.activeElement?.matches("[data-search]");
    if (!searching && node.matches?.("[data-slides]")) node.classList.add("slid-in");
  };
})();
