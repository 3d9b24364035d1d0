import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { hookStage, say, shell, toolOutput } from "../hooks/exec-stage.ts";

/** Another provider and a server, neither of them in use. */
const TABLES = `[model_providers.other]
name = "other"
base_url = "http://127.0.0.1:1"
env_key = "OTHER_KEY"

[mcp_servers.tracker]
url = "http://127.0.0.1:1/mcp"
enabled = false
bearer_token_env_var = "TRACKER_BEARER"
env_http_headers = { "X-Team" = "TRACKER_TEAM" }
`;

const KEYS = ["OPENAI_API_KEY", "CODEX_API_KEY", "OTHER_KEY", "TRACKER_BEARER", "TRACKER_TEAM"];
const ENV = { ...Object.fromEntries(KEYS.map((name) => [name, `secret of ${name}`])), MINE: "kept" };

/** The variables that a command, a hook and the notify program of one run see. */
async function seenBy(toml: string): Promise<Record<"command" | "hook" | "notify", Record<string, string>>> {
  await using stage = await hookStage({ responses: [shell("env -0"), say("ok")], toml, tables: TABLES });
  const [hook, notify] = [stage.path("hook"), stage.path("notify")];
  const handler = { type: "command", command: `env -0 > ${hook}` };
  stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { SessionStart: [{ hooks: [handler] }] } }));
  const notifier = `notify=["sh", "-c", "env -0 > ${notify}.part; mv ${notify}.part ${notify}"]`;
  expect((await stage.run(["exec", "-c", notifier, "go"], { env: ENV })).code).toBe(0);
  // Nobody waits for the program of `notify`, but a test.
  while (!existsSync(notify)) await Bun.sleep(5);
  const told = String(toolOutput(stage.server.requests[1]));
  return {
    command: variables(told.slice(told.indexOf("Output:\n") + "Output:\n".length)),
    hook: variables(readFileSync(hook, "utf8")),
    notify: variables(readFileSync(notify, "utf8")),
  };
}

function variables(text: string): Record<string, string> {
  const pairs = text.split("\0").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
  return Object.fromEntries(pairs);
}

test("no credential of ours reaches a child, whatever provider or server it is for", async () => {
  for (const seen of Object.values(await seenBy(""))) {
    expect(seen).toMatchObject({ MINE: "kept" });
    expect(JSON.stringify(seen)).not.toContain("secret of");
  }
}, 60_000);

test("the one a policy spells out reaches commands", async () => {
  const policy = 'shell_environment_policy.include_only = ["*", "TRACKER_BEARER"]\n';
  const { command, hook } = await seenBy(policy);
  expect(command).toMatchObject({ MINE: "kept", TRACKER_BEARER: "secret of TRACKER_BEARER" });
  expect(Object.keys(command).filter((name) => KEYS.includes(name))).toEqual(["TRACKER_BEARER"]);
  expect(JSON.stringify(hook)).not.toContain("secret of");
}, 60_000);
