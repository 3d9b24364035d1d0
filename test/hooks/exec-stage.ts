import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import {
  type CapturedRequest,
  type ModelServer,
  type ResponseScript,
  startModelServer,
} from "../support/model-server.ts";
import { type CliOptions, type CliRun, runCli, type StartedCli, startCli } from "../support/spawn-cli.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** One handler of a hooks.json; `type` is "command" unless it says otherwise. */
export type Handler = Record<string, unknown>;

/** A git project, a home with hooks and a scripted model, for runs of the real executable. */
export interface HookStage extends AsyncDisposable {
  home: TempHome;
  server: ModelServer;
  /** `codex <args>` in the project. */
  run(args: readonly string[], more?: Partial<CliOptions>): Promise<CliRun>;
  start(args: readonly string[], more?: Partial<CliOptions>): StartedCli;
  /** A path below the temporary folder, for hooks to write to. */
  path(name: string): string;
  /** Whether a file of the project is there. */
  has(name: string): boolean;
  /** The JSON lines a hook wrote with `record`. */
  recorded(): Record<string, unknown>[];
}

export interface HookStageOptions {
  responses: ResponseScript;
  /** The user's hooks.json. */
  hooks?: Record<string, readonly Handler[]>;
  /** More of config.toml: `toml` in front of the first table, `tables` behind. */
  toml?: string;
  tables?: string;
}

/** Adds its input as one line to the file of `recorded`, in one write: others may do so at the same time. */
export function record(file: string): string {
  return `input=$(cat); printf '%s\\n' "$input" >> ${file}`;
}

/** A command that prints this JSON. */
export function printing(output: unknown): Handler {
  return { command: `printf '%s' '${JSON.stringify(output).replaceAll("'", `'\\''`)}'` };
}

export const say = (text: string) => answer(assistantText(text));
export const shell = (command: string, more: Record<string, unknown> = {}) =>
  answer(functionCall("exec_command", { cmd: command, login: false, ...more }, "call_1"));

/** The text of a hooks.json. */
export function hooksJson(hooks: Record<string, readonly Handler[]>): string {
  const groups = Object.entries(hooks).map(([event, handlers]) => [
    event,
    handlers.map(({ matcher, ...handler }) => ({ matcher, hooks: [{ type: "command", ...handler }] })),
  ]);
  return JSON.stringify({ hooks: Object.fromEntries(groups) });
}

export async function hookStage(options: HookStageOptions): Promise<HookStage> {
  const home = await tempHome({ git: true });
  const server = await startModelServer({ responses: options.responses, checkRequests: false });
  const { toml = "", tables = "" } = options;
  home.write(
    ".codex/config.toml",
    `model = "gpt-5.2-codex"
model_provider = "mock"
sandbox_mode = "danger-full-access"
${toml}
[model_providers.mock]
name = "mock"
base_url = "${server.baseUrl}"
request_max_retries = 0
stream_max_retries = 1
${tables}`,
  );
  if (options.hooks !== undefined) home.write(".codex/hooks.json", hooksJson(options.hooks));
  const defaults = { home: home.root, cwd: home.cwd, timeoutMs: 60_000 };
  const records = join(home.root, "records");
  return {
    home,
    server,
    run: (args, more = {}) => runCli(args, { ...defaults, ...more }),
    start: (args, more = {}) => startCli(args, { ...defaults, ...more }),
    path: (name) => join(home.root, name),
    has: (name) => existsSync(join(home.cwd, name)),
    recorded: () =>
      existsSync(records)
        ? readFileSync(records, "utf8")
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line) as Record<string, unknown>)
        : [],
    async [Symbol.asyncDispose]() {
      await server.close();
      await home[Symbol.asyncDispose]();
    },
  };
}

/** What the model read as the output of its call. */
export function toolOutput(request: CapturedRequest | undefined): unknown {
  return request?.body.input.find((item) => String(item.type).endsWith("_call_output"))?.output;
}

/** Role and first text of every message of a request. */
export function messages(request: CapturedRequest | undefined): [string, string][] {
  return (request?.body.input ?? []).flatMap((item) => {
    const content = item.content as { text?: string }[] | undefined;
    return item.type === "message" ? [[String(item.role), content?.[0]?.text ?? ""] as [string, string]] : [];
  });
}
