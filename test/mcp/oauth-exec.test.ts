import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { completedItems, useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { oauthStage } from "./oauth-stage.ts";

const stage = useStage();
const WAIT = 60_000;
const RAW = join(import.meta.dir, "../support/mcp-server-raw.ts");

/** Names of the files below a folder that hold the text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path, "latin1").includes(text);
  });
}

test(
  "a session renews its login, uses it, and shows it to nobody",
  async () => {
    await using at = await oauthStage({ authorization: { expiresIn: 3600 } });
    await at.login();
    const before = JSON.stringify(at.stored());
    at.authorization.expireAll();
    const world = await stage.world({
      responses: [
        answer(functionCall("mcp__web__echo", {})),
        answer(functionCall("mcp__tiny__env", {}, "call_2")),
        answer(functionCall("exec_command", { cmd: "env; cat ~/.codex/.credentials.json" }, "call_3")),
        answer(assistantText("done")),
      ],
      config: 'mcp_oauth_credentials_store = "file"\n',
      tables: `[mcp_servers.web]\nurl = "${at.server.url}"\n[mcp_servers.tiny]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["${RAW}", "tiny"]\n`,
      homeFiles: { ".credentials.json": before },
    });
    const run = await world.run({ env: { RUST_LOG: "trace" } });
    expect(run.code).toBe(0);
    expect(completedItems(run, "mcp_tool_call")).toMatchObject([
      { server: "web", status: "completed" },
      { server: "tiny", status: "completed" },
    ]);
    expect(run.stderr).toContain("token renewed");
    const after = readFileSync(join(world.codexHome, ".credentials.json"), "utf8");
    const secrets = [...`${before}${after}`.matchAll(/(?:at|rt)-[\w-]{36}/g)].map(([secret]) => secret);
    expect(new Set(secrets).size).toBe(4);
    const sent = JSON.stringify(world.server.requests.map(({ body }) => body));
    for (const secret of secrets) {
      expect(`${run.stdout}${run.stderr}${sent}`).not.toContain(secret);
      expect(filesWith(world.root, secret).filter((name) => !name.endsWith("/.credentials.json"))).toEqual([]);
    }
  },
  WAIT,
);

test(
  "without a login the session goes on and says what to do",
  async () => {
    await using at = await oauthStage();
    const run = await stage.play({
      json: false,
      tables: `[mcp_servers.web]\nurl = "${at.server.url}"\n`,
    });
    expect(run.code).toBe(0);
    expect(run.stderr).toContain(
      "mcp: web failed: MCP client for `web` failed to start: MCP startup failed: the server answered 401: it wants a login. Run `codex mcp login web`",
    );
  },
  WAIT,
);
