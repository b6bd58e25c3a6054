// One phone on the table: its head, its thread, and what is typed on it.

import { ask, buildIcon, byId, copyTemplate, groupNumber, setText } from "./page.js";

const KIND_NAMES = {
  long_code: "long code", toll_free: "toll-free", short_code: "short code",
  alphanumeric: "alphanumeric",
};
const BLOCK_NAMES = { keyword: "carrier", provider: "carrier", network: "toll-free network" };
const MARK_ICONS = {
  pending: "clock", delivered: "check-check", refused: "ban", failed: "triangle-alert",
};

export class Phone {
  // `table` has onThread(phone, number), onAway(phone) and refresh().
  constructor(phone, table) {
    this.phone = phone;
    this.table = table;
    this.lines = new Map();
    this.heard = new Map();
    this.number = null;
    this.known = "";
    this.atEnd = true;
    this.element = copyTemplate("phone-template");
    const find = (selector) => this.element.querySelector(selector);
    this.select = find("select");
    this.blocked = find(".blocked");
    this.elsewhere = find(".elsewhere");
    this.thread = find(".thread");
    this.list = find(".lines");
    this.textarea = find("textarea");
    this.error = find(".error");
    const name = groupNumber(phone);
    find(".own").textContent = name;
    this.element.setAttribute("aria-label", `Phone ${name}`);
    this.textarea.setAttribute("aria-label", `Text from ${name}`);
    this.thread.setAttribute("aria-label", `Texts on ${name}`);
    this.listen(find);
  }

  // The end of a thread stays in sight while texts come and while the phone changes its size,
  // unless somebody has scrolled up to read.
  keepEnd() {
    if (this.atEnd) this.thread.scrollTop = this.thread.scrollHeight;
  }

  listen(find) {
    this.thread.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.thread;
      this.atEnd = scrollHeight - scrollTop - clientHeight < 48;
    });
    new ResizeObserver(() => this.keepEnd()).observe(this.thread);
    find(".close").addEventListener("click", () => this.table.onAway(this.phone));
    this.select.addEventListener("change", () => {
      this.table.onThread(this.phone, this.select.value);
    });
    this.elsewhere.addEventListener("click", () => {
      this.table.onThread(this.phone, this.elsewhere.dataset.number);
      this.textarea.focus();
    });
    find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.textarea.value, true);
    });
    // Enter sends as on a phone; Shift and Enter make a new line.
    this.textarea.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send(this.textarea.value, true);
      }
    });
    for (const word of this.element.querySelectorAll(".words button")) {
      word.addEventListener("click", () => this.send(word.textContent, false));
    }
  }

  async send(body, typed) {
    if (!body.trim()) return;
    try {
      const path = `/api/handsets/${encodeURIComponent(this.phone)}/messages`;
      await ask("POST", path, { to: this.select.value, body });
      this.error.textContent = "";
      // What was typed on meanwhile stays.
      if (typed && this.textarea.value === body) this.textarea.value = "";
      this.atEnd = true;
      await this.table.refresh();
    } catch (error) {
      this.error.textContent = `Not sent: ${error.message}`;
    }
  }

  draw(view, senders) {
    this.drawSenders(view, senders);
    this.drawBlocked(view);
    this.drawElsewhere(view);
    this.drawThread(view, senders);
  }

  drawSenders(view, senders) {
    const known = JSON.stringify(senders);
    if (this.known !== known) {
      this.known = known;
      this.select.replaceChildren(...senders.map(({ number, kind }) => {
        const option = document.createElement("option");
        option.value = number;
        option.textContent = `${groupNumber(number)} · ${KIND_NAMES[kind]}`;
        return option;
      }));
      for (const part of this.element.querySelectorAll("select, .actions button")) {
        part.disabled = senders.length === 0;
      }
    }
    if (view.number) this.select.value = view.number;
  }

  drawBlocked(view) {
    const layers = [...new Set(view.blocks.map((layer) => BLOCK_NAMES[layer]))];
    const told = layers.join(" and the ");
    if (this.blocked.dataset.told === told) return;
    this.blocked.dataset.told = told;
    if (!told) {
      this.blocked.replaceChildren();
      return;
    }
    const chip = document.createElement("strong");
    chip.append(buildIcon("lock"), `Blocked by the ${told}`);
    const way = document.createElement("span");
    way.textContent = "Text START to hear from this number again.";
    this.blocked.replaceChildren(chip, way);
  }

  // A text in a thread that is not open is told in the head, and is one click away.
  drawElsewhere(view) {
    const first = this.heard.size === 0;
    for (const { number, order } of view.threads) {
      if (number === view.number || !this.heard.has(number)) {
        this.heard.set(number, first || number === view.number ? order : 0);
      }
    }
    const fresh = view.threads.find(
      ({ number, order }) => number !== view.number && order > (this.heard.get(number) ?? 0),
    );
    this.elsewhere.hidden = fresh === undefined;
    if (fresh === undefined || this.elsewhere.dataset.number === fresh.number) return;
    this.elsewhere.dataset.number = fresh.number;
    this.elsewhere.replaceChildren(
      buildIcon("message-square"), `New text from ${groupNumber(fresh.number)}`,
    );
  }

  drawThread(view, senders) {
    if (this.number !== view.number) {
      this.number = view.number;
      this.lines.clear();
      this.list.replaceChildren();
      this.atEnd = true;
    }
    for (const line of view.lines) this.drawLine(line);
    this.drawEmpty(view, senders);
    this.keepEnd();
  }

  drawEmpty(view, senders) {
    const note = this.list.querySelector(".empty");
    if (view.lines.length) {
      note?.remove();
      return;
    }
    const item = note || document.createElement("li");
    item.className = "empty";
    setText(item, senders.length
      ? "No texts yet. Text START, or anything a customer would ask."
      : "No number can be texted yet. The server adds its numbers when it starts.");
    if (!note) this.list.append(item);
  }

  drawLine(line) {
    let item = this.lines.get(line.order);
    if (!item) {
      item = copyTemplate("line-template");
      item.querySelector(".bubble").textContent = line.body;
      item.querySelector(".who").textContent = this.nameWriter(line.origin);
      this.lines.set(line.order, item);
      this.list.append(item);
    }
    const classes = `${line.origin} ${line.mark || ""}`.trim();
    if (item.className !== classes) item.className = classes;
    drawNotes(item.querySelector(".notes"), line);
  }

  nameWriter(origin) {
    const names = { handset: "You:", carrier: "The carrier:", refused: "Never arrived:" };
    return names[origin] || `${groupNumber(this.number)}:`;
  }
}

function drawNotes(element, line) {
  const at = new Date(line.at);
  const notes = line.notes.map((note) => note.charAt(0).toUpperCase() + note.slice(1));
  notes[notes.length - 1] += `\u00a0· ${nameTime(at)}`;
  const drawn = `${line.mark} ${notes.join("\n")}`;
  if (element.dataset.drawn === drawn) return;
  element.dataset.drawn = drawn;
  element.title = at.toLocaleString();
  const spans = notes.map((note) => {
    const span = document.createElement("span");
    span.textContent = note;
    return span;
  });
  if (line.mark) spans.at(-1).prepend(buildIcon(MARK_ICONS[line.mark]));
  element.replaceChildren(...spans);
}

// No break within a time: a lone "PM" on a line of its own reads badly.
function nameTime(at) {
  const today = at.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  const time = at.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
  return time.replaceAll(" ", "\u00a0");
}

// Nothing on the table: the phones there are, to be picked, or one to begin with.
export function drawEmptyTable(phones, onPick) {
  const note = document.createElement("div");
  note.className = "empty";
  const strong = document.createElement("strong");
  strong.textContent = "No phone on the table";
  const what = document.createElement("p");
  what.textContent = phones.length
    ? "Pick one of these, or add another above."
    : "Add one, here or above, and text a number from it.";
  const offered = phones.length ? phones.slice(0, 6) : ["+14155550142"];
  const picks = offered.map((phone) => {
    const pick = document.createElement("button");
    pick.type = "button";
    pick.className = "quiet";
    pick.textContent = groupNumber(phone);
    pick.addEventListener("click", () => onPick(phone));
    return pick;
  });
  const row = document.createElement("div");
  row.className = "picks";
  row.append(...picks);
  note.append(strong, what, row);
  byId("phones").replaceChildren(note);
}
