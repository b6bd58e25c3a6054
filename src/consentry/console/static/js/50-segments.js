// How many segments a text takes, counted as the server counts it (GSM 03.38 septets where they
// suffice, else UTF-16). A character is never cut in two.
"use strict";
(() => {
  const BASIC = new Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
  const EXTENSION = new Set("\f^{}\\[~]|€");
  const GSM7 = { name: "GSM-7", single: 160, part: 153, width: (c) => (EXTENSION.has(c) ? 2 : 1) };
  const UCS2 = { name: "UCS-2", single: 70, part: 67, width: (c) => (c.length > 1 ? 2 : 1) };
  function count(text) {
    const characters = [...text];
    const outside = characters.find((c) => !BASIC.has(c) && !EXTENSION.has(c));
    const encoding = outside === undefined ? GSM7 : UCS2;
    let units = 0;
    let segments = 1;
    let room = encoding.part;
    for (const character of characters) {
      const width = encoding.width(character);
      units += width;
      if (width > room) { segments += 1; room = encoding.part; }
      room -= width;
    }
    if (units <= encoding.single) { segments = Math.min(units, 1); room = encoding.single - units; }
    return { encoding: encoding.name, characters: units, segments, left: room, outside, length: characters.length };
  }
  const LONGEST = 1600;
  function tell(counter) {
    const field = document.getElementById(counter.dataset.counter);
    if (!field) return;
    const counted = count(field.value);
    const { encoding, segments, left, outside, length } = counted;
    counter.hidden = length === 0;
    Object.assign(counter.dataset, { encoding, segments, characters: counted.characters, left });
    const over = length - LONGEST;
    const parts = `${segments} segment${segments === 1 ? "" : "s"}`;
    const because = outside === undefined ? "" : `, for “${outside}”`;
    const words = over > 0 ? `${over} characters too many` : `${left} left in this one`;
    counter.textContent = `${encoding}${because} · ${parts} · ${words}`;
    counter.classList.toggle("over", over > 0);
  }
  const tellAll = () => document.querySelectorAll("[data-counter]").forEach(tell);
  document.addEventListener("input", tellAll);
  document.addEventListener("htmx:afterSettle", tellAll);
  document.addEventListener("counted", tellAll);
  addEventListener("pageshow", tellAll);
  tellAll();
})();
