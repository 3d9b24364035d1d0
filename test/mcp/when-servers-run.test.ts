import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { monotonicMs, nowMs } from "#lib/clock.ts";
import { useStage } from "../compat/stage.ts";
import { mcpSettings, rawServer, stdioTransport } from "../support/mcp-settings.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { mcpStage, NEVER } from "./mcp-stage.ts";

const stage = useStage();
const WAIT = 60_000;
const DAY_MS = 24 * 3600 * 1000;
const PROJECT = join(import.meta.dir, "../..");
const RAW = fileURLToPath(import.meta.resolve("../support/mcp-server-raw.ts"));

/** A shell that becomes the usual server after the script. */
function afterScript(name: string, script: string, more: Partial<McpServerSettings> = {}): McpServerSettings {
  const command = `${script}; exec "${process.execPath}" "${RAW}" tiny`;
  return mcpSettings(name, stdioTransport("/bin/sh", ["-c", command]), more);
}

test(
  "servers start side by side: each of these waits for the others",
  async () => {
    await using at = await mcpStage([]);
    const here = (name: string) => join(at.home.root, name);
    const names = ["one", "two", "three"];
    const everybody = names.map((name) => `[ ! -e "${here(name)}" ]`).join(" || ");
    await using session = at.again(
      names.map((name) => afterScript(name, `touch "${here(name)}"; while ${everybody}; do sleep 0.02; done`)),
    );
    await session.settled();
    expect(session.servers.all.map(({ isListed }) => isListed)).toEqual([true, true, true]);
  },
  WAIT,
);

test(
  "an old list is offered at once and asked for again two seconds into the session",
  async () => {
    await using at = await mcpStage([rawServer("tiny")]);
    await at.settled();
    await at.servers.close();
    const folder = join(at.home.codexHome, "cache/mcp-tools");
    for (const name of readdirSync(folder).filter((entry) => entry.startsWith("offer-"))) {
      writeFileSync(join(folder, name), "");
    }
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith(".json")) ?? "");
    const stored = () => JSON.parse(readFileSync(file, "utf8")) as { saved_at: number; tools: unknown[] };
    writeFileSync(file, JSON.stringify({ ...stored(), saved_at: nowMs() - 2 * DAY_MS }));
    await using later = at.again([rawServer("tiny")]);
    const ready = Promise.withResolvers<void>();
    const [beganMs, waits] = [monotonicMs(), [] as number[]];
    later.servers.begin((_, { type }) => {
      if (type === "starting") waits.push(monotonicMs() - beganMs);
      if (type === "ready") ready.resolve();
    });
    expect(await later.servers.settled({ onNote: () => {}, signal: NEVER })).toEqual({ ready: [], failed: [] });
    expect(later.servers.tools.size).toBeGreaterThan(0);
    await ready.promise;
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeGreaterThan(1_900);
    expect(stored().saved_at).toBeGreaterThan(nowMs() - DAY_MS);
  },
  WAIT,
);

test(
  "people are told what they wait for after a second, not before",
  async () => {
    await using at = await mcpStage([rawServer("silent", { startupTimeoutMs: 20_000 })]);
    const abort = new AbortController();
    at.servers.begin(() => {});
    const beganMs = monotonicMs();
    let toldMs = 0;
    const onNote = () => {
      toldMs = monotonicMs() - beganMs;
      abort.abort(new Error("enough"));
    };
    await expect(at.servers.settled({ onNote, signal: abort.signal })).rejects.toThrow("enough");
    expect(toldMs).toBeGreaterThan(950);
  },
  WAIT,
);

/** What a session with a server that says nothing writes to standard error in its first 1.5 seconds. */
async function notesOf(source: "cli" | "exec"): Promise<string> {
  const script = `
    import { startSession } from "${PROJECT}/test/support/session.ts";
    import { answer, assistantText } from "${PROJECT}/test/support/model-script.ts";
    const config = { mcp_servers: { silent: { command: "sleep", args: ["60"], startup_timeout_sec: 1.5 } } };
    await using session = await startSession({ source: "${source}", config, responses: [answer(assistantText("done"))] });
    await Promise.all([session.say("go"), Bun.sleep(1500)]);`;
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: PROJECT, stdout: "inherit", stderr: "pipe" });
  const said = await child.stderr.text();
  expect(await child.exited).toBe(0);
  return said;
}

test(
  "nobody writes into the screen of an interface",
  async () => {
    const [cli, exec] = await Promise.all([notesOf("cli"), notesOf("exec")]);
    expect(exec).toContain("Waiting for MCP servers: silent");
    expect(cli).toBe("");
  },
  WAIT,
);

test(
  "a required server is waited for, also when its list is known",
  async () => {
    const world = await stage.world({ responses: [answer(assistantText("one")), answer(assistantText("two"))] });
    const broken = join(world.root, "broken");
    const script = `[ ! -e "${broken}" ] || exit 1; exec "${process.execPath}" "${RAW}" tiny`;
    const table = `{command="/bin/sh",args=["-c",${JSON.stringify(script)}],required=true}`;
    const args = ["-c", `mcp_servers.tiny=${table}`];
    expect((await world.run({ args })).code).toBe(0);
    writeFileSync(broken, "");
    const run = await world.run({ args });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("required MCP servers failed to initialize: tiny: ");
    expect(world.server.requests).toHaveLength(1);
  },
  WAIT,
);
