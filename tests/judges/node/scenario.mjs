// What a program does with Twilio's REST, by Twilio's own client for Node.
//
// One argument: JSON with `url`, `account`, `token`, `sender`, `phone` (may be texted) and
// `stopped` (has opted out). It prints what it saw as one line of JSON; it judges nothing.
import twilio from "twilio";

const asked = JSON.parse(process.argv[2]);

function connect(token) {
  const client = twilio(asked.account, token);
  client.api.baseUrl = asked.url;
  return client;
}

// What the client throws, as a program sees it.
async function refused(make) {
  try {
    await make();
  } catch (error) {
    return { status: error.status, code: error.code, message: error.message, moreInfo: error.moreInfo };
  }
  return null;
}

async function settle(client, sid) {
  for (let tries = 0; tries < 300; tries += 1) {
    const message = await client.messages(sid).fetch();
    if (["delivered", "undelivered", "failed"].includes(message.status)) return message;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${sid} did not settle`);
}

const client = connect(asked.token);
const good = { to: asked.phone, from: asked.sender };
const made = [];
for (let number = 0; number < 5; number += 1) {
  made.push(await client.messages.create({ ...good, body: `No. ${number} 👋` }));
}
for (const message of made) await settle(client, message.sid);
const fetched = await client.messages(made[0].sid).fetch();

const pages = [];
let page = await client.messages.page({ ...good, pageSize: 2 });
while (page) {
  pages.push(page.instances.map((message) => message.sid));
  page = page.nextPageUrl ? await page.nextPage() : undefined;
}
const listed = await client.messages.list({ ...good, pageSize: 2 });

const redacted = await client.messages(made[1].sid).update({ body: "" });
const removed = await client.messages(made[2].sid).remove();

process.stdout.write(
  JSON.stringify({
    created: made.map((message) => message.toJSON()),
    fetched: fetched.toJSON(),
    pages,
    listed: listed.map((message) => message.sid),
    redacted: redacted.body,
    removed,
    removedAgain: await refused(() => client.messages(made[2].sid).remove()),
    unsubscribed: await refused(() =>
      client.messages.create({ to: asked.stopped, from: asked.sender, body: "Hello" }),
    ),
    wrongToken: await refused(() =>
      connect("f".repeat(32)).messages.create({ ...good, body: "Hello" }),
    ),
  }) + "\n",
);
