// Times are told in the agent's own zone, and "5m" stays true while one looks at it.
"use strict";
(() => {
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  function ago(at) {
    const seconds = Math.floor((Date.now() - at) / 1000);
    if (seconds < 60) return "now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
    if (seconds < 604800) return `${Math.floor(seconds / 86400)}d`;
    return null;
  }
  function tell(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.valueOf())) continue;
      const words = full.format(at);
      if (time.title !== words) time.title = words;
      if ("since" in time.dataset) {
        const short = ago(at.valueOf());
        if (short && time.textContent !== short) time.textContent = short;
      } else if ("clock" in time.dataset) {
        const clock = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
        if (time.textContent !== clock) time.textContent = clock;
      }
    }
  }
  tell(document);
  setInterval(() => tell(document), 15000);
  document.addEventListener("htmx:afterSwap", () => tell(document));
})();
