import { basename } from "node:path";

/** A patch found in a command that would do nothing but apply it. */
export type InterceptedPatch =
  /** `workdir` is the folder of a leading `cd`, as written, or null. */
  | { type: "apply"; patch: string; workdir: string | null }
  /** The command *is* a patch; the model forgot `apply_patch`. Running it could only fail. */
  | { type: "bare_patch" };

/** What a model is told that sent a patch as a command. */
export const BARE_PATCH_MESSAGE =
  'patch detected without explicit call to apply_patch. Rerun as ["apply_patch", "<patch>"]';

const COMMAND_NAMES: ReadonlySet<string> = new Set(["apply_patch", "applypatch"]);
const SHELLS: ReadonlySet<string> = new Set(["bash", "sh", "zsh"]);

/**
 * Recognises `apply_patch PATCH` as an argument list, and a shell script (`bash -lc SCRIPT`) that is one
 * here-document given to `apply_patch`, optionally after `cd DIR &&`. The whole script must have that
 * form and say without evaluation what it does: anything else, or anything before or after it, gives
 * null and is an ordinary command.
 */
export function interceptPatch(argv: readonly string[]): InterceptedPatch | null {
  const [program, second, third] = argv;
  if (program === undefined) return null;
  if (argv.length === 2 && second !== undefined && COMMAND_NAMES.has(program)) {
    return { type: "apply", patch: second, workdir: null };
  }
  if (argv.length === 1) return isBarePatch(program) ? { type: "bare_patch" } : null;
  if (argv.length !== 3 || third === undefined || !SHELLS.has(basename(program))) return null;
  return second === "-lc" || second === "-c" ? interceptScript(third) : null;
}

/** The same for a script alone, already known to go to a POSIX shell. */
export function interceptScript(script: string): InterceptedPatch | null {
  if (isBarePatch(script)) return { type: "bare_patch" };
  const start = HEREDOC_START.exec(script);
  const groups = start?.groups;
  if (start === null || groups === undefined) return null;
  const workdir = unquote(groups.dir);
  const delimiter = unquote(groups.delimiter);
  if (delimiter === undefined || delimiter === "") return null;
  if (groups.dir !== undefined && (workdir === undefined || workdir === "")) return null;
  const patch = heredocBody(script.slice(start[0].length), delimiter, groups.dash !== undefined);
  return patch === null ? null : { type: "apply", patch, workdir: workdir ?? null };
}

/**
 * A shell word whose value is its text: single quotes around anything, double quotes around text that the
 * shell leaves alone, or plain characters that mean nothing to it (so no `~`, no option, no pattern).
 */
const WORD = /'[^']*'|"[^"$`\\!]*"|[\p{L}\p{N}_./@%+:,=][\p{L}\p{N}_./@%+:,=-]*/u.source;
const DELIMITER = /'[^'\n]*'|"[^"$`\\!\n]*"|[A-Za-z0-9_]+/u.source;
const HEREDOC_START = new RegExp(
  `^\\s*(?:cd[ \\t]+(?<dir>${WORD})[ \\t]*&&\\s*)?` +
    `(?:apply_patch|applypatch)[ \\t]*<<(?<dash>-)?[ \\t]*(?<delimiter>${DELIMITER})[ \\t]*\\n`,
  "u",
);

function unquote(word: string | undefined): string | undefined {
  const quote = word?.[0];
  return quote === "'" || quote === '"' ? word?.slice(1, -1) : word;
}

/** The lines up to the delimiter, or null when the delimiter is missing or anything but blank follows it. */
function heredocBody(text: string, delimiter: string, stripTabs: boolean): string | null {
  const lines = text.split("\n").map((line) => (stripTabs ? line.replace(/^\t+/, "") : line));
  const end = lines.indexOf(delimiter);
  if (end === -1 || lines.slice(end + 1).some((line) => line.trim() !== "")) return null;
  return lines.slice(0, end).join("\n");
}

function isBarePatch(text: string): boolean {
  const trimmed = text.trim();
  return trimmed.startsWith("*** Begin Patch") && trimmed.endsWith("*** End Patch");
}
