// A foreign SMSC on loopback, for the tests of SMPP.
//
// One argument: JSON with `system_id` and `password`. It prints lines of JSON: first its port, then
// what happens to it. It obeys lines of JSON on standard input (see `obey`), and ends when that
// closes.
import { createInterface } from "node:readline";
import smpp from "smpp";

const asked = JSON.parse(process.argv[2]);
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");
// By whom texts come is the last that bound. What is answered to the next texts: a status, "silence" or "drop"; then 0.
let answers = [];
let bindStatus = null;
const bound = [];
let texts = 0;
let silent = false;

const statusOfBind = (pdu) => {
  if (bindStatus !== null) return bindStatus;
  if (pdu.system_id !== asked.system_id) return smpp.ESME_RINVSYSID;
  return pdu.password === asked.password ? smpp.ESME_ROK : smpp.ESME_RINVPASWD;
};

const takeText = (session, pdu) => {
  const answer = answers.length ? answers.shift() : 0;
  const { udh, message } = pdu.short_message;
  const id = answer === 0 ? `A${++texts}` : "";
  tell("submit", {
    answer,
    id,
    source: [pdu.source_addr, pdu.source_addr_ton, pdu.source_addr_npi],
    destination: [pdu.destination_addr, pdu.dest_addr_ton, pdu.dest_addr_npi],
    coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    receipt: pdu.registered_delivery,
    parts: udh ? udh.map((element) => element.toString("hex")) : [],
    text: message,
  });
  if (answer === "drop") session.destroy();
  else if (answer === "late") setTimeout(() => session.send(pdu.response({ message_id: id })), 700);
  else if (answer !== "silence")
    session.send(pdu.response({ command_status: answer, message_id: id }));
};

const server = smpp.createServer((session) => {
  session.on("error", (error) => tell("error", { why: String(error) }));
  session.on("close", () => {
    if (bound.includes(session)) bound.splice(bound.indexOf(session), 1);
    tell("close");
  });
  for (const kind of ["bind_transceiver", "bind_transmitter"])
    session.on(kind, (pdu) => {
      const status = statusOfBind(pdu);
      session.send(pdu.response({ command_status: status, system_id: "foreign" }));
      if (status === smpp.ESME_ROK && kind === "bind_transceiver") bound.push(session);
      tell("bind", {
        kind,
        status,
        system_type: pdu.system_type,
        version: pdu.interface_version,
      });
    });
  session.on("submit_sm", (pdu) => takeText(session, pdu));
  session.on("enquire_link", (pdu) => {
    if (!silent) session.send(pdu.response());
    tell("enquire_link");
  });
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    tell("unbind");
    session.close();
  });
});

const deliver = (command, fields) => {
  if (fields.hex !== undefined) {
    fields.short_message = Buffer.from(fields.hex, "hex");
    delete fields.hex;
  }
  const name = fields.name;
  delete fields.name;
  bound.at(-1)[command](fields, (answer) =>
    tell("answer", { name, command: answer.command, status: answer.command_status }),
  );
};

const obey = (order) => {
  const { order: what, ...fields } = order;
  if (what === "answers") {
    answers = fields.answers;
    tell("ready");
  }
  else if (what === "bind_status") bindStatus = fields.status;
  else if (what === "silent") silent = true;
  else if (what === "drop") bound.at(-1).destroy();
  else if (what === "raw") bound.at(-1).socket.write(Buffer.from(fields.hex, "hex"));
  else deliver(what, fields);
};

createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => process.exit(0));

server.listen(0, "127.0.0.1", () => tell("listening", { port: server.address().port }));
