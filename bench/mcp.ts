import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { monotonicMs } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import { McpServers } from "#mcp/servers.ts";
import { rawServer } from "../test/support/mcp-settings.ts";
import { answer, assistantText } from "../test/support/model-script.ts";
import { startModelServer } from "../test/support/model-server.ts";
import { median, type Row, run, temporaryFolder } from "./measure.ts";

const CODEX = join(import.meta.dir, "..", "dist", "codex");
const RAW = join(import.meta.dir, "..", "test/support/mcp-server-raw.ts");
const SERVERS = 10;

/** From start to the first request, with ten servers whose lists are stored and with none. */
export async function mcpStartRow(rounds: number): Promise<Row> {
  const folder = temporaryFolder("mcp-start");
  let arrivedMs = 0;
  const server = await startModelServer({
    responses: (request) => {
      arrivedMs = request.atMs;
      return answer(assistantText("hello"));
    },
    checkRequests: false,
  });
  const home = (name: string, tables: string) => {
    const path = join(folder.path, name);
    mkdirSync(join(path, ".codex"), { recursive: true });
    const provider = `model_provider = "bench"\n[model_providers.bench]\nname = "bench"\nbase_url = "${server.baseUrl}"\n`;
    writeFileSync(join(path, ".codex/config.toml"), provider + tables);
    return path;
  };
  const tables = Array.from({ length: SERVERS }, (_, n) => serverTable(`s${n}`)).join("");
  const homes = { none: home("none", ""), ten: home("ten", tables) };
  const firstRequest = async (name: keyof typeof homes) => {
    const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: homes[name], SHELL: "/bin/bash", TERM: "dumb" };
    const started = monotonicMs();
    await run([CODEX, "exec", "--json", "--skip-git-repo-check", "hi"], { env, cwd: folder.path });
    return arrivedMs - started;
  };
  try {
    const times = { none: [] as number[], ten: [] as number[] };
    // The first run stores the lists.
    for (const name of ["none", "ten"] as const) await firstRequest(name);
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? (["none", "ten"] as const) : (["ten", "none"] as const);
      for (const name of order) times[name].push(await firstRequest(name));
    }
    // Two runs side by side meet the machine in the same mood: their ratio says more than that of all runs.
    const ratio = median(times.ten.map((ms, round) => ms / (times.none[round] ?? Number.NaN)));
    return {
      what: `first request with ${SERVERS} MCP servers configured`,
      measured: `${median(times.ten).toFixed(0)} ms, ${ratio.toFixed(2)} × the same with none`,
      target: "≤ 1.1 ×",
      reached: ratio <= 1.1,
    };
  } finally {
    await server.close();
    folder.remove();
  }
}

function serverTable(name: string): string {
  return `[mcp_servers.${name}]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["${RAW}", "tiny"]\n`;
}

/** One call of a running server, ours against the SDK's own client and transport, in turn. */
export async function mcpCallRow(rounds: number): Promise<Row> {
  const folder = temporaryFolder("mcp-call");
  const servers = new McpServers({
    settings: [rawServer("tiny")],
    codexHome: folder.path,
    cwd: folder.path,
    env: environment(),
  });
  const client = new Client({ name: "bench", version: "1" });
  try {
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [RAW, "tiny"] }));
    const signal = new AbortController().signal;
    const params = { name: "echo", arguments: { text: "hey" } };
    const ours = () => servers.find("tiny")?.request("tools/call", params, { signal });
    const theirs = () => client.callTool(params);
    const times = { ours: [] as number[], theirs: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      times.ours.push(await timed(ours));
      times.theirs.push(await timed(theirs));
    }
    const [mine, sdk] = [median(times.ours), median(times.theirs)];
    return {
      what: "an MCP tool call",
      measured: `${mine.toFixed(2)} ms, ${(mine - sdk).toFixed(2)} ms more than the bare SDK`,
      target: "≤ 1 ms more",
      reached: mine - sdk <= 1,
    };
  } finally {
    await client.close();
    await servers.close();
    folder.remove();
  }
}

async function timed(call: () => Promise<unknown> | undefined): Promise<number> {
  const started = performance.now();
  await call();
  return performance.now() - started;
}
