import { mentionsDanger } from "#execpolicy/dangerous.ts";
import { isSystemProgram } from "#execpolicy/known-safe.ts";
import { isRestrictive, type RuleSet } from "#execpolicy/rules.ts";
import { isKnown, type Word } from "#execpolicy/words.ts";
import type { ScriptParser } from "./bash-grammar.ts";
import { scriptCommands, shellScript } from "./script-commands.ts";
import { wrappedCommands } from "./wrapped-commands.ts";

/** What is known of a command before it runs. */
export interface CommandReading {
  /** As the model gave it. */
  argv: readonly string[];
  /**
   * The commands with their exact words, when these are all there is: a plain script's, or the argv itself when it
   * is no script. Undefined when the words do not say what runs.
   */
  plain: readonly (readonly string[])[] | undefined;
  /** Every command that was seen, those that others start included, as far as its words are known. */
  seen: readonly (readonly Word[])[];
  /** Texts in which more commands may hide: scripts that could not be parsed. */
  unparsed: readonly string[];
}

export interface ReadOptions {
  /** Path of the user's shell, which is a shell wherever it lies. */
  ownShell?: string;
}

/**
 * Reads a command for `decide`. The parser is loaded only when the command is a script that is not plain and that
 * holds a word with which a restrictive rule or a dangerous command begins; otherwise its commands cannot matter.
 */
export async function readCommand(
  argv: readonly string[],
  rules: RuleSet,
  options: ReadOptions = {},
): Promise<CommandReading> {
  const quick = readWith(argv, undefined, options);
  if (quick.unparsed.length === 0 || !quick.unparsed.some((script) => mayMatter(script, rules))) return quick;
  const { loadScriptParser } = await import("./bash-grammar.ts");
  return readWith(argv, await loadScriptParser(), options);
}

/** The same with a parser at hand, or without one: then scripts that are not plain stay unparsed. */
export function readWith(
  argv: readonly string[],
  parse: ScriptParser | undefined,
  options: ReadOptions = {},
): CommandReading {
  const reader = new Reader(parse);
  const script = isShell(argv[0] ?? "", options.ownShell) ? shellScript(argv) : undefined;
  const plain = script === undefined ? [argv] : scriptCommands(script);
  if (plain !== undefined) for (const command of plain) reader.command(command, 0);
  else reader.script(script ?? "", 0);
  return { argv, plain, seen: reader.seen, unparsed: reader.unparsed };
}

/**
 * Whether a program called `bash` is one. A file of that name in the workspace runs what it likes, whatever the script
 * says: then the words are those of an unknown program.
 */
function isShell(program: string, ownShell: string | undefined): boolean {
  return !program.includes("/") || program === ownShell || isSystemProgram(program);
}

/** Commands inside commands beyond these bounds are left unparsed. */
const MAX_LAYERS = 12;
const MAX_COMMANDS = 2000;
/** The same for their words, which several commands may share. */
const MAX_WRAPPED_WORDS = 200_000;

class Reader {
  readonly seen: (readonly Word[])[] = [];
  readonly unparsed: string[] = [];
  readonly #parse: ScriptParser | undefined;
  #wrappedWords = 0;

  constructor(parse: ScriptParser | undefined) {
    this.#parse = parse;
  }

  command(words: readonly Word[], layer: number): void {
    if (layer > MAX_LAYERS || this.seen.length >= MAX_COMMANDS) {
      this.unparsed.push(words.filter(isKnown).join(" "));
      return;
    }
    this.seen.push(words);
    for (const wrapped of wrappedCommands(words)) {
      if (this.#wrappedWords > MAX_WRAPPED_WORDS) {
        this.unparsed.push(words.filter(isKnown).join(" "));
        return;
      }
      if (wrapped.type === "command") this.#wrappedWords += wrapped.words.length;
      if (wrapped.type === "script") this.script(wrapped.script, layer + 1);
      else this.command(wrapped.words, layer + 1);
    }
  }

  script(script: string, layer: number): void {
    const plain = scriptCommands(script);
    const parts = plain !== undefined || layer > MAX_LAYERS ? undefined : this.#parse?.(script);
    if (plain === undefined && parts?.complete !== true) this.unparsed.push(script);
    for (const command of plain ?? parts?.commands ?? []) this.command(command, layer);
    for (const inner of parts?.scripts ?? []) this.script(inner, layer + 1);
  }
}

/**
 * Whether a script could hold a command that a restrictive rule or the list of dangerous ones names. Quotes and
 * backslashes are taken out first, because they can stand inside a word; `$'…'` can spell anything.
 */
function mayMatter(script: string, rules: RuleSet): boolean {
  if (script.includes("$'") || rules.unreadable.length > 0) return true;
  const bare = bareText(script);
  if (bare.includes("rm")) return true;
  for (const [program, about] of rules.byProgram) {
    if (bare.includes(bareText(lastPart(program))) && about.some(isRestrictive)) return true;
  }
  return false;
}

/** A text without quotes, backslashes and continued lines. */
export function bareText(text: string): string {
  return text.replace(/\\\n|["'\\]/g, "");
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Whether an unparsed text may hold a dangerous command. */
export function hidesDanger(reading: CommandReading): boolean {
  return reading.unparsed.some(mentionsDanger);
}
