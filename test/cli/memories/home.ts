import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expandSampleHome } from "../../../scripts/sample-home.ts";
import { type CliRun, runCli, type StartedCli, startCli } from "../../support/spawn-cli.ts";
import { type TempHome, tempHome } from "../../support/temp-home.ts";

/** A home for `codex memories`, with the environment of a user who has neither key nor terminal. */
export interface MemoriesHome extends AsyncDisposable {
  home: TempHome;
  /** `$CODEX_HOME`. */
  path: string;
  root: string;
  /** `codex memories <args>`, in a folder that is no repository. */
  run(...args: string[]): Promise<CliRun>;
  /** The same with `--json`, parsed; throws when it fails. */
  json(...args: string[]): Promise<Record<string, unknown>>;
  start(...args: string[]): StartedCli;
  config(toml: string): void;
  /** Every file below the memory root with its content's hash and its times. */
  snapshot(): string[];
}

/** A home with the sample sessions. */
export async function sampleHome(): Promise<MemoriesHome> {
  const made = await emptyHome();
  await expandSampleHome(made.path, Date.now());
  return made;
}

export async function emptyHome(): Promise<MemoriesHome> {
  const home = await tempHome();
  const path = home.codexHome;
  const root = join(path, "memories");
  const options = { home: home.root, cwd: home.cwd, env: { CODEX_HOME: path, MOCK_KEY: "sk-mock" } };
  const start = (...args: string[]) => startCli(["memories", ...args], options);
  const run = (...args: string[]) => runCli(["memories", ...args], options);
  return {
    home,
    path,
    root,
    start,
    run,
    json: async (...args) => {
      const { stdout, stderr, code } = await run(...args, "--json");
      if (code !== 0) throw new Error(`memories ${args.join(" ")} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    config: (toml) => writeFileSync(join(path, "config.toml"), toml),
    snapshot: () => snapshot(root),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mtimeNs, ino } = lstatSync(path, { bigint: true });
      return `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")} ${mtimeNs} ${ino}`;
    })
    .sort();
}

const DAY_MS = 86_400_000;

/** Writes a session in which the user states a preference, ended `daysAgo`; returns its id. */
export function writeSession(
  home: MemoriesHome,
  number: number,
  options: { daysAgo: number; source?: string; provider?: string; text?: string; mode?: string },
): string {
  const id = `019a0000-0000-7000-8000-${String(number).padStart(12, "0")}`;
  const at = (offset: number) => new Date(Date.now() - options.daysAgo * DAY_MS + offset).toISOString();
  const text = options.text ?? `Please always answer in verse number ${number}.`;
  const lines = [
    {
      type: "session_meta",
      payload: {
        id,
        timestamp: at(-3000),
        cwd: "/work/app",
        originator: "codex_cli_rs",
        cli_version: "0.101.0",
        source: options.source ?? "cli",
        model_provider: options.provider ?? "mock",
        ...(options.mode === undefined ? {} : { memory_mode: options.mode }),
      },
    },
    { type: "turn_context", payload: { turn_id: "t", cwd: "/work/app", model: "gpt-5.2-codex" } },
    { type: "event_msg", payload: { type: "user_message", message: text } },
    { type: "response_item", payload: { type: "message", role: "user", content: [{ type: "input_text", text }] } },
    {
      type: "response_item",
      payload: { type: "message", role: "assistant", content: [{ type: "output_text", text: "I will." }] },
    },
  ];
  const path = join(home.path, "sessions", "2026", "10", "01", `rollout-2026-10-01T00-00-00-${id}.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  const stamped = lines.map((line, index) => JSON.stringify({ timestamp: at(index - lines.length + 1), ...line }));
  writeFileSync(path, `${stamped.join("\n")}\n`);
  return id;
}
