import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { McpClient } from "../test/support/mcp-client.ts";
import { answer, assistantText, functionCall } from "../test/support/model-script.ts";
import { type ModelServer, startModelServer } from "../test/support/model-server.ts";
import { median, type Row, run, temporaryFolder } from "./measure.ts";

const CODEX = join(import.meta.dir, "..", "dist", "codex");
const SESSIONS = 20;
/** Enough for what one session costs to stand out from what the collector leaves lying about. */
const MORE_SESSIONS = 200;

interface Place {
  client(): McpClient;
  env: Record<string, string>;
  remove(): Promise<void>;
}

/** A home whose model runs one command and answers at once. */
async function place(name: string): Promise<Place> {
  const folder = temporaryFolder(name);
  const server: ModelServer = await startModelServer({
    responses: ({ body }) =>
      body.input.some(({ type }) => type === "function_call_output")
        ? answer(assistantText("done"))
        : answer(functionCall("exec_command", { cmd: "echo hi" })),
    checkRequests: false,
  });
  const home = join(folder.path, ".codex");
  mkdirSync(home);
  const provider = `model_provider = "bench"\n[model_providers.bench]\nname = "bench"\nbase_url = "${server.baseUrl}"\n`;
  writeFileSync(join(home, "config.toml"), provider);
  const env = { HOME: folder.path, CODEX_HOME: home };
  return {
    client: () => new McpClient({ bin: [CODEX], cwd: folder.path, env }),
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...env },
    remove: async () => {
      await server.close();
      folder.remove();
    },
  };
}

/** From the start of the process to the answer of `initialize`, against what it costs to read the command line. */
export async function mcpServerHelloRow(rounds: number): Promise<Row> {
  const at = await place("mcp-server-hello");
  try {
    const times = { hello: [] as number[], help: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      const started = performance.now();
      const client = at.client();
      await client.initialize();
      const helloMs = performance.now() - started;
      await client[Symbol.asyncDispose]();
      const { wallMs } = await run([CODEX, "mcp-server", "--help"], { env: at.env });
      // The first round warms the file cache.
      if (round > 0) {
        times.hello.push(helloMs);
        times.help.push(wallMs);
      }
    }
    const [hello, help] = [median(times.hello), median(times.help)];
    return {
      what: "MCP server: start to the answer of initialize",
      measured: `${hello.toFixed(0)} ms, ${(hello / help).toFixed(1)} × --help`,
      target: "≤ 1.5 ×",
      reached: hello / help <= 1.5,
    };
  } finally {
    await at.remove();
  }
}

/** Twenty sessions of one server process, each with a command: all at once against one after the other. */
export async function mcpServerSessionsRow(): Promise<Row> {
  const at = await place("mcp-server-sessions");
  const client = at.client();
  try {
    await client.initialize();
    const one = () => client.call("codex", { prompt: "go", sandbox: "danger-full-access", "approval-policy": "never" });
    const atOnce = (count: number) => Promise.all(Array.from({ length: count }, one));
    await one();
    const apartMs = await timed(async () => {
      for (let n = 0; n < SESSIONS; n++) await one();
    });
    const togetherMs = await timed(() => atOnce(SESSIONS));
    const before = residentMiB(client.pid);
    for (let done = 0; done < MORE_SESSIONS; done += SESSIONS) await atOnce(SESSIONS);
    const each = (residentMiB(client.pid) - before) / MORE_SESSIONS;
    const ratio = togetherMs / apartMs;
    return {
      what: `MCP server: ${SESSIONS} sessions with a command at once`,
      measured: `${togetherMs.toFixed(0)} ms, ${ratio.toFixed(2)} × one after the other; ${each.toFixed(2)} MiB a session`,
      target: "≤ 1 ×, ≤ 1 MiB",
      reached: ratio <= 1 && each <= 1,
    };
  } finally {
    await client[Symbol.asyncDispose]();
    await at.remove();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Resident memory of a process; NaN where there is no /proc. */
function residentMiB(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}
