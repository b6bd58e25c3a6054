// The faults at the side: a switch each, with its settings, and how often it has hit.

import { ask, byId, copyTemplate, groupNumber, setText } from "./page.js";

const GROUPS = [
  ["Webhooks to the server", ["lost_webhook", "late_webhook", "duplicate_webhook", "shuffled_receipts"]],
  ["Answers to the server", ["rate_limited", "server_error", "slow_answer", "lost_answer"]],
  ["Messages to the phone", ["async_refusal", "block_behind_our_back", "undelivered", "latency"]],
];
const items = new Map();

export async function buildFaults(refresh) {
  const { kinds } = await ask("GET", "/api/faults");
  const explained = new Map(kinds.map((kind) => [kind.kind, kind]));
  const grouped = new Set(GROUPS.flatMap(([, names]) => names));
  const others = kinds.map(({ kind }) => kind).filter((kind) => !grouped.has(kind));
  for (const [title, names] of [...GROUPS, ["Others", others]]) {
    const known = names.filter((name) => explained.has(name));
    if (known.length) buildGroup(title, known.map((name) => explained.get(name)), refresh);
  }
}

function buildGroup(title, kinds, refresh) {
  const heading = document.createElement("h3");
  heading.textContent = title;
  const list = document.createElement("ul");
  for (const kind of kinds) {
    const item = new Item(kind, refresh);
    items.set(kind.kind, item);
    list.append(item.element);
  }
  byId("faults").append(heading, list);
}

class Item {
  constructor(kind, refresh) {
    this.kind = kind;
    this.refresh = refresh;
    this.element = copyTemplate("fault-template");
    const find = (selector) => this.element.querySelector(selector);
    this.box = find(".switch input");
    this.terms = find(".terms");
    this.error = find(".error");
    this.hits = find(".hits");
    this.fields = Object.fromEntries(
      [...this.element.querySelectorAll("[name]")].map((field) => [field.name, field]),
    );
    const name = kind.kind.replaceAll("_", " ");
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    find(".name").textContent = title;
    find(".does").textContent = kind.does;
    find("summary .unseen").textContent = `${title}, settings: `;
    this.takeOnly({
      seconds: kind.seconds !== null, code: kind.code !== null, webhook: kind.narrows_webhook,
    });
    this.fields.seconds.value = kind.seconds ?? "";
    this.fields.code.value = kind.code ?? "";
    this.drawTerms();
    this.box.addEventListener("change", () => this.change());
    for (const field of Object.values(this.fields)) {
      field.addEventListener("change", () => {
        this.drawTerms();
        if (this.box.checked) this.change();
      });
    }
  }

  takeOnly(takes) {
    for (const [name, taken] of Object.entries(takes)) {
      if (!taken) {
        this.fields[name].closest("label").remove();
      }
    }
  }

  read() {
    const number = (name) => {
      const { value } = this.fields[name];
      return value === "" ? null : Number(value);
    };
    const fault = { kind: this.kind.kind, rate: (number("rate") ?? 100) / 100 };
    fault.count = number("count");
    if (this.kind.seconds !== null) fault.seconds = number("seconds");
    if (this.kind.code !== null) fault.code = number("code");
    if (this.kind.narrows_webhook) fault.webhook = this.fields.webhook.value || null;
    fault.recipient = this.fields.recipient.value || null;
    return fault;
  }

  // The settings in words, so that they are seen without being opened.
  drawTerms() {
    const fault = this.read();
    const terms = [fault.rate === 1 ? "Every time" : `${Math.round(fault.rate * 100)} % of the time`];
    if (fault.count !== null) terms.push(fault.count === 1 ? "once" : `${fault.count} times`);
    if (fault.seconds != null) terms.push(`${fault.seconds} s`);
    if (fault.code != null) terms.push(`code ${fault.code}`);
    if (fault.webhook) terms.push(this.fields.webhook.selectedOptions[0].textContent);
    if (fault.recipient) terms.push(groupNumber(fault.recipient));
    setText(this.terms, terms.join(" · "));
  }

  async change() {
    const wanted = this.box.checked;
    try {
      if (wanted) await ask("POST", "/api/faults", this.read());
      else await ask("DELETE", `/api/faults?kind=${this.kind.kind}`);
      this.error.textContent = "";
    } catch (error) {
      this.error.textContent = `Not switched: ${error.message}`;
    }
    await this.refresh();
  }

  draw(one, phones) {
    const on = one !== undefined && one.left !== 0;
    this.box.checked = on;
    this.element.classList.toggle("is-on", on);
    const times = one?.hits === 1 ? "once" : `${one?.hits} times`;
    setText(this.hits, one?.hits ? `Hit ${times}${on ? "" : ", and over"}` : "");
    this.drawPhones(phones);
    if (on && !this.element.querySelector("details").contains(document.activeElement)) {
      this.fill(one.fault);
    }
  }

  drawPhones(phones) {
    const known = phones.join();
    const { recipient } = this.fields;
    if (recipient.dataset.known === known) return;
    recipient.dataset.known = known;
    const chosen = recipient.value;
    const options = phones.map((phone) => new Option(groupNumber(phone), phone));
    recipient.replaceChildren(new Option("any", ""), ...options);
    recipient.value = phones.includes(chosen) ? chosen : "";
  }

  fill(fault) {
    this.fields.rate.value = Math.round(fault.rate * 100);
    this.fields.count.value = fault.count ?? "";
    this.fields.seconds.value = fault.seconds ?? this.kind.seconds ?? "";
    this.fields.code.value = fault.code ?? this.kind.code ?? "";
    this.fields.webhook.value = fault.webhook ?? "";
    this.fields.recipient.value = fault.recipient ?? "";
    this.drawTerms();
  }
}

export function drawFaults(standing, phones) {
  const on = new Map(standing.map((one) => [one.fault.kind, one]));
  for (const [kind, item] of items) item.draw(on.get(kind), phones);
  const count = standing.filter(({ left }) => left !== 0).length;
  byId("clear").disabled = standing.length === 0;
  byId("faults-on").hidden = count === 0;
  setText(byId("faults-on"), count === 1 ? "1 fault is on" : `${count} faults are on`);
}

export function listenToFaults(refresh) {
  byId("faults-on").addEventListener("click", () => {
    byId("faults-title").focus();
    byId("faults-title").scrollIntoView({ block: "start" });
  });
  byId("clear").addEventListener("click", async () => {
    try {
      await ask("DELETE", "/api/faults");
      byId("clear-error").textContent = "";
      // The button goes dead under the finger; the heading beside it keeps the place.
      byId("faults-title").focus();
    } catch (error) {
      byId("clear-error").textContent = `Not switched off: ${error.message}`;
    }
    await refresh();
  });
}
