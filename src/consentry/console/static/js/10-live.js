// Live updates. A stream says "changed"; every part of the page that is marked data-fresh then
// fetches itself anew and is morphed in place, so that focus, typing and scrolling stay.
"use strict";
(() => {
  const about = document.body.dataset.live;
  if (!about) return;
  let stream = null;
  let timer = 0;
  const look = () => document.body.dispatchEvent(new CustomEvent("changed"));
  function open() {
    if (stream || document.hidden) return;
    stream = new EventSource(`/console/live?${about}`);
    stream.addEventListener("changed", look);
    stream.addEventListener("ended", leave);
    stream.addEventListener("error", () => {
      // The browser tries again by itself unless the server refused; then we look why.
      if (stream && stream.readyState === EventSource.CLOSED) {
        stop();
        look();
        timer = setTimeout(open, 2000);
      }
    });
  }
  function stop() {
    clearTimeout(timer);
    if (stream) stream.close();
    stream = null;
  }
  function leave() {
    stop();
    location.assign(`/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  // A hidden tab listens to nothing: browsers allow few streams to one host. It catches up when
  // it is looked at again, and so does a page that comes back out of the browser's memory.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else { open(); look(); }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) { open(); look(); } });
  open();
})();
