// The keyboard: j and k walk through a list, g and a letter go to a place, ? shows all.
"use strict";
(() => {
  const keys = document.getElementById("keys");
  let going = 0;
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");
  function step(by) {
    const items = [...document.querySelectorAll("[data-items] [data-item]")].filter((i) => i.offsetParent);
    if (!items.length) return;
    const at = items.indexOf(document.activeElement);
    const current = at >= 0 ? at : items.findIndex((i) => i.getAttribute("aria-current"));
    const next = current < 0 ? (by > 0 ? 0 : items.length - 1) : current + by;
    items[Math.max(0, Math.min(items.length - 1, next))].focus();
  }
  function act(key) {
    if (key === "?" && keys) keys.showModal();
    else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "/") document.querySelector("[data-search]")?.focus();
    else if (key === "r") document.querySelector("[data-reply]:not(:disabled)")?.focus();
    else if (key === "g") { going = Date.now(); return true; }
    else return false;
    return true;
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form?.matches("[data-quick-send]")) {
      event.preventDefault();
      const send = event.target.form.querySelector("[data-send]");
      if (send && !send.disabled) event.target.form.requestSubmit(send);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
    if (isTyping(event.target) || keys?.open) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const place = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); place.click(); return; }
    }
    if (act(event.key)) event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-show-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => keys.showModal());
  }
})();
