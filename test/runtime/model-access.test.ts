import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { startCli } from "../support/spawn-cli.ts";
import { tempHome } from "../support/temp-home.ts";

/** What a run says before its first request, which a proxy that is not there keeps on this machine. */
async function warningsOf(env: Record<string, string>): Promise<string[]> {
  await using home = await tempHome();
  const args = ["exec", "--json", "--skip-git-repo-check", "go"];
  const run = startCli(args, { home: home.root, cwd: home.root, env: { HTTPS_PROXY: "http://127.0.0.1:9", ...env } });
  await run.stdoutMatches((stdout) => stdout.includes("turn.started"));
  run.kill("SIGINT");
  const { stderr } = await run.done;
  return stderr
    .replaceAll(home.root, "HOME")
    .split("\n")
    .filter((line) => line.startsWith("warning: "));
}

const WARNING =
  'warning: No API key was found for model provider "openai". Set CODEX_API_KEY, or write {"OPENAI_API_KEY": "sk-…"} to "HOME/.codex/auth.json"';

test("without a key for OpenAI a run says how to give one", async () => {
  expect(await warningsOf({})).toEqual([WARNING]);
});

test("a key in OPENAI_API_KEY is not used, and the run says so", async () => {
  const expected = `${WARNING}. OPENAI_API_KEY in the environment is not used`;
  expect(await warningsOf({ OPENAI_API_KEY: "sk-elsewhere" })).toEqual([expected]);
});

test("with a key, or another address than OpenAI's, there is nothing to say", async () => {
  expect(await warningsOf({ CODEX_API_KEY: "sk-here" })).toEqual([]);
  expect(await warningsOf({ OPENAI_BASE_URL: "http://127.0.0.1:9/v1" })).toEqual([]);
});

const CHATGPT = {
  auth_mode: "chatgpt",
  OPENAI_API_KEY: null,
  tokens: { id_token: "e30.e30.x", access_token: "access", refresh_token: "refresh", account_id: "team-1" },
  last_refresh: "2026-11-23T00:00:00Z",
};

test.each([
  ['forced_login_method = "chatgpt"', { OPENAI_API_KEY: "sk-file" }, {}, "auth.json holds an API key"],
  ['forced_login_method = "chatgpt"', undefined, { CODEX_API_KEY: "sk-env" }, "CODEX_API_KEY holds an API key"],
  ['forced_login_method = "api"', CHATGPT, {}, "auth.json holds a ChatGPT login"],
  ['forced_chatgpt_workspace_id = "team-2"', CHATGPT, {}, 'the login in auth.json belongs to "team-1"'],
])("a login that the configuration does not allow is not used: %s with %j, %j", async (config, login, env, why) => {
  await using home = await tempHome();
  home.write(".codex/config.toml", `${config}\n`);
  const auth = login === undefined ? undefined : home.write(".codex/auth.json", JSON.stringify(login));
  const args = ["exec", "--json", "--skip-git-repo-check", "go"];
  const proxied = { HTTPS_PROXY: "http://127.0.0.1:9", ...env };
  const run = await startCli(args, { home: home.root, cwd: home.root, env: proxied }).done;
  expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 1, stdout: "" });
  expect(run.stderr).toContain(why);
  // Nobody is logged out.
  if (auth !== undefined) expect(existsSync(auth)).toBe(true);
});

test.each([
  ['forced_login_method = "chatgpt"\nforced_chatgpt_workspace_id = "team-1"', CHATGPT],
  ['forced_login_method = "api"', { OPENAI_API_KEY: "sk-file" }],
])("one that it allows is: %s", async (config, login) => {
  await using home = await tempHome();
  home.write(".codex/config.toml", `${config}\n`);
  home.write(".codex/auth.json", JSON.stringify(login));
  const args = ["exec", "--json", "--skip-git-repo-check", "go"];
  const run = startCli(args, { home: home.root, cwd: home.root, env: { HTTPS_PROXY: "http://127.0.0.1:9" } });
  await run.stdoutMatches((stdout) => stdout.includes("turn.started"));
  run.kill("SIGINT");
  await run.done;
});
