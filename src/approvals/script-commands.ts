/**
 * The simple commands of a shell script that is plain: words, quotes and escaped characters, joined by `&&`, `||`,
 * `;`, `|` and line ends. Undefined for anything else (redirections, substitutions, variables, patterns, control
 * flow, assignments), because then the words do not say what runs.
 */
export function scriptCommands(script: string): string[][] | undefined {
  if (script.includes("\0")) return undefined;
  const commands: string[][] = [];
  let words: string[] = [];
  /** Whether a command must follow: after `&&`, `||` and `|`. */
  let open = false;
  let at = 0;
  for (;;) {
    at = skipBlank(script, at);
    const joint = /^(?:&&|\|\||[;|\n])/.exec(script.slice(at, at + 2))?.[0];
    if (joint === undefined && at < script.length) {
      const word = readWord(script, at);
      if (word === undefined) return undefined;
      words.push(word.text);
      at = word.end;
      continue;
    }
    if (words.length > 0) {
      if (!startsWithProgram(words)) return undefined;
      commands.push(words);
      words = [];
      open = joint !== undefined && joint !== ";" && joint !== "\n";
    } else if (joint === undefined ? open : joint !== "\n") {
      return undefined;
    }
    if (joint === undefined) return commands.length > 0 ? commands : undefined;
    at += joint.length;
  }
}

/** `[shell, -c|-lc, script]` of a known shell, or undefined. */
export function shellScript(argv: readonly string[]): string | undefined {
  const [program, option, script, ...rest] = argv;
  if (program === undefined || script === undefined || rest.length > 0) return undefined;
  const isShell = /(^|\/)(bash|zsh|sh)$/.test(program);
  return isShell && (option === "-c" || option === "-lc") ? script : undefined;
}

/** Skips spaces, continued lines and comments. */
function skipBlank(script: string, from: number): number {
  let at = from;
  for (;;) {
    const char = script.charAt(at);
    if (char === " " || char === "\t") at++;
    else if (char === "\\" && script.charAt(at + 1) === "\n") at += 2;
    else if (char === "#" && isWordStart(script, at)) {
      const end = script.indexOf("\n", at);
      at = end === -1 ? script.length : end;
    } else return at;
  }
}

/** Whether a word could start here: `a#b` has no comment, and neither has `a\` + line end + `#b`. */
function isWordStart(script: string, at: number): boolean {
  return at === 0 || (/[ \t\n;|&]/.test(script.charAt(at - 1)) && script.slice(at - 2, at) !== "\\\n");
}

const BARE = /[^\s'"\\`$<>&|;(){}*?[\]~#!^]+/y;
const SINGLE_QUOTED = /'([^']*)'/y;
const DOUBLE_QUOTED = /"([^"\\$`!]*)"/y;
/** A character that means itself after a backslash, in every shell. */
const ESCAPED = /\\([ -~])/y;

function readWord(script: string, start: number): { text: string; end: number } | undefined {
  let text = "";
  let at = start;
  while (at < script.length && !/[ \t\n;|&]/.test(script.charAt(at))) {
    if (script.startsWith("\\\n", at)) {
      at += 2;
      continue;
    }
    const piece = readPiece(script, at);
    if (piece === undefined) return undefined;
    text += piece.text;
    at = piece.end;
  }
  return at === start ? undefined : { text, end: at };
}

function readPiece(script: string, at: number): { text: string; end: number } | undefined {
  for (const pattern of [BARE, SINGLE_QUOTED, DOUBLE_QUOTED, ESCAPED]) {
    pattern.lastIndex = at;
    const found = pattern.exec(script);
    if (found !== null) return { text: found[1] ?? found[0], end: at + found[0].length };
  }
  return undefined;
}

/** Words with which something else than a command begins, and programs that are part of the shell's grammar. */
const RESERVED: ReadonlySet<string> = new Set(
  "if then elif else fi for while until do done case esac in function select time coproc end foreach repeat nocorrect noglob always".split(
    " ",
  ),
);

function startsWithProgram(command: readonly string[]): boolean {
  const [first] = command;
  return first !== undefined && !first.includes("=") && !RESERVED.has(first);
}
