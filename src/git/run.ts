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

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_BYTES = 16 << 20;

/** Settings under which nothing a repository brings along is executed and nothing is fetched. */
const SAFE_SETTINGS = [
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "core.pager=cat",
  "core.askPass=",
  "core.sshCommand=false",
  "core.editor=false",
  "credential.helper=",
  "diff.external=",
  "diff.ignoreSubmodules=all",
  "submodule.recurse=false",
  "log.showSignature=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "safe.bareRepository=explicit",
];

/** Variables that make git read another repository, index or config, or run a program. */
const REDIRECTING = /^GIT_(?!AUTHOR_|COMMITTER_|CEILING_DIRECTORIES$|DISCOVERY_ACROSS_FILESYSTEM$)/;

/**
 * Runs a git command that only reads. Content filters are switched off besides `SAFE_SETTINGS` when
 * `args` compare the working tree, since those run programs that the repository's config names.
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  return spawnGit([...(await filterSettings(options)), ...args], options);
}

/** As `runGit` for commands that never look at the working tree's files, so no filters can run. */
export function runGitPlumbing(args: readonly string[], options: GitOptions): Promise<GitResult> {
  return spawnGit(args, options);
}

/** `-c` options that empty every content filter the repository's own config defines. */
async function filterSettings(options: GitOptions): Promise<string[]> {
  const listed = await spawnGit(["config", "--null", "--name-only", "--get-regexp", "^filter\\."], options);
  if (!listed.ok) return [];
  const drivers = new Set(listed.stdout.split("\0").flatMap((name) => /^filter\.(.+)\.[^.]+$/.exec(name)?.[1] ?? []));
  return [...drivers].flatMap((driver) =>
    ["clean=", "smudge=", "process=", "required=false"].flatMap((setting) => ["-c", `filter.${driver}.${setting}`]),
  );
}

async function spawnGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  options.signal?.throwIfAborted();
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(["git", "--no-pager", ...SAFE_SETTINGS.flatMap((setting) => ["-c", setting]), ...args], {
      cwd: options.cwd,
      env: gitEnvironment(options.env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      maxBuffer: options.maxBytes ?? DEFAULT_MAX_BYTES,
      killSignal: "SIGKILL",
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
    const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    options.signal?.throwIfAborted();
    if (exitCode === 0 && child.signalCode === null) return { ok: true, stdout };
    return { ok: false, exitCode: child.exitCode, stderr: stderr.trim() };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", end);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

function gitEnvironment(env: Env): Record<string, string> {
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
  };
}
