import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CliRun, type StartedCli, startCli } from "../support/spawn-cli.ts";
import { type OAuthStage, oauthStage } from "./oauth-stage.ts";

const WAIT = 60_000;

/** `codex mcp …` over the home of a stage whose server is configured. */
function codexMcp(at: OAuthStage, args: readonly string[], env: Record<string, string> = {}): StartedCli {
  const url = JSON.stringify(at.server.url);
  at.home.write("home/config.toml", `mcp_oauth_credentials_store = "file"\n[mcp_servers.web]\nurl = ${url}\n`);
  const all = { CODEX_HOME: at.home.codexHome, ...env };
  return startCli(["mcp", ...args], { home: at.home.root, cwd: at.home.cwd, env: all, timeoutMs: 50_000 });
}

/** The address a login tells the person to open. */
async function shownAddress(run: StartedCli): Promise<string> {
  let url: string | undefined;
  await run.stdoutMatches((text) => {
    url = /^(http:\S+\/authorize\?\S+)\n/m.exec(text)?.[1];
    return url !== undefined;
  });
  return url ?? "";
}

/** Names of the files below a folder that hold the text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path, "latin1").includes(text);
  });
}

const LOGGED_IN = "\nSuccessfully logged in to MCP server 'web'.\n";
const EVIL = "<script>alert(1)</script>\u001b]0;title\u0007\u001b[2J\u009b31m\u202e\nCaused by: another";

test(
  "a proxy that cannot be used is said so, and nothing goes around it",
  async () => {
    await using at = await oauthStage();
    const run = await codexMcp(at, ["login", "web"], { ALL_PROXY: "socks5://127.0.0.1:9" }).done;
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('the proxy that ALL_PROXY names: "socks5://127.0.0.1:9" is a socks5 proxy');
    expect([at.server.requests, at.authorization.requests]).toEqual([[], []]);
  },
  WAIT,
);

test(
  "hostile words of a refusal steer neither the terminal nor the browser",
  async () => {
    await using at = await oauthStage({
      authorization: {
        override: ({ path, parameters: p, headers }) => {
          if (path !== "/authorize") return undefined;
          const error = { state: p.state ?? "", iss: `http://${headers.host}`, error: "x", error_description: EVIL };
          const location = `${p.redirect_uri}?${new URLSearchParams(error)}`;
          return new Response(null, { status: 302, headers: { location } });
        },
      },
    });
    const run = codexMcp(at, ["login", "web"]);
    const page = await fetch(await shownAddress(run));
    const words = "The authorization server refused: <script>alert(1)</script> ]0;title [2J 31m Caused by: another";
    expect(page.status).toBe(400);
    expect(page.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await page.text()).toBe(`OAuth error: ${words}`);
    expect(await run.done).toMatchObject({ code: 1, stderr: `Error: Cannot log in to 'web': ${words}\n` });
    expect(at.stored()).toEqual({});
  },
  WAIT,
);

test.each(["SIGINT", "SIGTERM"] as const)(
  "a login that is ended by %s leaves nothing behind",
  async (signal) => {
    await using at = await oauthStage();
    const run = codexMcp(at, ["login", "web"]);
    const back = new URL(new URL(await shownAddress(run)).searchParams.get("redirect_uri") ?? "");
    expect((await fetch(back)).status).toBe(400);
    run.kill(signal);
    const { code, signal: by, stdout, stderr } = await run.done;
    expect(by ?? code).not.toBe(0);
    expect(stdout).not.toContain("Successfully");
    expect(stderr).toBe("");
    expect(readdirSync(at.home.codexHome)).toEqual(["config.toml"]);
    expect(await fetch(back).catch(() => "nobody there")).toBe("nobody there");
  },
  WAIT,
);

test(
  "no log, however chatty, holds a code, a verifier or a token",
  async () => {
    await using at = await oauthStage({ authorization: { expiresIn: 1 } });
    const run = codexMcp(at, ["login", "web"], { RUST_LOG: "trace" });
    expect(await (await fetch(await shownAddress(run))).text()).toContain("Authentication complete");
    const runs: CliRun[] = [await run.done];
    for (const args of [["test", "web"], ["list"], ["logout", "web"]]) {
      const before = at.stored();
      runs.push(await codexMcp(at, args, { RUST_LOG: "trace" }).done);
      if (args[0] === "test") expect(Object.values(at.stored())).not.toEqual(Object.values(before));
    }
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(runs[1]?.stderr).toContain("token renewed");
    const traded = at.authorization
      .at("/token")
      .flatMap(({ parameters: p }) => [p.code, p.code_verifier, p.refresh_token]);
    const sent = at.server.requests.map(({ headers }) => headers.authorization?.replace("Bearer ", ""));
    const secrets = new Set([...traded, ...sent].filter((secret) => secret !== undefined));
    expect(secrets.size).toBeGreaterThanOrEqual(4);
    const said = runs.map(({ stdout, stderr }) => stdout + stderr).join("");
    for (const secret of secrets) {
      expect(said).not.toContain(secret);
      expect(filesWith(at.home.root, secret)).toEqual([]);
    }
  },
  WAIT,
);

const refreshes = (at: OAuthStage) =>
  at.authorization.at("/token").filter(({ parameters }) => parameters.grant_type === "refresh_token");

test(
  "processes at the same time renew a login once",
  async () => {
    await using at = await oauthStage({ authorization: { expiresIn: 3600 } });
    await at.login();
    at.authorization.expireAll();
    const runs = await Promise.all([1, 2, 3].map(() => codexMcp(at, ["test", "web"]).done));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(3).fill({ code: 0, stderr: "" }));
    expect(refreshes(at)).toHaveLength(1);
  },
  WAIT,
);

test(
  "a process that ends in the middle of a renewal waits for the new token: the old one is none any more",
  async () => {
    await using at = await oauthStage({
      authorization: {
        override: async ({ path, parameters: p }) => {
          if (path === "/token" && p.grant_type === "refresh_token") await Bun.sleep(1_500);
          return undefined;
        },
      },
    });
    await at.login();
    const before = JSON.stringify(at.stored());
    at.authorization.expireAll();
    const late = await codexMcp(at, ["test", "web", "-c", "mcp_servers.web.startup_timeout_sec=0.5"]).done;
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining("timed out after 0.5 seconds") });
    expect(JSON.stringify(at.stored())).not.toBe(before);
    expect((await codexMcp(at, ["test", "web"]).done).code).toBe(0);
    expect(refreshes(at)).toHaveLength(1);
  },
  WAIT,
);

test(
  "a process that is killed in the middle of a renewal holds nobody up, and the login lives on",
  async () => {
    const asked = Promise.withResolvers<void>();
    await using at = await oauthStage({
      authorization: {
        override: ({ path, parameters: p }) => {
          if (path !== "/token" || p.grant_type !== "refresh_token" || refreshes(at).length > 1) return undefined;
          asked.resolve();
          return new Promise(() => {});
        },
      },
    });
    await at.login();
    const before = JSON.stringify(at.stored());
    at.authorization.expireAll();
    const killed = codexMcp(at, ["test", "web"]);
    await asked.promise;
    killed.kill("SIGKILL");
    expect((await killed.done).signal).toBe("SIGKILL");
    expect(JSON.stringify(at.stored())).toBe(before);
    const next = await codexMcp(at, ["test", "web"]).done;
    expect(next).toMatchObject({ code: 0, stderr: "" });
    expect(next.elapsedMs).toBeLessThan(20_000);
    expect(refreshes(at)).toHaveLength(2);
    expect(JSON.stringify(at.stored())).not.toBe(before);
  },
  WAIT,
);

test(
  "a second answer of the browser, and one with another state, change nothing",
  async () => {
    // The listener is there until the login is over.
    const answeredAll = Promise.withResolvers<undefined>();
    await using at = await oauthStage({
      authorization: { override: ({ path }) => (path === "/token" ? answeredAll.promise : undefined) },
    });
    const run = codexMcp(at, ["login", "web"]);
    const answered = await fetch(await shownAddress(run), { redirect: "manual" });
    const back = new URL(answered.headers.get("location") ?? "");
    const other = new URL(back);
    other.searchParams.set("state", "another");
    other.searchParams.set("code", "stolen");
    const pages = await Promise.all([other, back, back].map(async (url) => (await fetch(url)).text()));
    answeredAll.resolve(undefined);
    expect(pages.sort()).toEqual([
      "Authentication complete. You may close this window.",
      "Invalid OAuth callback",
      "Invalid OAuth callback",
    ]);
    expect(await run.done).toMatchObject({ code: 0, stdout: expect.stringContaining(LOGGED_IN) });
    expect(at.authorization.at("/token")).toHaveLength(1);
  },
  WAIT,
);
