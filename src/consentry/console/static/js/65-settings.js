// Settings: a copy button that comes with a new piece of the page shows itself too.
"use strict";
document.addEventListener("htmx:afterSettle", () => {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
});
