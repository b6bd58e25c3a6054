// The composer: what is typed is kept in this tab until the server has it, and the page's own
// text stays as it is while the parts around it are fetched anew.
"use strict";
(() => {
  const find = () => document.querySelector("form[data-draft]");
  const nameOf = (form) => `draft ${form.dataset.draft}`;
  function keep(form) {
    const text = form.elements.body.value;
    try {
      if (text) sessionStorage.setItem(nameOf(form), text);
      else sessionStorage.removeItem(nameOf(form));
    } catch { /* Without storage a draft lasts as long as the page. */ }
  }
  function bringBack() {
    const form = find();
    if (!form || form.elements.body.value) return;
    try { form.elements.body.value = sessionStorage.getItem(nameOf(form)) ?? ""; } catch { return; }
    document.dispatchEvent(new CustomEvent("counted"));
  }
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.matches?.("[data-draft]") && event.target.name === "body") keep(form);
  });
  // The answer comes for what was sent: nothing is typed into the field while it is under way.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("form[data-draft]")) event.target.elements.body.readOnly = true;
  });
  document.addEventListener("htmx:afterRequest", () => {
    const form = find();
    if (form) form.elements.body.readOnly = false;
  });
  document.addEventListener("taken", () => {
    const form = find();
    if (!form) return;
    form.elements.body.value = "";
    keep(form);
    document.dispatchEvent(new CustomEvent("counted"));
  });
  // A composer that takes the place of another one is for writing at once.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "composer" || event.detail.requestConfig?.verb !== "get") return;
    bringBack();
    find()?.elements.body.focus();
  });
  addEventListener("pageshow", bringBack);
  bringBack();
})();
