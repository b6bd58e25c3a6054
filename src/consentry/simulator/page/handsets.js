// The handsets page: asks for what changed, draws it, and types texts. Texts are only ever shown
// with textContent, so markup in a text is seen and never run.

const POLL_MILLISECONDS = 600;
const OPEN_MAX = 6;
const KIND_NAMES = {
  long_code: "long code", toll_free: "toll-free", short_code: "short code",
  alphanumeric: "alphanumeric",
};
const BLOCK_NAMES = { keyword: "carrier", provider: "carrier", network: "toll-free network" };

const byId = (id) => document.getElementById(id);
const phonesElement = byId("phones");
const cards = new Map();
let open = readAddress();
let revision = "";
let senders = [];

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

function group(number) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `+1 ${parts[1]} ${parts[2]} ${parts[3]}` : number;
}

async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status === 204) return null;
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail || `The simulator answered ${response.status}.`);
  return answer;
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
    draw(view);
  } catch (error) {
    revision = "";
    byId("offline").hidden = false;
    byId("offline").textContent =
      `The simulator does not answer (${error.message}). It is asked again every second.`;
  }
}

function redraw() {
  revision = "";
  writeAddress();
  return refresh();
}

function draw(view) {
  senders = view.senders.filter((sender) => sender.textable);
  drawKnownPhones(view.phones);
  drawFaults(view.faults);
  if (chooseThreads(view)) {
    redraw();
    return;
  }
  const shown = new Set(open.map(({ phone }) => phone));
  for (const [phone, card] of cards) {
    if (!shown.has(phone)) {
      card.element.remove();
      cards.delete(phone);
    }
  }
  phonesElement.querySelector(":scope > .empty")?.remove();
  for (const phone of view.open) drawPhone(phone);
  if (!view.open.length) drawEmptyTable();
}

// A fresh page opens the first phones there are; a phone without a thread opens its latest.
function chooseThreads(view) {
  if (!open.length && !location.hash && view.phones.length) {
    open = view.phones.slice(0, 3).map((phone) => ({ phone, number: "" }));
    return true;
  }
  let chosen = false;
  for (const { phone, number, threads } of view.open) {
    const entry = open.find((one) => one.phone === phone);
    const first = threads.find((one) => senders.some((s) => s.number === one));
    if (!number && entry && senders.length) {
      entry.number = first || senders[0].number;
      chosen = true;
    }
  }
  return chosen;
}

function drawKnownPhones(phones) {
  const options = phones.map((phone) => {
    const option = document.createElement("option");
    option.value = phone;
    return option;
  });
  byId("known-phones").replaceChildren(...options);
}

function drawEmptyTable() {
  const note = document.createElement("p");
  note.className = "empty";
  const strong = document.createElement("strong");
  strong.textContent = "No phone on the table";
  note.append(strong, "Pick or add one above, for example +14155550142, and text a number from it.");
  phonesElement.append(note);
}

function drawPhone(view) {
  const card = cards.get(view.phone) || buildCard(view.phone);
  drawSenders(card, view);
  const layers = [...new Set(view.blocks.map((layer) => BLOCK_NAMES[layer]))];
  setText(card.blocked, layers.length ? `Blocked by the ${layers.join(" and the ")}` : "");
  drawLines(card, view);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function buildCard(phone) {
  const element = byId("phone-template").content.firstElementChild.cloneNode(true);
  const find = (selector) => element.querySelector(selector);
  const card = {
    phone, element, select: find("select"), blocked: find(".blocked"), thread: find(".thread"),
    textarea: find("textarea"), error: find(".error"), lines: new Map(), number: null, known: "",
  };
  find(".own").textContent = group(phone);
  element.setAttribute("aria-label", `Phone ${group(phone)}`);
  card.textarea.setAttribute("aria-label", `Text from ${group(phone)}`);
  find(".close").addEventListener("click", () => {
    open = open.filter((one) => one.phone !== phone);
    redraw();
  });
  card.select.addEventListener("change", () => {
    open = open.map((one) => (one.phone === phone ? { phone, number: card.select.value } : one));
    redraw();
  });
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    typeText(card, card.textarea.value, true);
  });
  card.textarea.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      typeText(card, card.textarea.value, true);
    }
  });
  for (const word of element.querySelectorAll(".words button")) {
    word.addEventListener("click", () => typeText(card, word.textContent, false));
  }
  cards.set(phone, card);
  phonesElement.append(element);
  return card;
}

async function typeText(card, body, typed) {
  if (!body.trim()) return;
  try {
    const path = `/api/handsets/${encodeURIComponent(card.phone)}/messages`;
    await ask("POST", path, { to: card.select.value, body });
    card.error.textContent = "";
    if (typed) card.textarea.value = "";
    await refresh();
  } catch (error) {
    card.error.textContent = `Not sent: ${error.message}`;
  }
}

function drawSenders(card, view) {
  const known = JSON.stringify(senders);
  if (card.known !== known) {
    card.known = known;
    const options = senders.map(({ number, kind }) => {
      const option = document.createElement("option");
      option.value = number;
      option.textContent = `${group(number)} · ${KIND_NAMES[kind]}`;
      return option;
    });
    card.select.replaceChildren(...options);
  }
  if (view.number) card.select.value = view.number;
}

function drawLines(card, view) {
  if (card.number !== view.number) {
    card.number = view.number;
    card.lines.clear();
    card.thread.replaceChildren();
  }
  const { thread } = card;
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 48;
  for (const line of view.lines) drawLine(card, line);
  drawEmptyThread(card, view);
  if (atEnd) thread.scrollTop = thread.scrollHeight;
}

function drawEmptyThread(card, view) {
  const note = card.thread.querySelector(".empty");
  if (view.lines.length) {
    note?.remove();
  } else if (!note) {
    const item = document.createElement("li");
    item.className = "empty";
    item.textContent = senders.length
      ? "No texts yet. Type the first one below."
      : "No number can be texted yet. The server adds its numbers when it starts.";
    card.thread.append(item);
  }
}

function drawLine(card, line) {
  let item = card.lines.get(line.order);
  if (!item) {
    item = byId("line-template").content.firstElementChild.cloneNode(true);
    item.querySelector(".bubble").textContent = line.body;
    card.lines.set(line.order, item);
    card.thread.append(item);
  }
  item.className = line.trouble ? `${line.origin} trouble` : line.origin;
  drawNotes(item.querySelector(".notes"), line);
}

function drawNotes(element, line) {
  const at = new Date(line.at);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const notes = line.notes.map((note) => note.charAt(0).toUpperCase() + note.slice(1));
  // No break within the time: a lone "PM" on a line of its own reads badly.
  notes[notes.length - 1] += `\u00a0· ${time}`.replaceAll(" ", "\u00a0");
  const drawn = notes.join("\n");
  if (element.dataset.drawn === drawn) return;
  element.dataset.drawn = drawn;
  element.title = at.toLocaleString();
  element.replaceChildren(...notes.map((note) => {
    const span = document.createElement("span");
    span.textContent = note;
    return span;
  }));
}

async function buildFaults() {
  const { kinds } = await ask("GET", "/api/faults");
  const items = kinds.map(({ kind, does }) => {
    const item = byId("fault-template").content.firstElementChild.cloneNode(true);
    item.dataset.kind = kind;
    const name = kind.replaceAll("_", " ");
    item.querySelector(".name").textContent = name.charAt(0).toUpperCase() + name.slice(1);
    item.querySelector(".does").textContent = does;
    item.querySelector("input").addEventListener("change", (event) => {
      switchFault(kind, event.target);
    });
    return item;
  });
  byId("faults").replaceChildren(...items);
}

async function switchFault(kind, box) {
  try {
    if (box.checked) await ask("POST", "/api/faults", { kind });
    else await ask("DELETE", `/api/faults?kind=${kind}`);
    byId("fault-error").textContent = "";
  } catch (error) {
    box.checked = !box.checked;
    byId("fault-error").textContent = `Not switched: ${error.message}`;
  }
  await refresh();
}

function drawFaults(standing) {
  const on = new Map(standing.map((one) => [one.fault.kind, one]));
  for (const item of byId("faults").children) {
    const one = on.get(item.dataset.kind);
    item.querySelector("input").checked = one !== undefined && one.left !== 0;
    const times = one?.hits === 1 ? "once" : `${one?.hits} times`;
    setText(item.querySelector(".hits"), one?.hits ? `Hit ${times}` : "");
  }
  byId("clear").disabled = on.size === 0;
}

byId("clear").addEventListener("click", async () => {
  await ask("DELETE", "/api/faults").catch(() => null);
  await refresh();
});

byId("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = byId("new-phone");
  const phone = input.value.replace(/[\s().-]/g, "");
  try {
    await ask("POST", "/api/handsets", { phone });
    byId("add-error").textContent = "";
    input.value = "";
    if (!open.some((one) => one.phone === phone)) {
      open = [...open, { phone, number: "" }].slice(-OPEN_MAX);
    }
    await redraw();
    cards.get(phone)?.textarea.focus();
  } catch (error) {
    byId("add-error").textContent = error.message;
  }
});

window.addEventListener("hashchange", () => {
  open = readAddress();
  revision = "";
  refresh();
});

async function live() {
  for (;;) {
    if (!document.hidden) await refresh();
    await new Promise((resolve) => { setTimeout(resolve, POLL_MILLISECONDS); });
  }
}

await buildFaults().catch(() => null);
await live();
