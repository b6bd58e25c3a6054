// Lists: a chosen file is read into the field beside it, and a form that takes a while says so.
"use strict";
(() => {
  function decode(bytes) {
    const mark = bytes.length > 1 ? (bytes[0] << 8) | bytes[1] : 0;
    if (mark === 0xfffe) return new TextDecoder("utf-16le").decode(bytes);
    if (mark === 0xfeff) return new TextDecoder("utf-16be").decode(bytes);
    try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); }
    catch { return new TextDecoder("windows-1252").decode(bytes); }
  }
  for (const chooser of document.querySelectorAll("[data-file-into]")) {
    const row = chooser.closest("[data-file-row]");
    row.hidden = false;
    chooser.addEventListener("change", async () => {
      const [file] = chooser.files;
      if (!file) return;
      const told = row.querySelector("[data-file-name]");
      if (file.size > 5_000_000) { told.textContent = `${file.name} is larger than 5 MB. Split it.`; return; }
      const field = document.getElementById(chooser.dataset.fileInto);
      field.value = decode(new Uint8Array(await file.arrayBuffer()));
      told.textContent = file.name;
      const source = document.getElementById("source");
      if (source && !source.value) source.value = file.name;
    });
  }
  for (const form of document.querySelectorAll("form[data-busy]"))
    form.addEventListener("submit", () => {
      const button = form.querySelector("button.primary");
      button.dataset.words = button.textContent;
      button.textContent = `${form.dataset.busy}…`;
      // Disabled a moment later: a disabled button would not send its form.
      setTimeout(() => { button.disabled = true; });
    });
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form[data-busy] button[data-words]")) {
      button.disabled = false;
      button.textContent = button.dataset.words;
    }
  });
})();
