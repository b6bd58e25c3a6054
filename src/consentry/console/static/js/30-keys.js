// The keyboard: j and k walk through a list, g and a letter go to a place, ? shows all.
"use strict";
(() => {
  const keys = document.getElementById("keys");
  const SEQUENCE = 1500;
  let going = 0;
  const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");
  const first = (selector) => [...document.querySelectorAll(selector)].find((one) => one.offsetParent);
  function step(by) {
    const items = [...document.querySelectorAll("[data-items] [data-item]")].filter((one) => one.offsetParent);
    if (!items.length) return;
    // A button within a row counts as its row.
    const row = (one) => one.closest("li, tr") ?? one;
    let at = items.findIndex((one) => one.contains(document.activeElement) || (one.matches("li *, tr *") && row(one).contains(document.activeElement)));
    if (at < 0) at = items.findIndex((one) => one.hasAttribute("aria-current"));
    const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by;
    items[Math.max(0, Math.min(items.length - 1, next))].focus();
  }
  // Done is said of the row with the focus, else of the conversation that is open.
  function done() {
    const row = document.activeElement?.closest("li") ?? first("[aria-current][data-item]")?.closest("li");
    row?.querySelector("[data-done]")?.click();
  }
  const acts = {
    "?": () => keys?.showModal(),
    "j": () => step(1),
    "k": () => step(-1),
    "/": () => first("[data-search]")?.focus(),
    "r": () => first("[data-reply]:not(:disabled)")?.focus(),
    "e": done,
    "c": () => first("[data-new]")?.click(),
    "g": () => { going = performance.now(); },
  };
  function isOn() {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  }
  document.addEventListener("keydown", (event) => {
    const form = event.target.form;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form?.matches("[data-quick-send]")) {
      event.preventDefault();
      const send = form.querySelector("[data-send]");
      if (send && !send.disabled) form.requestSubmit(send);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
    if (isTyping(event.target) || document.querySelector("dialog[open]") || !isOn()) return;
    const place = going && performance.now() - going < SEQUENCE && first(`[data-go="${CSS.escape(event.key)}"]`);
    going = 0;
    // Where a row has buttons with keys of their own, they are of the row with the focus alone.
    const button = !place && document.activeElement?.closest("[data-item]")?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (place) place.click();
    else if (button) button.click();
    else if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else return;
    event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-show-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => keys.showModal());
  }
  // Single keys can disturb who speaks to the computer or types with difficulty: they can be off.
  const choice = document.querySelector("[data-keys-on]");
  if (choice) {
    choice.checked = isOn();
    choice.addEventListener("change", () => {
      try { localStorage.setItem("keys", choice.checked ? "on" : "off"); } catch { /* It lasts as long as the page. */ }
    });
  }
})();
