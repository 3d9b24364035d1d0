import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { join, posix } from "node:path";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { parseRules } from "./parse.ts";
import { readRulesFile, whyUnreadable } from "./read-rules-file.ts";

/**
 * Adds "always allow commands that begin with these words" to `$CODEX_HOME/rules/default.rules` and returns the
 * file's path. The line is appended in one write: comments stay, and neither a crash nor another process that
 * adds one leaves half a line. Nothing is written when the file already says so. Throws a CodexError for a prefix
 * too broad to be allowed for good, for a file with mistakes (its allow rules would not count) and when the file
 * cannot be written.
 */
export function addAllowRule(codexHome: string, prefix: readonly string[]): string {
  if (isBroadPrefix(prefix)) {
    const shown = JSON.stringify(prefix);
    throw new CodexError("broad_rule", `Cannot always allow ${shown}: it would allow nearly every command`);
  }
  const path = join(codexHome, "rules", "default.rules");
  const existing = parseRules(readIfPresent(path));
  const [problem] = existing.problems;
  if (problem !== undefined) {
    const { line, column, message } = problem;
    throw new CodexError(
      "broken_rules",
      `Cannot add a rule to "${path}": mend line ${line}:${column} first: ${message}`,
    );
  }
  const isThere = existing.rules.some(
    ({ program, rest, decision }) =>
      decision === "allow" && JSON.stringify([[program], ...rest]) === JSON.stringify(prefix.map((word) => [word])),
  );
  if (!isThere) append(path, `prefix_rule(pattern=[${prefix.map(quoted).join(", ")}], decision="allow")\n`);
  return path;
}

/**
 * The words to offer as an "always allow" rule for a command: what the model proposed when the command begins with
 * it, else the whole command. Undefined when that would allow nearly everything.
 */
export function suggestedPrefix(words: readonly string[], proposed?: readonly string[]): readonly string[] | undefined {
  const fits = proposed !== undefined && proposed.length > 0 && proposed.every((word, at) => word === words[at]);
  const prefix = fits && !isBroadPrefix(proposed) ? proposed : words;
  return isBroadPrefix(prefix) ? undefined : prefix;
}

/** Programs that run other programs: their own words say nothing about what. */
const WRAPPERS: ReadonlySet<string> = new Set(
  (
    ". bash-static bpftrace builtin busybox bwrap chroot chrt command coproc doas emacs env eval exec expect find firejail " +
    "flock gdb gosu ionice ltrace nice nohup nsenter nvim parallel perf pkexec prlimit proot runcon runuser screen " +
    "script setarch setpriv setsid source ssh sshpass stdbuf strace su sudo systemd-run taskset tclsh time timeout " +
    "tmux toolbox torsocks unbuffer unshare valgrind vi vim watch wsl xargs"
  ).split(" "),
);

/** Programs that run a file, which is the first thing behind their name, or else code. */
const INTERPRETERS: ReadonlySet<string> = new Set(
  (
    "ash awk bash bun bunx csh dash deno fish gawk irb java julia ksh lua luajit mawk mksh node nodejs npx osascript " +
    "perl php pipx pnpx powershell pwsh pypy python r rbash rscript ruby sh tcsh ts-node tsx uvx zsh"
  ).split(" "),
);

/** Programs whose subcommand decides what they do. */
const NEEDS_SUBCOMMAND: ReadonlySet<string> = new Set(
  (
    "apt apt-get brew cargo conda dnf docker gcloud gh git go gradle helm hg jj kubectl mvn npm pip pip3 pnpm podman " +
    "poetry rm systemctl terraform uv yarn"
  ).split(" "),
);

/** Subcommands that run something else, which must be named too. */
const RUNNING_SUBCOMMANDS: ReadonlySet<string> = new Set("compose dlx exec run run-script runx tool x".split(" "));

/** Whether always allowing the prefix would allow nearly everything. */
export function isBroadPrefix(prefix: readonly string[]): boolean {
  const [program, ...args] = prefix;
  if (program === undefined || program === "") return true;
  // A file of the session's folder: in another folder, or tomorrow, it is another program.
  if (program.includes("/") && !posix.isAbsolute(program)) return true;
  const name = posix.basename(program).toLowerCase();
  const family = name.replace(/[0-9.]+$/, "");
  if (WRAPPERS.has(name) || WRAPPERS.has(family) || name.startsWith("ld-linux")) return true;
  const [first, second] = args;
  if (INTERPRETERS.has(name) || INTERPRETERS.has(family)) {
    const isModule = family === "python" && first === "-m";
    return first === undefined || (isModule ? second === undefined : first.startsWith("-"));
  }
  if (!NEEDS_SUBCOMMAND.has(name)) return false;
  // `git -C x`: options do not narrow anything.
  if (first === undefined || first.startsWith("-")) return true;
  return RUNNING_SUBCOMMANDS.has(first) && (second === undefined || second.startsWith("-"));
}

function readIfPresent(path: string): string {
  try {
    return readRulesFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw new CodexError("rules_file", `Cannot read "${path}": ${whyUnreadable(error)}`, { cause: error });
  }
}

function append(path: string, line: string): void {
  try {
    mkdirSync(join(path, ".."), { recursive: true });
    const fd = openSync(path, "a+", 0o600);
    try {
      appendWhole(fd, line);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new CodexError("rules_file", `Cannot add a rule to "${path}": ${osErrorText(error)}`, { cause: error });
  }
}

/** One write, taken back when only a part of it found room. */
function appendWhole(fd: number, line: string): void {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  const endsOpen = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  const bytes = Buffer.from(`${endsOpen ? "\n" : ""}${line}`, "utf8");
  const written = writeSync(fd, bytes);
  if (written === bytes.length) return;
  if (fstatSync(fd).size === size + written) ftruncateSync(fd, size);
  throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
}

/** A string literal in which every control character is spelled out in the one way all readers know. */
function quoted(word: string): string {
  const escaped = word.replace(/["\\]/g, "\\$&");
  return `"${escaped.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`;
}
