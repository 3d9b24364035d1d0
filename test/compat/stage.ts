import { afterAll } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { answer, assistantText } from "../support/model-script.ts";
import {
  type CapturedRequest,
  type ModelServer,
  type ResponseScript,
  startModelServer,
} from "../support/model-server.ts";
import { type CliEvent, type CliRun, type OPEN_PIPE, type StartedCli, startCli } from "../support/spawn-cli.ts";

export interface Scene {
  /** What the model answers; default: one message `done`. */
  responses?: ResponseScript;
  /** Arguments between `exec --json` and the prompt. */
  args?: readonly string[];
  /** Default `go`; null passes none. */
  prompt?: string | null;
  /** Default true. */
  json?: boolean;
  /** The whole argv in place of the usual one. */
  argv?: readonly string[];
  /** config.toml, put before the provider's table; TOML text. */
  config?: string;
  /** TOML text at the end of config.toml, for tables. */
  tables?: string;
  /** Keys of `[model_providers.mock]`, TOML text. Default: no retries. */
  provider?: string;
  /** The whole config.toml; "BASE_URL" is replaced. */
  configToml?: string;
  /** Files below the working directory. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Files below CODEX_HOME. */
  homeFiles?: Readonly<Record<string, string | Uint8Array>>;
  /** Whether the working directory is a git repository; default true. */
  git?: boolean;
  env?: Record<string, string | undefined>;
  stdin?: string | typeof OPEN_PIPE;
  timeoutMs?: number;
  /** Every request of a played scene is checked against the recorded contract unless this is false. */
  checkRequests?: boolean;
}

export interface RolloutLine {
  timestamp: string;
  type: string;
  payload: Record<string, unknown>;
}

/** A home, a working directory and a model server, kept for several runs. */
export interface World {
  root: string;
  home: string;
  codexHome: string;
  cwd: string;
  server: ModelServer;
  run(scene: Scene): Promise<CliRun>;
  start(scene: Scene): StartedCli;
  /** Paths of the rollouts, oldest first. */
  rolloutPaths(): string[];
  /** Lines of the n-th rollout (default: the last). */
  rollout(index?: number): RolloutLine[];
  read(path: string): string;
}

/** One finished run and what it left behind. */
export interface Played extends CliRun {
  world: World;
  requests: readonly CapturedRequest[];
}

export interface Stage {
  world(scene: Scene): Promise<World>;
  play(scene: Scene): Promise<Played>;
  /** Plays a scene on the first call and answers the same run to all others, so that many tests share it. */
  shared(scene: Scene): () => Promise<Played>;
  /** The same, begun at once: for scenes that mostly wait. */
  early(scene: Scene): () => Promise<Played>;
}

export const NO_RETRIES = "request_max_retries = 0\nstream_max_retries = 0\n";

/** Temp folders and servers of one test file, removed after its last test. */
export function useStage(): Stage {
  const worlds: World[] = [];
  afterAll(async () => {
    for (const world of worlds) {
      await world.server.close();
      rmSync(world.root, { recursive: true, force: true });
    }
  });
  const world = async (scene: Scene) => {
    const created = await createWorld(scene);
    worlds.push(created);
    return created;
  };
  const play = async (scene: Scene): Promise<Played> => {
    const created = await world(scene);
    const run = await created.run(scene);
    const { requests, violations } = created.server;
    if (violations.length > 0) throw new Error(`requests broke the contract:\n${violations.join("\n")}\n${run.stderr}`);
    if (run.timedOut) throw new Error(`the run took too long; stdout:\n${run.stdout}\nstderr:\n${run.stderr}`);
    return { ...run, world: created, requests };
  };
  const shared = (scene: Scene) => {
    let played: Promise<Played> | undefined;
    return () => (played ??= play(scene));
  };
  const early = (scene: Scene) => {
    const played = play(scene);
    played.catch(() => undefined); // reported by the tests that ask for it
    return () => played;
  };
  return { world, play, shared, early };
}

async function createWorld(scene: Scene): Promise<World> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "codex-compat-")));
  const home = join(root, "home");
  const codexHome = join(home, ".codex");
  const cwd = join(root, "work");
  mkdirSync(codexHome, { recursive: true });
  const temporary = join(root, "tmp");
  mkdirSync(cwd);
  mkdirSync(temporary);
  const responses = scene.responses ?? [answer(assistantText("done"))];
  const server = await startModelServer({ responses, checkRequests: scene.checkRequests ?? true });
  writeFileSync(join(codexHome, "config.toml"), configToml(scene, server.baseUrl));
  writeFiles(cwd, scene.files);
  writeFiles(codexHome, scene.homeFiles);
  if (scene.git !== false) git(cwd, "init", "-q");
  const start = (next: Scene) => {
    const { env, stdin, timeoutMs } = next;
    return startCli(argvOf(next), {
      home,
      cwd,
      env: { MOCK_KEY: "sk-mock", TMPDIR: temporary, ...env },
      ...(stdin === undefined ? {} : { stdin }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  };
  const rolloutPaths = () => listFiles(join(codexHome, "sessions")).sort();
  return {
    root,
    home,
    codexHome,
    cwd,
    server,
    start,
    run: (next) => start(next).done,
    rolloutPaths,
    rollout: (index = -1) => readRollout(rolloutPaths().at(index)),
    read: (path) => readFileSync(join(cwd, path), "utf8"),
  };
}

function argvOf(scene: Scene): readonly string[] {
  if (scene.argv !== undefined) return scene.argv;
  const prompt = scene.prompt === undefined ? "go" : scene.prompt;
  return [
    "exec",
    ...(scene.json === false ? [] : ["--json"]),
    ...(scene.args ?? []),
    ...(prompt === null ? [] : [prompt]),
  ];
}

function configToml(scene: Scene, baseUrl: string): string {
  if (scene.configToml !== undefined) return scene.configToml.replaceAll("BASE_URL", baseUrl);
  return `${scene.config?.includes("model =") ? "" : 'model = "gpt-5.2-codex"\n'}model_provider = "mock"
${scene.config ?? ""}
[model_providers.mock]
name = "mock"
base_url = "${baseUrl}"
${scene.provider?.includes("env_key") || scene.provider?.includes("bearer") ? "" : 'env_key = "MOCK_KEY"\n'}${scene.provider ?? NO_RETRIES}
${scene.tables ?? ""}
`;
}

function writeFiles(folder: string, files: Scene["files"]): void {
  for (const [path, content] of Object.entries(files ?? {})) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
}

/** Runs git in a folder with a fixed author and returns what it prints. */
export function git(cwd: string, ...args: string[]): string {
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"];
  const result = Bun.spawnSync(["git", ...identity, ...args], { cwd });
  if (!result.success) throw new Error(`git ${args.join(" ")}: ${result.stderr.toString()}`);
  return result.stdout.toString().trim();
}

export function listFiles(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

export function readRollout(path: string | undefined): RolloutLine[] {
  if (path === undefined) return [];
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as RolloutLine);
}

/** Items of the stream, in order, each with the name of its event. */
export function itemsOf(run: CliRun): ({ event: string; id: string; type: string } & Record<string, unknown>)[] {
  return run.events
    .filter((event): event is CliEvent & { item: { id: string; type: string } } => "item" in event)
    .map((event) => ({ event: event.type, ...event.item }));
}

/** Completed items of one type. */
export function completedItems(run: CliRun, type: string) {
  return itemsOf(run).filter((item) => item.event === "item.completed" && item.type === type);
}

/** The text answered to a call, from the last request of the run. */
export function outputOf(played: Played, callId = "call_1"): string {
  const items = played.requests.at(-1)?.body.input ?? [];
  const found = items.find((item) => item.call_id === callId && String(item.type).endsWith("_output"));
  if (found === undefined) throw new Error(`no output for "${callId}"; stderr: ${played.stderr}`);
  const output = found.output;
  return typeof output === "string" ? output : JSON.stringify(output);
}

/** Text of the first content part of an input item. */
export function textOf(item: Record<string, unknown> | undefined): string {
  const content = item?.content as { text?: string }[] | undefined;
  return content?.map((part) => part.text ?? "").join("") ?? "";
}
