// Small comforts: menus that close, the theme, and buttons that copy what is beside them.
"use strict";
(() => {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[open]:not([data-stays])"))
      if (!menu.contains(event.target) && menu.querySelector(".menu")) menu.open = false;
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(copy.dataset.copy).then(() => say(copy, "Copied"), () => say(copy, "Copying was not allowed"));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[open]:not([data-stays])"))
      if (menu.querySelector(".menu")) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  function say(button, words) {
    const said = document.getElementById("said");
    if (said) said.textContent = words;
    const label = button.querySelector("span") ?? button;
    const before = label.textContent;
    label.textContent = words;
    setTimeout(() => { label.textContent = before; }, 1500);
  }
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  const themes = ["system", "light", "dark"];
  const names = { system: "as the system", light: "light", dark: "dark" };
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    let current = document.documentElement.dataset.theme ?? "system";
    const tell = () => { button.querySelector("span").textContent = `Theme: ${names[current]}`; };
    button.hidden = false;
    tell();
    button.addEventListener("click", () => {
      current = themes[(themes.indexOf(current) + 1) % themes.length];
      if (current === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = current;
      try { localStorage.setItem("theme", current); } catch { /* It lasts as long as the page. */ }
      tell();
    });
  }
})();
