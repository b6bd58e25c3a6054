// The handsets page: asks for what changed several times a second, and draws it.

import { buildFaults, drawFaults, listenToFaults } from "./faults.js";
import { ask, byId } from "./page.js";
import { Phone, drawEmptyTable } from "./phone.js";

const POLL_MILLISECONDS = 400;
const OPEN_MAX = 6;

const cards = new Map();
let open = readAddress();
let revision = "";
let storyDrawn = false;
const table = { onThread: openThread, onAway: putAway, refresh };

// The address holds the open phones and their threads, so a reload or a link shows the same.
function readAddress() {
  const parts = decodeURIComponent(location.hash.slice(1)).split(",");
  return parts.filter((part) => /^\+[1-9]\d{6,14}(~|$)/.test(part)).map((part) => {
    const [phone, number] = part.split("~");
    return { phone, number: number || "" };
  });
}

function writeAddress() {
  const hash = open.map(({ phone, number }) => `${phone}~${number}`).join(",");
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
}

async function refresh() {
  const query = new URLSearchParams(revision ? { since: revision } : {});
  for (const { phone, number } of open) query.append("open", `${phone}~${number}`);
  const asked = open;
  try {
    const view = await ask("GET", `/api/view?${query}`);
    byId("offline").hidden = true;
    if (view === null || asked !== open) return;
    revision = view.revision;
    await draw(view);
  } catch (error) {
    revision = "";
    byId("offline").hidden = false;
    byId("offline").textContent =
      `Nothing new can be shown. ${error.message} It is asked again every second.`;
  }
}

function redraw() {
  revision = "";
  writeAddress();
  return refresh();
}

async function draw(view) {
  const senders = view.senders.filter((sender) => sender.textable);
  drawKnownPhones(view.phones);
  drawFaults(view.faults, view.phones);
  if (chooseThreads(view, senders)) {
    await redraw();
    return;
  }
  drawStory(view);
  const shown = new Set(open.map(({ phone }) => phone));
  for (const [phone, card] of cards) {
    if (!shown.has(phone)) {
      card.element.remove();
      cards.delete(phone);
    }
  }
  if (!view.open.length) {
    drawEmptyTable(view.phones, pick);
    return;
  }
  byId("phones").querySelector(":scope > .empty")?.remove();
  for (const phone of view.open) drawPhone(phone, senders);
}

// A fresh page opens the first phones there are; a phone without a thread opens its latest.
function chooseThreads(view, senders) {
  if (!open.length && !location.hash && view.phones.length && !storyDrawn) {
    open = view.phones.slice(0, 3).map((phone) => ({ phone, number: "" }));
    return true;
  }
  let chosen = false;
  for (const { phone, number, threads } of view.open) {
    const entry = open.find((one) => one.phone === phone);
    const first = threads.find((one) => senders.some((s) => s.number === one.number));
    if (!number && entry && senders.length) {
      entry.number = first?.number || senders[0].number;
      chosen = true;
    }
  }
  return chosen;
}

function drawKnownPhones(phones) {
  const list = byId("known-phones");
  if (list.dataset.known === phones.join()) return;
  list.dataset.known = phones.join();
  list.replaceChildren(...phones.map((phone) => new Option("", phone)));
}

// Who comes to an untouched table is told the story; whoever has begun knows it.
function drawStory(view) {
  if (storyDrawn) return;
  storyDrawn = true;
  byId("story").open = view.open.every(({ threads }) => threads.length === 0);
}

function drawPhone(view, senders) {
  let card = cards.get(view.phone);
  if (!card) {
    card = new Phone(view.phone, table);
    cards.set(view.phone, card);
    byId("phones").append(card.element);
  }
  card.draw(view, senders);
}

function openThread(phone, number) {
  open = open.map((one) => (one.phone === phone ? { phone, number } : one));
  return redraw();
}

// The keyboard's place goes to a neighbour, or to where a phone is added.
async function putAway(phone) {
  const place = open.findIndex((one) => one.phone === phone);
  open = open.filter((one) => one.phone !== phone);
  await redraw();
  const neighbour = open[Math.min(place, open.length - 1)];
  if (neighbour) cards.get(neighbour.phone)?.textarea.focus();
  else byId("new-phone").focus();
}

async function pick(phone) {
  try {
    await ask("POST", "/api/handsets", { phone });
    byId("add-error").textContent = "";
    byId("new-phone").removeAttribute("aria-invalid");
    byId("new-phone").value = "";
    if (!open.some((one) => one.phone === phone)) {
      open = [...open, { phone, number: "" }].slice(-OPEN_MAX);
    }
    await redraw();
    cards.get(phone)?.textarea.focus();
  } catch (error) {
    byId("add-error").textContent = error.message;
    byId("new-phone").setAttribute("aria-invalid", "true");
    byId("new-phone").focus();
  }
}

byId("add").addEventListener("submit", (event) => {
  event.preventDefault();
  pick(byId("new-phone").value.replace(/[\s().-]/g, ""));
});

window.addEventListener("hashchange", () => {
  open = readAddress();
  revision = "";
  refresh();
});

async function live() {
  let built = false;
  for (;;) {
    if (!built) built = await buildFaults(refresh).then(() => true, () => false);
    if (!document.hidden) await refresh();
    await new Promise((resolve) => { setTimeout(resolve, POLL_MILLISECONDS); });
  }
}

listenToFaults(refresh);
await live();
