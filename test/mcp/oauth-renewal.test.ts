import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { nowMs } from "#lib/clock.ts";
import { lockPath } from "#mcp/oauth/credential-file.ts";
import { change, refreshes, session, stored } from "./oauth-session.ts";
import { oauthStage } from "./oauth-stage.ts";

const WAIT = 30_000;

describe("renewal", () => {
  test(
    "a token that is about to end is renewed before it is used, once for all requests",
    async () => {
      await using at = await oauthStage({ authorization: { expiresIn: 3600 } });
      await at.login();
      const first = stored(at);
      change(at, { expires_at: nowMs() + 20_000, kept: "as it was" });
      await using run = session(at);
      await run.start();
      expect(await Promise.all([run.call(), run.call(), run.call()])).toEqual(["over HTTP", "over HTTP", "over HTTP"]);
      expect(refreshes(at).map(({ parameters }) => parameters)).toEqual([
        {
          grant_type: "refresh_token",
          refresh_token: String(first.refresh_token),
          resource: at.server.url,
          client_id: "client-1",
        },
      ]);
      expect(at.server.requests.some(({ headers }) => headers.authorization === `Bearer ${first.access_token}`)).toBe(
        false,
      );
      expect(stored(at)).toMatchObject({ kept: "as it was", issuer: at.authorization.origin });
      expect(stored(at).refresh_token).not.toBe(first.refresh_token);
      expect(stored(at).expires_at).toBeGreaterThan(nowMs() + 3_000_000);
    },
    WAIT,
  );

  test(
    "an answer without a new refresh token leaves the old one, and the scopes",
    async () => {
      await using at = await oauthStage({
        authorization: {
          override: ({ path, parameters: p }) =>
            path === "/token" && p.grant_type === "refresh_token" ? Response.json({ access_token: "new" }) : undefined,
        },
      });
      await at.login({ scopes: ["a", "b"] });
      const first = stored(at);
      change(at, { expires_at: 1000 });
      await using run = session(at);
      await run.start();
      expect(stored(at)).toEqual({ ...first, access_token: "new", expires_at: null });
    },
    WAIT,
  );

  test(
    "a refused token is renewed once and the call repeated",
    async () => {
      await using at = await oauthStage();
      await at.login();
      await using run = session(at);
      await run.start();
      at.authorization.expireAll();
      expect(await Promise.all([run.call(), run.call()])).toEqual(["over HTTP", "over HTTP"]);
      expect(refreshes(at)).toHaveLength(1);
      at.authorization.expireAll();
      expect(await run.call()).toBe("over HTTP");
      expect(refreshes(at)).toHaveLength(2);
    },
    WAIT,
  );

  test.each([
    ["is down", () => new Response("down", { status: 503 }), "status 503"],
    ["answers nonsense", () => new Response("ok"), "gave no access token that could be used"],
    ["says no for a reason of its own", () => Response.json({ error: "slow_down" }, { status: 429 }), "slow_down"],
  ])(
    "an authorization server that %s has not ended the login",
    async (_what, answer, words) => {
      let isBroken = true;
      await using at = await oauthStage({
        authorization: {
          override: ({ path, parameters: p }) =>
            isBroken && path === "/token" && p.grant_type === "refresh_token" ? answer() : undefined,
        },
      });
      await at.login();
      await using run = session(at);
      await run.start();
      at.authorization.expireAll();
      const message = await run.call().catch((error: Error) => error.message);
      expect(message).toContain("the login could not be renewed: The authorization server gave ");
      expect(message).toContain(words);
      expect(message).toEndWith("If it stays so, run `codex mcp login web`");
      isBroken = false;
      expect(await run.call()).toBe("over HTTP");
    },
    WAIT,
  );

  test(
    "a token that never holds for half a minute is not renewed for every request",
    async () => {
      await using at = await oauthStage({ authorization: { expiresIn: 25 } });
      await at.login();
      await using run = session(at);
      await run.start();
      for (let n = 0; n < 3; n++) expect(await run.call()).toBe("over HTTP");
      expect(refreshes(at)).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "two sessions do not use one refresh token twice",
    async () => {
      await using at = await oauthStage();
      await at.login();
      change(at, { expires_at: 1000 });
      await using one = session(at);
      await using two = session(at);
      await Promise.all([one.start(), two.start()]);
      expect(await Promise.all([one.call(), two.call()])).toEqual(["over HTTP", "over HTTP"]);
      expect(refreshes(at)).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "the configured secret is not shown for the login of another client",
    async () => {
      await using at = await oauthStage();
      await at.login();
      change(at, { expires_at: 1000 });
      await using run = session(at, [at.settings({ clientId: "by-hand", clientSecret: "s3cret" })]);
      await run.start();
      expect(await run.call()).toBe("over HTTP");
      expect(refreshes(at).map(({ parameters: { client_id } }) => client_id)).toEqual(["client-1"]);
      expect(refreshes(at)[0]?.headers.authorization).toBeUndefined();
    },
    WAIT,
  );

  test(
    "a login of before 0.169 names no issuer and is renewed all the same",
    async () => {
      await using at = await oauthStage({ authorization: { expiresIn: 60 } });
      await at.login();
      change(at, { issuer: undefined, expires_at: 1 });
      await using run = session(at);
      await run.start();
      expect(await run.call()).toBe("over HTTP");
    },
    WAIT,
  );

  test(
    "the token has to be stored before it is used",
    async () => {
      await using at = await oauthStage();
      await at.login();
      change(at, { expires_at: 1000 });
      // Root may write anywhere, but nobody makes a lock of a folder.
      const lock = lockPath(at.home.codexHome, "credentials");
      rmSync(lock);
      mkdirSync(lock);
      await using run = session(at);
      await run.start();
      expect(run.failures).toEqual([expect.stringContaining(`Cannot make the lock "${lock}"`)]);
      expect(refreshes(at)).toHaveLength(1);
      expect(at.server.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    },
    WAIT,
  );
});
