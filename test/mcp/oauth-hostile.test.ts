import { describe, expect, test } from "bun:test";
import { nowMs } from "#lib/clock.ts";
import { parseChallenge } from "#mcp/oauth/challenge.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import type { AuthorizationServerOptions } from "./authorization-server.ts";
import { type OAuthStage, oauthStage } from "./oauth-stage.ts";

const WAIT = 30_000;
const CENTURY_MS = 100 * 366 * 24 * 3600 * 1000;

/** A server that answers one path in its own way. */
function answering(place: string, answer: () => Response): AuthorizationServerOptions {
  return { override: ({ path }) => (path === place ? answer() : undefined) };
}

async function failure(authorization: AuthorizationServerOptions): Promise<string> {
  await using at = await oauthStage({ authorization });
  const message = await at.login({ answerLimitMs: 5_000 }).then(
    () => "logged in",
    (error: Error) => `${error.name}: ${error.message}`,
  );
  expect(at.stored()).toEqual({});
  return message;
}

const stored = (at: OAuthStage) => Object.values(at.stored())[0] ?? {};

describe("how long a token holds", () => {
  test.each([
    ["nothing", undefined],
    ["no time at all", 0],
    ["less than none", -5],
    ["a word", "soon"],
    ["an object without a value", { valueOf: 1, toString: 1 }],
    ["a truth", true],
  ])(
    "%s: until it is refused",
    async (_what, expiresIn) => {
      const answer = () => Response.json({ access_token: "at", refresh_token: "rt", expires_in: expiresIn });
      await using at = await oauthStage({ authorization: answering("/token", answer) });
      await at.login();
      expect(stored(at)).toMatchObject({ access_token: "at", expires_at: null });
    },
    WAIT,
  );

  test.each([
    ["a number in words", "3600", 3600_000],
    ["a part of a second", 0.0004, 0],
    ["longer than anybody lives", 1e300, CENTURY_MS],
  ])(
    "%s: a whole number of milliseconds, which is all that Codex CLI reads",
    async (_what, expiresIn, lifetimeMs) => {
      const before = nowMs();
      const answer = () => Response.json({ access_token: "at", expires_in: expiresIn });
      await using at = await oauthStage({ authorization: answering("/token", answer) });
      await at.login();
      const expiresAt = Number(stored(at).expires_at);
      expect(Number.isSafeInteger(expiresAt)).toBe(true);
      expect(expiresAt - before).toBeGreaterThanOrEqual(lifetimeMs);
      expect(expiresAt - nowMs()).toBeLessThanOrEqual(lifetimeMs);
    },
    WAIT,
  );
});

describe("metadata", () => {
  const deep = { toString: 1, valueOf: 1, below: JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`) as unknown };

  test.each([
    [{ issuer: deep }, "describes the issuer an object, expected"],
    [{ issuer: ["a"] }, "describes the issuer a list, expected"],
    [{ token_endpoint: deep }, "token_endpoint is an object, expected an address"],
    [{ authorization_endpoint: "\u009b31m\u202e!" }, 'authorization_endpoint is " 31m !", expected an address'],
    [{ token_endpoint: "x".repeat(100_000) }, `token_endpoint is "${"x".repeat(299)}…, expected an address`],
  ])(
    "with an odd value is a mistake of the server, told in few words: %#",
    async (change, words) => {
      const message = await failure({ metadata: (own) => ({ ...own, ...change }) });
      expect(message).toStartWith("OAuthError: ");
      expect(message).toContain(words);
    },
    WAIT,
  );

  test(
    "that does not speak of PKCE is taken: servers that know it often do not say so, and Codex CLI takes them",
    async () => {
      await using at = await oauthStage({
        authorization: { metadata: (own) => ({ ...own, code_challenge_methods_supported: undefined }) },
      });
      await at.login();
      expect(at.authorization.at("/authorize")[0]?.parameters).toMatchObject({ code_challenge_method: "S256" });
      expect(Object.keys(at.stored())).toHaveLength(1);
    },
    WAIT,
  );

  test.each(["/.well-known/oauth-authorization-server/tenant", "/tenant/.well-known/openid-configuration"])(
    "of an issuer with a path at %s",
    async (place) => {
      const metadata = (host: string) => ({
        issuer: `http://${host}/tenant`,
        authorization_endpoint: `http://${host}/authorize`,
        token_endpoint: `http://${host}/token`,
        registration_endpoint: `http://${host}/register`,
      });
      await using at = await oauthStage({
        server: { resource: (own) => ({ ...own, authorization_servers: [`${own.authorization_servers}/tenant`] }) },
        authorization: {
          namesIssuer: false,
          override: ({ path, headers }) => (path === place ? Response.json(metadata(headers.host ?? "")) : undefined),
        },
      });
      await at.login();
      expect(stored(at).issuer).toBe(`${at.authorization.origin}/tenant`);
    },
    WAIT,
  );
});

test.each([
  [
    "other schemes around it",
    (from: string) => `Basic realm="a, Bearer", Bearer error="x", resource_metadata="${from}"`,
  ],
  ["none but a realm", () => 'Bearer realm="x"'],
  ["an address that is none", () => 'Bearer resource_metadata="http://[bad"'],
  ["a file", () => 'Bearer resource_metadata="file:///etc/passwd"'],
])(
  "a challenge with %s leads to the description of the server",
  async (_what, challenge) => {
    await using at = await oauthStage({
      server: { challenge: (origin) => challenge(`${origin}/.well-known/oauth-protected-resource/mcp`) },
    });
    await at.login();
    expect(Object.keys(at.stored())).toHaveLength(1);
  },
  WAIT,
);

test("a challenge without an end is read in no time", async () => {
  const spent = await cpuMs(() => {
    for (const piece of ["a", "a ", 'a="\\', "a=,", '"', " ", ",", "-="])
      parseChallenge(`Bearer ${piece.repeat(100_000)}`);
  });
  expect(spent).toBeLessThan(5_000);
  expect(parseChallenge(`Bearer ${"a".repeat(1000)} scope=b`)).toMatchObject({ scope: "b" });
});

test("a challenge that says something twice means the first, which is Bearer's own", () => {
  const header = 'Basic realm="x", Bearer scope="a b", resource_metadata="https://own.example", Other scope="c"';
  expect(parseChallenge(header)).toEqual({
    scope: "a b",
    resourceMetadata: "https://own.example",
    error: undefined,
  });
  expect(parseChallenge('Basic realm="Bearer"')).toBeUndefined();
});

describe("registration", () => {
  test.each([
    ["is refused", () => Response.json({ error: "no", error_description: "<b>\u001b[31mno\u202e" }, { status: 400 })],
    ["names no client", () => Response.json({ client_secret: "s" }, { status: 201 })],
    ["is a crash", () => new Response("boom", { status: 500 })],
  ])(
    "that %s",
    async (_what, answer) => {
      const message = await failure(answering("/register", answer));
      expect(message).toStartWith("OAuthError: The authorization server did not register us: ");
      expect(message).not.toMatch(/\p{C}/u);
    },
    WAIT,
  );

  test.each([
    ["a\ud800", "s"],
    ["a", "s\ud800"],
    ["a\nb", "s"],
  ])(
    "with the client %j and the secret %j, which no request can carry",
    async (id, secret) => {
      const body = JSON.stringify({ client_id: id, client_secret: secret });
      expect(await failure(answering("/register", () => new Response(body, { status: 201 })))).toBe(
        "OAuthError: The authorization server gave a client_id or secret that cannot be sent",
      );
    },
    WAIT,
  );

  test(
    "with a secret that is over already: the token endpoint decides",
    async () => {
      const registered = { client_id: "late", client_secret: "expired-secret", client_secret_expires_at: 1 };
      const message = failure({
        clients: { late: undefined },
        override: ({ path }) => (path === "/register" ? Response.json(registered, { status: 201 }) : undefined),
      });
      expect(await message).toBe(
        "OAuthError: The authorization server gave no token: invalid_client: invalid_client it is",
      );
    },
    WAIT,
  );
});

test(
  "what we sent in secret is not shown, in whatever spelling it comes back",
  async () => {
    await using at = await oauthStage({
      authorization: {
        clients: { mine: "s e/cret" },
        override: ({ path, body, headers }) =>
          path === "/token"
            ? Response.json({ error: "x", error_description: `${headers.authorization} ${body}` }, { status: 400 })
            : undefined,
      },
    });
    const oauth = { clientId: "mine", clientSecret: "s e/cret" };
    const message = await at.login({ oauth }).catch((error: Error) => error.message);
    const [sent] = at.authorization.at("/token");
    expect(message).toStartWith("The authorization server gave no token: x: … grant_type=authorization_code&code=…&");
    for (const name of ["code", "code_verifier"]) expect(message).not.toContain(String(sent?.parameters[name]));
  },
  WAIT,
);

test(
  "nor is a client's secret that went into the form",
  async () => {
    await using at = await oauthStage({
      authorization: {
        clients: { mine: "s e/cret" },
        metadata: (own) => ({ ...own, token_endpoint_auth_methods_supported: ["client_secret_post"] }),
        override: ({ path, body }) =>
          path === "/token"
            ? Response.json({ error: "x", error_description: body.slice(body.indexOf("client_id")) }, { status: 400 })
            : undefined,
      },
    });
    const oauth = { clientId: "mine", clientSecret: "s e/cret" };
    const message = await at.login({ oauth }).catch((error: Error) => error.message);
    expect(at.authorization.at("/token")[0]?.parameters.client_secret).toBe("s e/cret");
    expect(message).toBe("The authorization server gave no token: x: client_id=mine&client_secret=…");
  },
  WAIT,
);
