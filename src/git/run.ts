import type { Env } from "#lib/env.ts";
import { messageOf } from "#lib/errors.ts";

export type GitResult =
  | { ok: true; stdout: string }
  /** git is missing, refused, ran too long or printed too much; `stderr` says what it said. */
  | { ok: false; exitCode: number | null; stderr: string };

export interface GitOptions {
  cwd: string;
  /** The environment to start from; everything in it that redirects git is removed. */
  env: Env;
  /** Milliseconds until git is killed; default 5000. */
  timeoutMs?: number;
  /** More output than this is a failure; default 16 MiB. */
  maxBytes?: number;
  signal?: AbortSignal;
}

/** A config key and its value. */
type Setting = readonly [string, string];

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_BYTES = 16 << 20;

/** Settings under which nothing a repository brings along is executed and nothing is fetched. */
const SAFE_SETTINGS: readonly Setting[] = [
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.pager", "cat"],
  ["core.askPass", ""],
  ["core.sshCommand", "false"],
  ["core.editor", "false"],
  ["credential.helper", ""],
  ["diff.external", ""],
  ["diff.ignoreSubmodules", "all"],
  ["submodule.recurse", "false"],
  ["log.showSignature", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["safe.bareRepository", "explicit"],
];

/** Variables that make git read another repository, index or config, or run a program. */
const REDIRECTING = /^GIT_(?!AUTHOR_|COMMITTER_|CEILING_DIRECTORIES$|DISCOVERY_ACROSS_FILESYSTEM$)/;

/**
 * Runs a git command that only reads. Content filters are switched off besides `SAFE_SETTINGS` when
 * `args` compare the working tree, since those run programs that the repository's config names.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  return spawnGit(args, options, await filterSettings(options));
}

/** As `runGit` for commands that never look at the working tree's files, so no filters can run. */
export function runGitPlumbing(args: readonly string[], options: GitOptions): Promise<GitResult> {
  return spawnGit(args, options);
}

/** Settings that empty every content filter the repository's own config defines. */
async function filterSettings(options: GitOptions): Promise<Setting[]> {
  const listed = await spawnGit(["config", "--null", "--name-only", "--get-regexp", "^filter\\."], options);
  if (!listed.ok) return [];
  const drivers = new Set(listed.stdout.split("\0").flatMap((name) => /^filter\.(.+)\.[^.]+$/s.exec(name)?.[1] ?? []));
  return [...drivers].flatMap((driver): Setting[] => [
    [`filter.${driver}.clean`, ""],
    [`filter.${driver}.smudge`, ""],
    [`filter.${driver}.process`, ""],
    [`filter.${driver}.required`, "false"],
  ]);
}

async function spawnGit(
  args: readonly string[],
  options: GitOptions,
  settings: readonly Setting[] = [],
): Promise<GitResult> {
  options.signal?.throwIfAborted();
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(["git", "--no-pager", ...args], {
      cwd: options.cwd,
      env: gitEnvironment(options.env, [...SAFE_SETTINGS, ...settings]),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // A process group of its own, so that whatever git started ends with it.
      detached: true,
    });
  } catch (error) {
    return { ok: false, exitCode: null, stderr: messageOf(error) };
  }
  const end = () => killGroup(child.pid);
  const timer = setTimeout(end, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    const limit = options.maxBytes ?? DEFAULT_MAX_BYTES;
    const [stdout, stderr] = await Promise.all([textUpTo(limit, child.stdout), textUpTo(limit, child.stderr)]);
    // Whoever still holds a pipe after too much output is not waited for.
    if (stdout === null || stderr === null) end();
    await child.exited;
    options.signal?.throwIfAborted();
    if (child.exitCode === 0 && stdout !== null) return { ok: true, stdout };
    return {
      ok: false,
      exitCode: child.exitCode,
      stderr: stdout === null ? `more than ${limit} bytes of output` : (stderr ?? "").trim(),
    };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", end);
  }
}

/** The text of a stream, or null as soon as it is longer than `limit` bytes. */
async function textUpTo(limit: number, stream: ReadableStream<Uint8Array>): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

function gitEnvironment(env: Env, settings: readonly Setting[]): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || REDIRECTING.test(name) || name === "SSH_ASKPASS" ? [] : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(kept),
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    // A partial clone would fetch missing objects through whatever transport its config names.
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "none",
    LC_ALL: "C",
    ...settingVariables(settings),
  };
}

/** Settings as variables: unlike `-c`, they hold for keys that contain an equals sign. */
function settingVariables(settings: readonly Setting[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, [key, value]] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
