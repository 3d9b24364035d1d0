/**
 * Proves that sessions travel: each released version from npm resumes sessions that dist/codex wrote, and
 * the reverse. Every pair goes there and back on one file, and what counts is the request the resuming
 * program sends: it must hold the conversation so far. Prints a table; exits 1 when a cell fails.
 *
 * Usage: bun scripts/compat-resume.ts [--with VERSION=PATH]…
 * Released versions are installed with npm into a temporary folder, unless `--with` names an executable;
 * CODEX_BIN replaces dist/codex.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptedResponse, SseEvent } from "../test/support/model-script.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  customToolCall,
  functionCall,
  reasoning,
  sse,
} from "../test/support/model-script.ts";
import { type CapturedRequest, type ModelServer, startModelServer } from "../test/support/model-server.ts";
import { cliBinary } from "../test/support/spawn-cli.ts";

const RELEASED = ["0.101.0", "0.169.0"];
const OURS = "dist/codex";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const TIMEOUT_MS = 60_000;

/** A program under test. */
interface Product {
  name: string;
  command: string[];
  /** A model it knows, so that it offers all its tools. */
  model: string;
}

/** One kind of session: how it is made, and what a request that resumes it must and must not hold. */
interface Scenario {
  name: string;
  prompt: string;
  options: readonly string[];
  /** Send SIGINT as soon as a command runs. */
  interrupt?: boolean;
  mustHold: readonly string[];
  mustNotHold?: readonly string[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "tools",
    prompt: "MAKE-TOOLS please",
    options: [],
    mustHold: [
      "MAKE-TOOLS please",
      "about to work",
      "tool-output-42",
      "Add File: made.txt",
      "A made.txt",
      "all done",
      "ENC-1",
    ],
  },
  { name: "image", prompt: "SEE-IMAGE", options: ["-i", "pixel.png"], mustHold: ["SEE-IMAGE", PIXEL, "all done"] },
  {
    name: "compacted",
    prompt: "FILL-CONTEXT",
    options: ["-c", "model_auto_compact_token_limit=5000"],
    mustHold: ["FILL-CONTEXT", "the summary", "all done"],
    mustNotHold: ["tool-output-42"],
  },
  {
    name: "interrupted",
    prompt: "HANG-NOW",
    options: [],
    interrupt: true,
    mustHold: ["HANG-NOW", "sleep 300", "<turn_aborted>"],
  },
];

/** The model's side of all scenarios, told apart by the last item of a request. */
function respond(request: CapturedRequest, index: number): ScriptedResponse {
  const { input, tools } = request.body;
  const last = JSON.stringify(input.at(-1) ?? null);
  const done = answer(assistantText("all done", { id: `msg_${index}` }));
  if (tools.length === 0) return answer(assistantText("the summary", { id: `msg_${index}` }));
  if (last.includes("MAKE-TOOLS")) {
    return answer(
      reasoning(["thinking"], { id: `rs_${index}`, encrypted: "ENC-1" }),
      assistantText("about to work", { id: `msg_${index}` }),
      functionCall("exec_command", { cmd: "echo tool-output-$((40+2))" }, `call_${index}`),
    );
  }
  if (last.includes("tool-output-42")) {
    const patch = "*** Begin Patch\n*** Add File: made.txt\n+made\n*** End Patch\n";
    return answer(customToolCall("apply_patch", patch, `call_${index}`));
  }
  if (last.includes("FILL-CONTEXT")) {
    return bigAnswer(functionCall("exec_command", { cmd: "echo tool-output-$((40+2)) | tr -d 2" }, `call_${index}`));
  }
  if (last.includes("HANG-NOW"))
    return answer(functionCall("exec_command", { cmd: "sleep 300", yield_time_ms: 30_000 }, `call_${index}`));
  return done;
}

/** An answer whose usage is over the compaction limit of the "compacted" scenario. */
function bigAnswer(events: readonly SseEvent[]): ScriptedResponse {
  return sse([created(), ...events, completed({ input_tokens: 6000, output_tokens: 10 })]);
}

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** One throw-away home and working folder, shared by the programs of a pair. */
class Stage {
  readonly root = mkdtempSync(join(tmpdir(), "codex-compat-"));
  readonly home = join(this.root, "home");
  readonly cwd = join(this.root, "project");
  readonly #server: ModelServer;

  constructor(server: ModelServer) {
    this.#server = server;
    for (const folder of [this.home, this.cwd]) mkdirSync(folder);
    writeFileSync(join(this.cwd, "pixel.png"), Buffer.from(PIXEL, "base64"));
  }

  async exec(product: Product, args: readonly string[], prompt: string, interrupt = false): Promise<Run> {
    writeFileSync(join(this.home, "config.toml"), this.#config(product));
    const options = ["exec", "--json", "--skip-git-repo-check", "-s", "danger-full-access"];
    const child = Bun.spawn([...product.command, ...options, ...args, "-"], {
      cwd: this.cwd,
      env: {
        PATH: process.env.PATH,
        HOME: this.root,
        CODEX_HOME: this.home,
        COMPAT_KEY: "k",
        SHELL: "/bin/bash",
        TERM: "dumb",
      },
      stdin: Buffer.from(prompt),
      stdout: "pipe",
      stderr: "pipe",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr] = await Promise.all([
      readWhile(child.stdout, (text) => interrupt && text.includes('"item.started"') && child.kill("SIGINT")),
      child.stderr.text(),
    ]);
    return { code: await child.exited, stdout, stderr };
  }

  #config(product: Product): string {
    return [
      `model = "${product.model}"`,
      'model_provider = "compat"',
      "[model_providers.compat]",
      'name = "compat"',
      `base_url = "${this.#server.baseUrl}"`,
      'env_key = "COMPAT_KEY"',
      'wire_api = "responses"',
    ].join("\n");
  }

  /** The one rollout of this stage. */
  rollout(): { path: string; content: string } {
    const [path, ...more] = new Bun.Glob("sessions/**/*.jsonl").scanSync({ cwd: this.home, absolute: true });
    if (path === undefined || more.length > 0)
      throw new Error(`expected one session file, found ${path ? more.length + 1 : 0}`);
    return { path, content: readFileSync(path, "utf8") };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Reads a stream to its end, showing what has come so far; the watcher is not called again once it answered. */
async function readWhile(stream: ReadableStream<Uint8Array>, watch: (text: string) => unknown): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let watching = true;
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (watching && watch(text)) watching = false;
  }
  return text;
}

/** Writes with one program, resumes with the other, then with the first again. Null when all is well, else what is not. */
async function roundTrip(
  server: ModelServer,
  writer: Product,
  reader: Product,
  scenario: Scenario,
): Promise<string | null> {
  const stage = new Stage(server);
  try {
    const written = await stage.exec(writer, scenario.options, scenario.prompt, scenario.interrupt);
    const before = stage.rollout().content;
    const threadId = /"thread_id":"([^"]+)"/.exec(written.stdout)?.[1];
    if (threadId === undefined) return `${writer.name} wrote no thread id: ${written.stderr.trim()}`;
    if (scenario.interrupt !== true && written.code !== 0) return `${writer.name} failed: ${written.stderr.trim()}`;
    const there = await resume(stage, server, reader, ["resume", threadId], "FIRST-RESUME", scenario);
    if (there !== null) return there;
    const between = stage.rollout().content;
    if (!between.startsWith(before) || between === before) return `${reader.name} did not append to the session file`;
    const back = await resume(stage, server, writer, ["resume", "--last"], "SECOND-RESUME", scenario, ["FIRST-RESUME"]);
    if (back !== null) return `back: ${back}`;
    return stage.rollout().content.startsWith(between) ? null : `${writer.name} did not append to the session file`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    stage.remove();
  }
}

async function resume(
  stage: Stage,
  server: ModelServer,
  product: Product,
  args: readonly string[],
  prompt: string,
  scenario: Scenario,
  more: readonly string[] = [],
): Promise<string | null> {
  const seen = server.requests.length;
  const run = await stage.exec(product, args, prompt);
  if (run.code !== 0) return `${product.name} ended with ${run.code}: ${run.stderr.trim() || run.stdout.trim()}`;
  const request = server.requests[seen];
  if (request === undefined) return `${product.name} sent no request`;
  const sent = JSON.stringify(request.body.input);
  const missing = [...scenario.mustHold, ...more, prompt].filter((text) => !sent.includes(text));
  const unwanted = (scenario.mustNotHold ?? []).filter((text) => sent.includes(text));
  if (missing.length > 0) return `${product.name} did not send ${JSON.stringify(missing)}`;
  return unwanted.length > 0 ? `${product.name} still sent ${JSON.stringify(unwanted)}` : null;
}

/** The released executables: those named on the command line, the others installed from npm. */
async function releasedProducts(folder: string, named: ReadonlyMap<string, string>): Promise<Product[]> {
  return Promise.all(
    RELEASED.map(async (version): Promise<Product> => {
      const model = version === "0.101.0" ? "gpt-5.2-codex" : "gpt-5.5";
      const path = named.get(version);
      if (path !== undefined) return { name: version, command: [path], model };
      const prefix = join(folder, version);
      mkdirSync(prefix);
      const install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", prefix, `@openai/codex@${version}`];
      const child = Bun.spawn(install, { cwd: prefix, stdin: "ignore", stdout: "ignore", stderr: "inherit" });
      if ((await child.exited) !== 0) throw new Error(`npm could not install @openai/codex@${version}`);
      return { name: version, command: ["node", join(prefix, "node_modules/@openai/codex/bin/codex.js")], model };
    }),
  );
}

function namedExecutables(args: readonly string[]): Map<string, string> {
  const named = new Map<string, string>();
  for (let at = 0; at < args.length; at += 2) {
    const [version = "", path = ""] = (args[at + 1] ?? "").split("=");
    if (args[at] !== "--with" || !RELEASED.includes(version) || !existsSync(path)) {
      throw new Error(
        `expected --with VERSION=PATH with VERSION one of ${RELEASED.join(", ")}, got "${args.slice(at, at + 2).join(" ")}"`,
      );
    }
    named.set(version, path);
  }
  return named;
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "codex-released-"));
  const server = await startModelServer({ responses: respond, checkRequests: false });
  try {
    const ours: Product = { name: OURS, command: [cliBinary()], model: "gpt-5.2-codex" };
    const released = await releasedProducts(folder, namedExecutables(process.argv.slice(2)));
    let failures = 0;
    console.log("written by | resumed by | session     | there and back");
    for (const [writer, reader] of released.flatMap((product) => [
      [ours, product] as const,
      [product, ours] as const,
    ])) {
      for (const scenario of SCENARIOS) {
        const problem = await roundTrip(server, writer, reader, scenario);
        if (problem !== null) failures++;
        console.log(
          [writer.name.padEnd(10), reader.name.padEnd(10), scenario.name.padEnd(11), problem ?? "ok"].join(" | "),
        );
      }
    }
    return failures === 0 ? 0 : 1;
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
