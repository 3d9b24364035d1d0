import { shellJoin } from "#lib/shell-join.ts";
import { commandPurpose, type ParsedCommand, shortPath } from "./command-words.ts";
import { type PlainCommand, plainCommands } from "./plain-script.ts";

/**
 * What a command is for, in the order things happen, for people who watch: never empty apart from commands that only
 * change the folder. `script` is the shell script that the words hold, if they do. What is not understood is one
 * "unknown" with its whole text.
 *
 * Only a hint: helpers that format (`| head`) are left out, whatever else they may do. To decide about a command, read
 * the command.
 */
export function parsedCommand(argv: readonly string[], script: string | undefined): ParsedCommand[] {
  return script === undefined ? fromWords(argv) : fromScript(script);
}

function fromScript(script: string): ParsedCommand[] {
  const commands = plainCommands(script);
  if (commands === undefined) return [{ type: "unknown", cmd: script }];
  const kept = commands.filter(({ words }) => !isFormatting(words));
  if (kept.length === 0) return [{ type: "unknown", cmd: script }];
  const parsed = purposes(kept.map(({ words }) => words));
  const [only, another] = parsed;
  const isExcerpt = only?.type === "read" && another === undefined && picksLines(commands);
  return isExcerpt ? [{ ...only, cmd: script }] : parsed;
}

/** In `nl FILE | sed -n 1,20p` the second half says which lines: the whole text is worth showing. */
function picksLines(commands: readonly PlainCommand[]): boolean {
  return commands.some(({ isPiped }) => isPiped) && commands.some(({ words: [a, b] }) => a === "sed" && b === "-n");
}

const JOINTS: ReadonlySet<string> = new Set(["&&", "||", "|", ";"]);

/** Words that were not given as a script, though they may be meant as one. */
function fromWords(argv: readonly string[]): ParsedCommand[] {
  const isConfirmed = /^(?:yes|y|no|n)$/.test(argv[0] ?? "") && argv[1] === "|";
  const commands: string[][] = [[]];
  for (const word of isConfirmed ? argv.slice(2) : argv) {
    if (JOINTS.has(word)) commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return purposes(commands.filter((words) => words.length > 0));
}

/** `cd` shows in the paths of what is read behind it. */
function purposes(commands: readonly (readonly string[])[]): ParsedCommand[] {
  const parsed: { words: readonly string[]; purpose: ParsedCommand }[] = [];
  let folder = "";
  for (const words of commands) {
    if (words[0] === "cd") folder = below(folder, cdTarget(words));
    else parsed.push({ words, purpose: inFolder(words, folder) });
  }
  return withoutRepeats(withoutNoise(parsed).map(({ purpose }) => purpose));
}

function inFolder(words: readonly string[], folder: string): ParsedCommand {
  const cmd = shellJoin(words);
  const purpose = commandPurpose(words);
  switch (purpose.type) {
    case "read":
      return { type: "read", cmd, name: shortPath(purpose.path), path: below(folder, purpose.path) };
    case "list_files":
      return { type: "list_files", cmd, path: purpose.path };
    case "search":
      return { type: "search", cmd, query: purpose.query, path: purpose.path };
    case "unknown":
      return { type: "unknown", cmd };
  }
}

function cdTarget(words: readonly string[]): string {
  return words.findLast((word, at) => at > 0 && !word.startsWith("-")) ?? "";
}

/** Joined as written: nothing is resolved. */
function below(folder: string, path: string): string {
  if (folder === "" || path.startsWith("/")) return path;
  if (path === "") return folder;
  return folder.endsWith("/") ? folder + path : `${folder}/${path}`;
}

interface Part {
  words: readonly string[];
  purpose: ParsedCommand;
}

/** Without what is only there for the shell or for the reader, as long as something is left. */
function withoutNoise(parts: readonly Part[]): readonly Part[] {
  if (parts.length < 2) return parts;
  const told = parts.filter(({ words }) => !(words[0] === "true" && words.length === 1) && !isNumbering(words));
  const first = told.findIndex(({ words }) => words[0] !== "echo");
  return told.slice(first === -1 ? Math.max(0, told.length - 1) : first);
}

/** `nl` of what comes through a pipe. */
function isNumbering([program, ...args]: readonly string[]): boolean {
  return program === "nl" && args.every((arg) => arg.startsWith("-"));
}

function withoutRepeats(parsed: readonly ParsedCommand[]): ParsedCommand[] {
  return parsed.filter((purpose, at) => at === 0 || !Bun.deepEquals(purpose, parsed[at - 1]));
}

const FORMATTING: ReadonlySet<string> = new Set("wc tr cut sort uniq tee column yes printf".split(" "));

/** Whether a command only shapes what others write. */
function isFormatting(words: readonly string[]): boolean {
  const [program = "", ...args] = words;
  if (FORMATTING.has(program)) return true;
  switch (program) {
    case "head":
      return onlyCounts(args, /^\d+$/);
    case "tail":
      return onlyCounts(args, /^\+?\d+$/);
    case "sed":
    case "awk":
      return commandPurpose(words).type !== "read";
    case "xargs":
      return !editsFiles(args);
    default:
      return false;
  }
}

function onlyCounts([option, value, ...rest]: readonly string[], count: RegExp): boolean {
  if (option === undefined) return true;
  if (value === undefined) return option.startsWith("-");
  return rest.length === 0 && (option === "-n" || option === "-c") && count.test(value);
}

const XARGS_VALUES: ReadonlySet<string> = new Set("-a -d -E -I -L -n -P -s".split(" "));

/** Whether `xargs` runs an editor that works in place. */
function editsFiles(args: readonly string[]): boolean {
  let at = 0;
  while (args[at]?.startsWith("-")) at += XARGS_VALUES.has(args[at] ?? "") ? 2 : 1;
  const [program, ...rest] = args.slice(at);
  switch (program) {
    case "sed":
      return rest.some((arg) => arg.startsWith("-i") || arg.startsWith("--in-place"));
    case "perl":
    case "ruby":
      return rest.some((arg) => arg.startsWith("-i") || arg.startsWith("-pi"));
    case "rg":
      return rest.includes("--replace");
    default:
      return false;
  }
}
