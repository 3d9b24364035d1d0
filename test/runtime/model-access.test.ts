import { expect, test } from "bun:test";
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
