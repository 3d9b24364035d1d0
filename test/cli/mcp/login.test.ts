import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { browse, type OAuthStage, oauthStage } from "../../mcp/oauth-stage.ts";
import { startHttpMcpServer } from "../../support/mcp-server-http.ts";
import { type CliRun, cliBinary, runCli, startCli } from "../../support/spawn-cli.ts";

const WAIT = 60_000;

/** The stage's server, configured, and `codex mcp …` beside it. */
function cli(at: OAuthStage, config = `[mcp_servers.web]\nurl = "${at.server.url}"\n`) {
  at.home.write(".codex/config.toml", `mcp_oauth_credentials_store = "file"\n${config}`);
  const options = { home: at.home.root, cwd: at.home.cwd };
  const stored = join(at.home.root, ".codex/.credentials.json");
  return {
    stored: () => (existsSync(stored) ? readFileSync(stored, "utf8") : ""),
    run: (...args: string[]) => runCli(["mcp", ...args], options),
    /** A command that opens a login: the browser goes where it says. */
    async login(...args: string[]): Promise<CliRun> {
      const started = startCli(["mcp", ...args], options);
      let url: string | undefined;
      await started.stdoutMatches((text) => {
        url = /^(http:\S+\/authorize\S+)\n/m.exec(text)?.[1];
        return url !== undefined;
      });
      await browse(url ?? "");
      return started.done;
    },
  };
}

const outcome = ({ code, stdout, stderr }: CliRun) => ({ code, stdout, stderr });

test(
  "login, list, use, logout",
  async () => {
    await using at = await oauthStage();
    const mcp = cli(at);
    expect((await mcp.run("list")).stdout).toContain("enabled  Not logged in\n");
    const { code, stdout, stderr } = await mcp.login("login", "web", "--scopes", "a, b");
    const url = at.authorization.at("/authorize")[0];
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^Authorize `web` by opening this URL in your browser:\nhttp:\/\/127\.0\.0\.1:\d+\/authorize\?response_type=code&\S+\n\nSuccessfully logged in to MCP server 'web'\.\n$/,
    );
    expect(url?.parameters).toMatchObject({ client_id: "client-1", scope: "a b", resource: at.server.url });
    expect((await mcp.run("list")).stdout).toContain("enabled  OAuth\n");
    expect(JSON.parse((await mcp.run("list", "--json")).stdout)).toMatchObject([{ auth_status: "o_auth" }]);
    expect((await mcp.run("test", "web")).stdout).toContain("web: ready in");
    const [access] = /at-[\w-]+/.exec(mcp.stored()) ?? [];
    expect(access).toBeDefined();
    expect((await mcp.run("get", "web", "--json")).stdout).not.toContain(access ?? "");
    const out = await mcp.run("logout", "web");
    expect(outcome(out)).toEqual({ code: 0, stdout: "Removed OAuth credentials for 'web'.\n", stderr: "" });
    expect(outcome(await mcp.run("logout", "web")).stdout).toBe("No OAuth credentials stored for 'web'.\n");
    expect(mcp.stored().trimEnd()).toBe("{}");
    expect((await mcp.run("test", "web")).stderr).toContain("it wants a login. Run `codex mcp login web`");
  },
  WAIT,
);

test(
  "add finds out that there is a login, and begins it",
  async () => {
    await using at = await oauthStage({ authorization: { clients: { mine: "hidden" } } });
    const mcp = cli(at, "");
    const flags = ["--oauth-client-id", "mine", "--oauth-client-secret", "hidden", "--oauth-resource", "https://r"];
    const { code, stdout } = await mcp.login("add", "n", "--url", at.server.url, ...flags);
    expect(code).toBe(0);
    expect(stdout.replace(/\nhttp\S+\n/, "\nURL\n")).toBe(
      "Added global MCP server 'n'.\nDetected OAuth support. Starting OAuth flow…\nAuthorize `n` by opening this URL in your browser:\nURL\n\nSuccessfully logged in.\n",
    );
    expect(stdout).not.toContain("hidden");
    expect(at.authorization.at("/authorize")[0]?.parameters).toMatchObject({
      client_id: "mine",
      resource: "https://r",
    });
    const config = join(at.home.root, ".codex/config.toml");
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(readFileSync(config, "utf8")).toEndWith(
      `[mcp_servers.n]\nurl = "${at.server.url}"\noauth_resource = "https://r"\n\n[mcp_servers.n.oauth]\nclient_id = "mine"\nclient_secret = "hidden"\n`,
    );
    expect((await mcp.run("get", "n")).stdout).not.toContain("hidden");
  },
  WAIT,
);

test(
  "add leaves it open where the server's description cannot be trusted",
  async () => {
    await using at = await oauthStage({ server: { resource: (own) => ({ ...own, resource: "https://other" }) } });
    const mcp = cli(at, "");
    expect(outcome(await mcp.run("add", "n", "--url", at.server.url))).toEqual({
      code: 0,
      stdout:
        "Added global MCP server 'n'.\nMCP server may or may not require login. Run `codex mcp login n` to login.\n",
      stderr: "",
    });
  },
  WAIT,
);

test(
  "logins that come to nothing",
  async () => {
    await using at = await oauthStage({ authorization: { person: "denies" } });
    const mcp = cli(
      at,
      `[mcp_servers.web]\nurl = "${at.server.url}"\n[mcp_servers.none]\nurl = "${at.authorization.origin}/none"\n[mcp_servers.gone]\nurl = "http://127.0.0.1:9/mcp"\n[mcp_servers.plain]\nurl = "http://far.example/mcp"\n`,
    );
    const denied = await mcp.login("login", "web");
    expect(denied.code).toBe(1);
    expect(denied.stderr).toBe("Error: Cannot log in to 'web': The authorization server refused: the person said no\n");
    const added = await mcp.login("add", "web2", "--url", at.server.url);
    expect([added.code, added.stderr]).toEqual([1, denied.stderr.replace("web", "web2")]);
    const gone = await mcp.run("login", "gone");
    expect(gone.stderr).toStartWith("Error: Cannot log in to 'gone': GET http://127.0.0.1:9/.well-known/");
    expect((await mcp.run("login", "plain")).stderr).toContain("OAuth needs https, or http on this machine");
    expect((await mcp.run("login", "web", "--oauth-client-registration", "cimd")).stderr).toContain("not supported");
    expect(mcp.stored()).toBe("");
  },
  WAIT,
);

test(
  "no login to be had",
  async () => {
    await using at = await oauthStage({ server: { resource: () => undefined, challenge: () => undefined } });
    expect(outcome(await cli(at).run("login", "web"))).toEqual({
      code: 1,
      stdout: "",
      stderr: "Error: No authorization support detected\n",
    });
  },
  WAIT,
);

test(
  "the address can be pasted where no browser is",
  async () => {
    await using at = await oauthStage();
    at.home.write(".codex/config.toml", `[mcp_servers.web]\nurl = "${at.server.url}"\n`);
    const child = Bun.spawn([cliBinary(), "mcp", "login", "web", "--no-browser"], {
      env: { PATH: process.env.PATH ?? "", HOME: at.home.root, CODEX_HOME: join(at.home.root, ".codex") },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    let text = "";
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk);
      const url = /^(http:\S+\/authorize\S+)\n/m.exec(text)?.[1];
      if (url === undefined || text.includes("Successfully")) continue;
      const answer = await fetch(url, { redirect: "manual" });
      child.stdin.write(`${answer.headers.get("location")}\n`);
      child.stdin.flush();
    }
    expect(await child.exited).toBe(0);
    expect(text).toEndWith("\nSuccessfully logged in to MCP server 'web'.\n");
  },
  WAIT,
);

test(
  "processes that log in or renew at once lose no login",
  async () => {
    await using at = await oauthStage();
    const names = ["one", "two", "three"];
    const mcp = cli(at, names.map((name) => `[mcp_servers.${name}]\nurl = "${at.server.url}"\n`).join(""));
    const logins = await Promise.all(names.map((name) => mcp.login("login", name)));
    expect(logins.map(({ code }) => code)).toEqual([0, 0, 0]);
    at.authorization.expireAll();
    const uses = await Promise.all([...names, ...names].map((name) => mcp.run("test", name)));
    expect(uses.map(({ stderr }) => stderr)).toEqual(["", "", "", "", "", ""]);
    const renewals = at.authorization.at("/token").filter((r) => r.parameters.grant_type === "refresh_token");
    expect(renewals).toHaveLength(3);
  },
  WAIT,
);

test(
  "a store that cannot be used is said so, and the list is shown",
  async () => {
    await using at = await oauthStage();
    const mcp = cli(at);
    at.home.write(".codex/.credentials.json", "maybe secret");
    const listed = await mcp.run("list");
    expect(listed.stdout).toContain("web ");
    expect(listed.stderr).toContain("it is not a JSON object. Move it away and log in again");
    at.home.write(".codex/.credentials.json", "{}");
    at.home.write(".codex/mcp-oauth-locks", "in the way");
    const failed = await mcp.login("login", "web");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toStartWith('Error: Cannot make the lock "');
    expect(failed.stdout + failed.stderr).not.toMatch(/secret|at-|rt-/);
  },
  WAIT,
);

test(
  "servers that do not answer hold the list up once, not one after the other",
  async () => {
    await using at = await oauthStage();
    await using silent = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise<Response>(() => {}) });
    const tables = Array.from({ length: 20 }, (_, n) => `[mcp_servers.s${n}]\nurl = "${silent.url.href}mcp"\n`);
    const { code, stdout, elapsedMs } = await cli(at, tables.join("")).run("list", "--json");
    expect(code).toBe(0);
    const all = JSON.parse(stdout) as { auth_status: string }[];
    expect(all.map(({ auth_status }) => auth_status)).toEqual(Array.from({ length: 20 }, () => "unsupported"));
    // One after the other they would be a hundred seconds.
    expect(elapsedMs).toBeLessThan(40_000);
  },
  WAIT,
);

test(
  "a keyring that is not there is said so, and auto does without",
  async () => {
    await using at = await oauthStage();
    const mcp = cli(at);
    const config = (store: string) => ["-c", `mcp_oauth_credentials_store="${store}"`];
    const keyring = await mcp.run(...config("keyring"), "logout", "web");
    const hasKeyring = keyring.code === 0;
    if (!hasKeyring) {
      expect(keyring.stderr).toStartWith(
        "Error: failed to delete OAuth credentials: failed to delete OAuth tokens from keyring: ",
      );
    }
    if (!hasKeyring) {
      const login = await mcp.run(...config("keyring"), "login", "web");
      expect(login).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("failed to read OAuth tokens from keyring"),
      });
      // Nobody was asked to log in for nothing; and where there is nothing to log in to, it does not matter.
      expect(login.stdout).toBe("");
      await using open = await startHttpMcpServer();
      expect((await mcp.run(...config("keyring"), "add", "open", "--url", open.url)).code).toBe(0);
    }
    expect((await mcp.login(...config("auto"), "login", "web")).code).toBe(0);
    expect(mcp.stored().includes("rt-")).toBe(!hasKeyring);
    expect((await mcp.run(...config("auto"), "list")).stdout).toContain("OAuth");
    expect((await mcp.run(...config("auto"), "logout", "web")).stdout).toContain("Removed");
  },
  WAIT,
);
