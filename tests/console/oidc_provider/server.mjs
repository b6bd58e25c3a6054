// A certified OpenID Connect provider on loopback, for the tests of signing in.
//
// One argument: JSON with `client_id`, `client_secret`, `redirect_uri` and `accounts`, by the name
// that is typed at its sign-in page. It prints its issuer as a line of JSON, obeys lines on
// standard input (`tamper` breaks the signature of what it signs from then on, `honest` ends
// that), and ends when standard input closes.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

// Standard output is for what the test reads.
console.log = console.info = console.warn = console.error;

const asked = JSON.parse(process.argv[2]);
let tampers = false;

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: asked.client_id,
        client_secret: asked.client_secret,
        redirect_uris: [asked.redirect_uri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: asked.userinfo !== false,
    cookies: { keys: ["only for tests on loopback"] },
    findAccount: (_, sub) =>
      asked.accounts[sub] && { accountId: sub, claims: () => ({ sub, ...asked.accounts[sub] }) },
    features: { devInteractions: { enabled: true } },
  });
  provider.use(async (context, next) => {
    await next();
    if (tampers && context.path === "/token" && context.body?.id_token) {
      const [head, claims, signature] = context.body.id_token.split(".");
      const broken = (signature[9] === "A" ? "B" : "A");
      const other = signature.slice(0, 9) + broken + signature.slice(10);
      context.body = { ...context.body, id_token: [head, claims, other].join(".") };
    }
  });
  server.on("request", provider.callback());
  process.stdout.write(JSON.stringify({ issuer }) + "\n");
});

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  tampers = line === "tamper";
  process.stdout.write(JSON.stringify({ tampers }) + "\n");
});
lines.on("close", () => process.exit(0));
