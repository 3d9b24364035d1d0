/** What one command does, as far as its words say it. `path` of a list or search is short, for showing. */
export type ParsedCommand =
  | { type: "read"; cmd: string; name: string; path: string }
  | { type: "list_files"; cmd: string; path: string | null }
  | { type: "search"; cmd: string; query: string | null; path: string | null }
  | { type: "unknown"; cmd: string };

/** The same without the text of the command. */
export type CommandPurpose =
  | { type: "read"; path: string }
  | { type: "list_files"; path: string | null }
  | { type: "search"; query: string | null; path: string | null }
  | { type: "unknown" };

/**
 * What a command does, by its exact words. The programs and the options that take a value are those Codex CLI 0.101
 * knows; an option it does not know leaves its value among the operands.
 */
export function commandPurpose([program = "", ...args]: readonly string[]): CommandPurpose {
  if (PYTHON.test(program)) return pythonPurpose(args);
  return Object.hasOwn(PROGRAMS, program) ? (PROGRAMS[program]?.(args) ?? UNKNOWN) : UNKNOWN;
}

const UNKNOWN = { type: "unknown" } as const;

type Purpose = (args: readonly string[]) => CommandPurpose;

const GREP_VALUES = words("-A -B -C --context --after-context --before-context -m --max-count");
const GREP_PATTERNS = words("-e --regexp -f --file");
const RIPGREP_VALUES = words(
  "-g --glob --iglob -t --type --type-add --type-not -m --max-count -A -B -C --context --max-depth",
);

const silverSearcher = searching(words("-G -g --file-search-regex --ignore-dir"));
const bat = readsOne(words("--theme --language --style --terminal-width --tabs --line-range --map-syntax"));
const eza = listing(words("-I --ignore-glob --color --sort --time-style --time"));

const PROGRAMS: Readonly<Record<string, Purpose>> = {
  __proto__: null as never,
  cat: readsOne(new Set()),
  more: readsOne(new Set()),
  bat,
  batcat: bat,
  less: readsOne(words("-p -P -x -y -z -j --pattern --prompt --tabs --shift --jump-target")),
  head: (args) => linesOf(args, /^\d*$/),
  tail: (args) => linesOf(args, /^\+?\d+$/),
  nl: (args) => reads(operands(args, words("-s -w -v -i -b"))[0]),
  awk: awkPurpose,
  sed: sedPurpose,
  ls: listing(words("-I -w --block-size --format --time-style --color --quoting-style")),
  eza,
  exa: eza,
  tree: listing(words("-L -P -I --charset --filelimit --sort")),
  du: listing(words("-d --max-depth -B --block-size --exclude --time-style")),
  rg: ripgrepPurpose,
  rga: ripgrepPurpose,
  "ripgrep-all": ripgrepPurpose,
  grep: grepPurpose,
  egrep: grepPurpose,
  fgrep: grepPurpose,
  ag: silverSearcher,
  ack: silverSearcher,
  pt: silverSearcher,
  fd: fdPurpose,
  find: findPurpose,
  git: gitPurpose,
};

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

/** The arguments that are no options and no values of them; behind `--` all. */
function operands(args: readonly string[], valued: ReadonlySet<string>): string[] {
  const end = args.indexOf("--");
  const rest = end === -1 ? [] : args.slice(end + 1);
  return [...plainArguments(end === -1 ? args : args.slice(0, end), valued), ...rest];
}

/** The same for programs whose `--` is not heeded. */
function plainArguments(args: readonly string[], valued: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (valued.has(arg)) at++;
    else if (!arg.startsWith("-")) found.push(arg);
  }
  return found;
}

function reads(path: string | undefined): CommandPurpose {
  return path === undefined ? UNKNOWN : { type: "read", path };
}

function readsOne(valued: ReadonlySet<string>): Purpose {
  return (args) => {
    const [path, another] = operands(args, valued);
    return another === undefined ? reads(path) : UNKNOWN;
  };
}

function listing(valued: ReadonlySet<string>): Purpose {
  return (args) => lists(operands(args, valued)[0]);
}

function lists(path: string | undefined): CommandPurpose {
  return { type: "list_files", path: path === undefined ? null : shortPath(path) };
}

function searching(valued: ReadonlySet<string>): Purpose {
  return (args) => searches(plainArguments(args, valued));
}

function searches([query, path]: readonly string[]): CommandPurpose {
  return { type: "search", query: query ?? null, path: path === undefined ? null : shortPath(path) };
}

/** `head FILE`, `head -n 5 FILE`, `head -n5 FILE`. */
function linesOf([first, ...rest]: readonly string[], count: RegExp): CommandPurpose {
  if (first === undefined) return UNKNOWN;
  if (!first.startsWith("-")) return rest.length === 0 ? reads(first) : UNKNOWN;
  if (!first.startsWith("-n")) return UNKNOWN;
  const number = first === "-n" ? (rest[0] ?? "") : first.slice(2);
  if (!count.test(number)) return UNKNOWN;
  return reads((first === "-n" ? rest.slice(1) : rest).find((arg) => !arg.startsWith("-")));
}

function awkPurpose(args: readonly string[]): CommandPurpose {
  const [first, second] = operands(args, words("-F -v -f --field-separator --assign --file"));
  return reads(args.includes("-f") || args.includes("--file") ? first : second);
}

const LINE_RANGE = /^\d+(?:,\d+)?p$/;

/** `sed -n 1,20p FILE`. */
function sedPurpose(args: readonly string[]): CommandPurpose {
  if (!args.includes("-n") || !args.some((arg) => LINE_RANGE.test(arg))) return UNKNOWN;
  const operand = operands(args, words("-e --expression -f --file")).find((arg) => !LINE_RANGE.test(arg));
  return operand === "-" ? UNKNOWN : reads(operand);
}

function ripgrepPurpose(args: readonly string[]): CommandPurpose {
  const found = plainArguments(args, RIPGREP_VALUES);
  return args.includes("--files") ? lists(found[0]) : searches(found);
}

function grepPurpose(args: readonly string[]): CommandPurpose {
  const end = args.indexOf("--");
  const option = args.findIndex((arg, at) => GREP_PATTERNS.has(arg) && (end === -1 || at < end));
  const pattern = option === -1 ? undefined : args[option + 1];
  const found = operands(args, new Set([...GREP_VALUES, ...GREP_PATTERNS]));
  return searches(pattern === undefined ? found : [pattern, ...found]);
}

/** A lone argument is a pattern, unless it looks like a path. */
function fdPurpose(args: readonly string[]): CommandPurpose {
  const found = plainArguments(args, words("-t --type -e --extension -E --exclude --search-path"));
  const [first, second] = found;
  const isPath = first !== undefined && (first === "." || first === ".." || first.includes("/"));
  return first === undefined || (second === undefined && isPath) ? lists(first) : searches(found);
}

function findPurpose(args: readonly string[]): CommandPurpose {
  const path = args.find((arg) => !arg.startsWith("-") && !/^[!()]$/.test(arg));
  const test = args.findIndex((arg) => /^-(?:i?name|path|regex)$/.test(arg));
  const query = test === -1 ? undefined : args[test + 1];
  if (query === undefined) return lists(path);
  return searches(path === undefined ? [query] : [query, path]);
}

function gitPurpose([command, ...args]: readonly string[]): CommandPurpose {
  if (command === "grep") return grepPurpose(args);
  if (command === "ls-files") return lists(operands(args, words("--exclude --exclude-from"))[0]);
  return UNKNOWN;
}

const PYTHON = /^python(?:\d+(?:\.\d+)*)?$/;
const LISTS_IN_PYTHON = ["os.listdir", "os.walk", "os.scandir", "glob.glob", "glob.iglob", "pathlib.Path", ".rglob("];

/** A script on the command line that looks at folders. */
function pythonPurpose(args: readonly string[]): CommandPurpose {
  const option = args.indexOf("-c");
  const script = option === -1 ? "" : (args[option + 1] ?? "");
  return LISTS_IN_PYTHON.some((call) => script.includes(call)) ? lists(undefined) : UNKNOWN;
}

const PLAIN_FOLDERS = words("build dist node_modules src");

/** The part of a path that says most: the last one that is no folder every project has. */
export function shortPath(path: string): string {
  const slashed = path.replaceAll("\\", "/");
  let end = slashed.length;
  while (end > 0 && slashed[end - 1] === "/") end--;
  const whole = slashed.slice(0, end);
  return whole.split("/").findLast((part) => part !== "" && !PLAIN_FOLDERS.has(part)) ?? whole;
}
