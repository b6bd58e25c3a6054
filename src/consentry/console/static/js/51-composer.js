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
  // What is no answer of the composer's own is told beside it; the text stays, and the form's own
  // mark lets it go out once however often it is sent.
  function tell(words) {
    const form = find();
    if (!form) return;
    const said = form.querySelector(":scope > .error") ?? document.createElement("p");
    said.className = "error";
    said.setAttribute("role", "alert");
    said.textContent = words;
    form.prepend(said);
  }
  const isOurs = (event) => event.target.matches?.("form[data-draft]");
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { serverResponse, xhr } = event.detail;
    if (!isOurs(event) || xhr.status < 300 || serverResponse.includes('id="composer"')) return;
    event.detail.shouldSwap = false;
    const page = new DOMParser().parseFromString(serverResponse, "text/html");
    const said = page.querySelector("main p:not(.brandmark)")?.textContent.trim();
    tell(said || `The server answered ${xhr.status}. Nothing was sent.`);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (isOurs(event)) tell("No answer came. Send it again when the connection is back: it goes out once.");
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
