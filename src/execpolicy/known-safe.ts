import { posix } from "node:path";

/**
 * Whether a command only reads, so that it runs without asking under every approval policy. The words are exact:
 * nothing is left for a shell to expand. The list is that of Codex CLI 0.101, tightened where a listed program can
 * write after all (`uniq INPUT OUTPUT`) and for programs that are not the system's.
 */
export function isKnownSafe(words: readonly string[], place: Place = { isOwnFolder: true }): boolean {
  const [program, ...args] = words;
  if (program === undefined) return false;
  const name = systemProgram(program);
  if (name === undefined || (name === "git" && !place.isOwnFolder)) return false;
  if (ALWAYS.has(name)) return true;
  if (name === "numfmt" || name === "tac") return process.platform === "linux";
  return CONDITIONAL[name]?.(args) ?? false;
}

/** Where a command runs. */
export interface Place {
  /** The folder the user started the session in; a folder below it may hold a repository that came with the files. */
  isOwnFolder: boolean;
}

const SYSTEM_FOLDERS: ReadonlySet<string> = new Set(["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]);

/** Whether a path leads to where only the system's programs are. */
export function isSystemProgram(path: string): boolean {
  return SYSTEM_FOLDERS.has(posix.dirname(path));
}

/** The name of a program found on PATH or in a system folder; `./ls` may be anything. */
function systemProgram(program: string): string | undefined {
  if (!program.includes("/")) return program;
  return isSystemProgram(program) ? posix.basename(program) : undefined;
}

const ALWAYS: ReadonlySet<string> = new Set(
  "cat cd cut echo expr false grep head id ls nl paste pwd rev seq stat tail tr true uname wc which whoami".split(" "),
);

type Condition = (args: readonly string[]) => boolean;

const CONDITIONAL: Readonly<Record<string, Condition>> = {
  __proto__: null as never,
  base64: (args) => !args.some((arg) => arg.startsWith("--o") || /^-[^-]*o/.test(arg)),
  find: (args) => !args.some((arg) => FIND_ACTIONS.has(arg)),
  git: isReadingGit,
  rg: (args) => !args.some(isUnsafeRipgrepOption),
  sed: isPrintingSed,
  uniq: (args) => operandCount(args) <= 1,
};

/** A lone `-` is one, and so is everything behind `--`. Values of options count too, which is on the safe side. */
function operandCount(args: readonly string[]): number {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  return options.filter((arg) => arg === "-" || !arg.startsWith("-")).length + (end === -1 ? 0 : args.length - end - 1);
}

const FIND_ACTIONS: ReadonlySet<string> = new Set(
  "-exec -execdir -ok -okdir -delete -fls -fprint -fprint0 -fprintf".split(" "),
);

function isUnsafeRipgrepOption(arg: string): boolean {
  const name = arg.split("=", 1)[0] ?? "";
  if (name === "--pre" || name === "--hostname-bin" || name === "--search-zip") return true;
  if (!arg.startsWith("-") || arg.startsWith("--")) return false;
  // In a cluster like -nz the letters after one that takes a value are that value.
  const flags = /^-([^ABCEMTdefgjmrt]*)/.exec(arg)?.[1] ?? "";
  return flags.includes("z");
}

/** `sed -n Np` and `sed -n N,Mp`, with one file or none. */
function isPrintingSed(args: readonly string[]): boolean {
  const [quiet, script, file, ...rest] = args;
  if (quiet !== "-n" || script === undefined || rest.length > 0 || file?.startsWith("-")) return false;
  return /^[0-9]+(,[0-9]+)?p$/.test(script);
}

const READING_COMMANDS: ReadonlySet<string> = new Set(["status", "log", "diff", "show"]);
const BRANCH_LISTING: ReadonlySet<string> = new Set(
  "--list -l --show-current -a --all -r --remotes -v -vv --verbose".split(" "),
);
/** Options that write a file or run a program; git also understands their beginnings. */
const GIT_UNSAFE = ["--output", "--ext-diff", "--textconv", "--exec", "--paginate"];

/** Not with `-C`: another repository's configuration may name programs to run (`core.fsmonitor`). */
function isReadingGit(args: readonly string[]): boolean {
  const [command, ...rest] = args[0] === "--no-pager" ? args.slice(1) : args;
  if (command === "branch") {
    return rest.every((arg) => BRANCH_LISTING.has(arg) || arg.startsWith("--format="));
  }
  return command !== undefined && READING_COMMANDS.has(command) && !rest.some(isUnsafeGitOption);
}

function isUnsafeGitOption(arg: string): boolean {
  const name = arg.split("=", 1)[0] ?? "";
  if (!name.startsWith("--") || name === "--" || name === "--text") return false;
  return GIT_UNSAFE.some((option) => option.startsWith(name) || name === option) || name === "--config-env";
}
