import { readPiece } from "./shell-words.ts";

/** A command of a script, with what joins it to the one before. */
export interface PlainCommand {
  words: readonly string[];
  /** Whether it reads what the command before writes. */
  isPiped: boolean;
}

/**
 * The commands of a shell script for showing it to people: words, quotes and patterns, joined by `&&`, `||`, `;`, `|`
 * and line ends. Quotes and escapes are undone; patterns and `~` stay as written. Undefined for anything else
 * (redirections, substitutions, variables, control flow, assignments, comments), as in Codex CLI 0.101. What may run is
 * decided elsewhere, and more strictly.
 */
export function plainCommands(script: string): PlainCommand[] | undefined {
  const commands: PlainCommand[] = [];
  let words: string[] = [];
  let isPiped = false;
  /** Whether a command must follow: after `&&`, `||` and `|`. */
  let open = false;
  let at = 0;
  for (;;) {
    at = skipBlank(script, at);
    const joint = JOINT.exec(script.slice(at, at + 2))?.[0];
    if (joint === undefined && at < script.length) {
      const word = readWord(script, at, words.length === 0);
      if (word === undefined) return undefined;
      words.push(word.text);
      at = word.end;
      continue;
    }
    if (words.length > 0) {
      commands.push({ words, isPiped });
      words = [];
      isPiped = joint === "|";
      open = joint !== undefined && joint !== ";" && joint !== "\n";
    } else if (joint === undefined ? open : joint !== "\n") {
      return undefined;
    }
    if (joint === undefined) return commands.length > 0 ? commands : undefined;
    at += joint.length;
  }
}

const JOINT = /^(?:&&|\|\||[;|\n])/;

function skipBlank(script: string, from: number): number {
  let at = from;
  for (;;) {
    if (/[ \t\r]/.test(script.charAt(at))) at++;
    else if (script.startsWith("\\\n", at)) at += 2;
    else return at;
  }
}

/** What ends a word, and what no plain word holds. */
const END = /[ \t\r\n;|&]/;
const SPECIAL = /[$`<>()]/;
/** Grammar, not programs; and commands whose words are assignments. */
const RESERVED: ReadonlySet<string> = new Set(
  "if then elif else fi for while until do done case esac function select coproc { } ! [ [[ export declare typeset readonly local unset".split(
    " ",
  ),
);

function readWord(script: string, start: number, isProgram: boolean): { text: string; end: number } | undefined {
  if (script.charAt(start) === "#") return undefined;
  let text = "";
  let at = start;
  while (at < script.length && !END.test(script.charAt(at))) {
    const char = script.charAt(at);
    if (SPECIAL.test(char)) return undefined;
    const piece = readPiece(script, at);
    if (piece === undefined || (char === '"' && expands(script.slice(at, piece.end)))) return undefined;
    text += piece.text;
    at = piece.end;
  }
  if (at === start || (isProgram && !isProgramName(text, script.slice(start, at)))) return undefined;
  return { text, end: at };
}

/** Whether a double-quoted piece holds something that is only known when it runs. */
function expands(quoted: string): boolean {
  return /[$`]/.test(quoted.replace(/\\./gs, ""));
}

function isProgramName(text: string, source: string): boolean {
  return !/['"\\]/.test(source) && !RESERVED.has(text) && !/^\w+\+?=/.test(text);
}
