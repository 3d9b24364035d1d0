import { describe, expect, test } from "bun:test";
import { type AuthorizationServerOptions, startAuthorizationServer } from "./authorization-server.ts";
import { browse, loginFailure, oauthStage, type ProtectedServerOptions } from "./oauth-stage.ts";

const WAIT = 30_000;

const redirect = (location: string) => new Response(null, { status: 307, headers: { location } });

describe("redirects", () => {
  test.each(["/register", "/token"])(
    "a POST to %s never follows one",
    async (path) => {
      await using elsewhere = await startAuthorizationServer();
      const override: AuthorizationServerOptions["override"] = (request) =>
        request.path === path ? redirect(elsewhere.origin + path) : undefined;
      expect(await loginFailure({ authorization: { override } })).toContain(
        "answered with a redirect, which is not followed",
      );
      expect(elsewhere.requests).toEqual([]);
    },
    WAIT,
  );

  test(
    "metadata behind one is not there",
    async () => {
      await using elsewhere = await startAuthorizationServer();
      const override: AuthorizationServerOptions["override"] = ({ path }) =>
        path.startsWith("/.well-known/") ? redirect(elsewhere.origin + path) : undefined;
      expect(await loginFailure({ authorization: { override } })).toContain("has no metadata to be found");
      expect(elsewhere.requests).toEqual([]);
    },
    WAIT,
  );
});

describe("mix-up", () => {
  test(
    "metadata must name the issuer that was asked",
    async () => {
      const metadata = (own: object) => ({ ...own, issuer: "https://honest.example" });
      expect(await loginFailure({ authorization: { metadata } })).toContain(
        'describes the issuer "https://honest.example"',
      );
    },
    WAIT,
  );

  test(
    "a server that describes an issuer elsewhere is believed only as far as that issuer",
    async () => {
      await using honest = await startAuthorizationServer();
      await using thief = await startAuthorizationServer();
      await using at = await oauthStage({
        server: {
          resource: () => undefined,
          challenge: () => undefined,
          intercept: (request, response) => {
            if (request.url !== "/.well-known/oauth-authorization-server") return false;
            const json = {
              issuer: honest.origin,
              authorization_endpoint: `${honest.origin}/authorize`,
              token_endpoint: `${thief.origin}/token`,
              registration_endpoint: `${honest.origin}/register`,
            };
            response.writeHead(200).end(JSON.stringify(json));
            return true;
          },
        },
      });
      await at.login();
      expect(thief.requests).toEqual([]);
      expect(honest.at("/token")).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "an answer that names another issuer, or none where it always should, is refused before the code is shown",
    async () => {
      for (const iss of ["https://evil.example", undefined]) {
        await using at = await oauthStage();
        const onUrl = async (url: string) => {
          const answer = await fetch(url, { redirect: "manual" });
          const back = new URL(answer.headers.get("location") ?? "");
          if (iss === undefined) back.searchParams.delete("iss");
          else back.searchParams.set("iss", iss);
          await browse(back.href);
        };
        const message = await at.login({ onUrl }).catch((error: Error) => error.message);
        expect(message).toStartWith("The answer to the login ");
        expect(at.authorization.at("/token")).toEqual([]);
      }
    },
    WAIT,
  );

  test(
    "a resource that is another server's",
    async () => {
      for (const resource of ["https://other.example/mcp", "http://127.0.0.1:1/mcp"]) {
        expect(await loginFailure({ server: { resource: (own) => ({ ...own, resource }) } })).toContain(
          `describes the resource "${resource}"`,
        );
      }
      for (const change of [(own: string) => `${own}/deeper`, (own: string) => own.slice(0, -1)]) {
        const resource = (own: Record<string, unknown>) => ({ ...own, resource: change(String(own.resource)) });
        expect(await loginFailure({ server: { resource } })).toContain("describes the resource");
      }
    },
    WAIT,
  );

  test(
    "a description on another origin counts for nothing",
    async () => {
      await using thief = await startAuthorizationServer();
      await using at = await oauthStage({
        server: { challenge: () => `Bearer resource_metadata="${thief.origin}/.well-known/oauth-protected-resource"` },
      });
      await at.login();
      expect(thief.requests).toEqual([]);
    },
    WAIT,
  );
});

describe("metadata", () => {
  const answering = (body: () => Response): AuthorizationServerOptions => ({
    override: ({ path }) => (path.startsWith("/.well-known/") ? body() : undefined),
  });

  test.each([
    ["a page", () => new Response("<html>everything is here</html>"), "has no metadata to be found"],
    ["a list", () => Response.json([1]), "has no metadata to be found"],
    ["broken", () => new Response('{"issuer":'), "has no metadata to be found"],
    ["a failure", () => new Response("down", { status: 503 }), "answered 503"],
    ["huge", () => new Response(`{"a":"${"x".repeat(2 << 20)}"}`), "answered with more than 1048576 bytes"],
    ["never ending", neverEnding, "answered with more than 1048576 bytes"],
  ])(
    "that is %s",
    async (_what, body, words) => {
      expect(await loginFailure({ authorization: answering(body) })).toContain(words);
    },
    WAIT,
  );

  test.each([
    [{ token_endpoint: undefined }, "token_endpoint is missing, expected an address"],
    [{ token_endpoint: 7 }, "token_endpoint is 7, expected an address"],
    [{ code_challenge_methods_supported: ["plain"] }, "does not support PKCE with S256"],
    [{ response_types_supported: ["token"] }, 'does not support the response type "code"'],
    [{ registration_endpoint: undefined }, "does not register clients by itself"],
  ])(
    "with %j",
    async (change, words) => {
      const metadata = (own: object) => ({ ...own, ...change });
      expect(await loginFailure({ authorization: { metadata } })).toContain(words);
    },
    WAIT,
  );

  test(
    "that the server fails to give is not looked for elsewhere",
    async () => {
      const intercept: ProtectedServerOptions["intercept"] = (request, response) => {
        if (request.url?.includes("oauth-protected-resource") !== true) return false;
        response.writeHead(503).end();
        return true;
      };
      expect(await loginFailure({ server: { intercept } })).toEndWith("oauth-protected-resource/mcp answered 503");
    },
    WAIT,
  );

  test(
    "none at all is no login",
    async () => {
      expect(await loginFailure({ server: { resource: () => undefined, challenge: () => undefined } })).toBe(
        "No authorization support detected",
      );
    },
    WAIT,
  );
});

function neverEnding(): Response {
  return new Response(
    new ReadableStream({
      pull: async (controller) => {
        await Bun.sleep(1);
        controller.enqueue(new Uint8Array(64 << 10).fill(32));
      },
    }),
  );
}

describe("answers of the token endpoint", () => {
  const answering = (answer: () => Response): AuthorizationServerOptions => ({
    override: ({ path }) => (path === "/token" ? answer() : undefined),
  });

  test.each([
    ["no token", () => Response.json({}), "gave no access token that could be used"],
    ["line breaks", () => Response.json({ access_token: "a\r\nx-evil: 1" }), "gave no access token that could be used"],
    ["another type", () => Response.json({ access_token: "a", token_type: "mac" }), 'type "mac", expected Bearer'],
    ["no JSON", () => new Response("ok"), "gave no access token that could be used"],
    ["an error as 200", () => Response.json({ error: "bad_thing" }), "gave no token: bad_thing"],
    ["a crash", () => new Response("boom", { status: 500 }), "gave no token: status 500"],
  ])(
    "%s",
    async (_what, answer, words) => {
      expect(await loginFailure({ authorization: answering(answer) })).toContain(words);
    },
    WAIT,
  );

  test(
    "what we sent in secret is not shown when it comes back",
    async () => {
      const override: AuthorizationServerOptions["override"] = ({ path, parameters: p }) =>
        path === "/token"
          ? Response.json({ error: "x", error_description: `${p.code} ${p.code_verifier}\n\x1b[31m` }, { status: 400 })
          : undefined;
      expect(await loginFailure({ authorization: { override } })).toBe(
        "The authorization server gave no token: x: … … [31m",
      );
    },
    WAIT,
  );

  test(
    "a server that dies in the middle",
    async () => {
      await using at = await oauthStage();
      const onUrl = async (url: string) => {
        const answer = await fetch(url, { redirect: "manual" });
        await at.authorization[Symbol.asyncDispose]();
        await browse(answer.headers.get("location") ?? "");
      };
      const message = await at.login({ onUrl }).catch((error: Error) => error.message);
      expect(message).toStartWith(`POST ${at.authorization.origin}/token: `);
      expect(at.stored()).toEqual({});
    },
    WAIT,
  );
});

describe("the browser's answer", () => {
  /** Where the browser would go back to, without going there. */
  async function answerTo(url: string): Promise<URL> {
    const answer = await fetch(url, { redirect: "manual" });
    return new URL(answer.headers.get("location") ?? "");
  }

  test(
    "wrong, missing and doubled states, other paths and methods do not end the wait",
    async () => {
      await using at = await oauthStage();
      const statuses: number[] = [];
      const onUrl = async (url: string) => {
        const back = await answerTo(url);
        const variants = ["state=wrong", "", `${back.search.slice(1)}&state=other`].map(
          (query) => `${back.origin}${back.pathname}?${query.includes("code=") ? query : `code=x&${query}`}`,
        );
        for (const variant of [...variants, `${back.origin}/other${back.search}`, back.origin]) {
          statuses.push((await fetch(variant)).status);
        }
        statuses.push((await fetch(back, { method: "POST" })).status);
        statuses.push((await fetch(`${back.origin}${back.pathname}?error=access_denied`)).status);
        statuses.push((await fetch(back)).status);
      };
      await at.login({ onUrl });
      expect(statuses).toEqual([400, 400, 400, 400, 400, 400, 400, 200]);
      expect(Object.keys(at.stored())).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "is waited for on 127.0.0.1 alone",
    async () => {
      await using at = await oauthStage();
      let elsewhere: unknown;
      const onUrl = async (url: string) => {
        const back = await answerTo(url);
        const other = new URL(back);
        other.hostname = "127.0.0.2";
        elsewhere = await fetch(other).catch(() => "nobody there");
        await fetch(back);
      };
      await at.login({ onUrl });
      expect(elsewhere).toBe("nobody there");
    },
    WAIT,
  );

  test(
    "a second one is refused, and a code is shown once",
    async () => {
      await using at = await oauthStage();
      const second = Promise.withResolvers<string>();
      const onUrl = async (url: string) => {
        const back = await answerTo(url);
        const [, again] = await Promise.all([fetch(back), fetch(back)].map(async (page) => (await page).text()));
        second.resolve(again ?? "");
      };
      await at.login({ onUrl });
      expect(await second.promise).toBe("Invalid OAuth callback");
      expect(at.authorization.at("/token")).toHaveLength(1);
      const code = at.authorization.at("/token")[0];
      const replay = await fetch(`${at.authorization.origin}/token`, {
        method: "POST",
        body: new URLSearchParams(code?.parameters),
      });
      expect(await replay.json()).toMatchObject({ error: "invalid_grant" });
    },
    WAIT,
  );

  test(
    "the person says no",
    async () => {
      await using at = await oauthStage({ authorization: { person: "denies" } });
      const page = Promise.withResolvers<string>();
      const failed = at.login({ onUrl: (url) => page.resolve(browse(url)) }).catch((error: Error) => error.message);
      expect(await failed).toBe("The authorization server refused: the person said no");
      expect(await page.promise).toBe("OAuth error: The authorization server refused: the person said no");
      expect(at.authorization.at("/token")).toEqual([]);
    },
    WAIT,
  );

  test(
    "nobody comes back in time, and the listener is gone",
    async () => {
      await using at = await oauthStage();
      const asked = Promise.withResolvers<string>();
      const failed = at.login({ onUrl: asked.resolve, answerLimitMs: 100 }).catch((error: Error) => error.message);
      expect(await failed).toBe("timed out waiting for OAuth callback after 0.1 seconds");
      const back = await answerTo(await asked.promise);
      expect(await fetch(back).catch(() => "nobody there")).toBe("nobody there");
    },
    WAIT,
  );

  test(
    "a port that is taken, an address that is none",
    async () => {
      await using at = await oauthStage();
      const callbackPort = Number(new URL(at.server.url).port);
      const failed = (oauth: object) => at.login({ oauth }).catch((error: Error) => error.message);
      expect(await failed({ callbackPort })).toBe(
        `Cannot listen for the answer to the login on 127.0.0.1:${callbackPort}: it is in use; end what uses it or set mcp_oauth_callback_port`,
      );
      for (const callbackUrl of ["ftp://x/", "none", "http://127.0.0.1/back?to=me", "http://127.0.0.1/back#here"]) {
        expect(await failed({ callbackUrl })).toContain(`The OAuth callback address is "${callbackUrl}"`);
      }
      expect(at.authorization.at("/register")).toEqual([]);
    },
    WAIT,
  );
});
