/**
 * The simple commands of a shell script that is plain: words and quotes, joined by `&&`, `||`, `;`, `|` and
 * newlines. Undefined for anything else (redirections, substitutions, variables, globs, control flow,
 * assignments), because then the words do not say what runs.
 */
export function scriptCommands(script: string): string[][] | undefined {
  const commands: string[][] = [[]];
  let at = 0;
  while (at < script.length) {
    const blank = /^[ \t]+/.exec(script.slice(at))?.[0].length ?? 0;
    at += blank;
    if (at >= script.length) break;
    const joint = /^(&&|\|\||[;|\n])/.exec(script.slice(at))?.[0];
    if (joint !== undefined) {
      if (commands.at(-1)?.length === 0) return undefined;
      commands.push([]);
      at += joint.length;
      continue;
    }
    const word = readWord(script, at);
    if (word === undefined) return undefined;
    commands.at(-1)?.push(word.text);
    at = word.end;
  }
  if (commands.at(-1)?.length === 0) commands.pop();
  return commands.every(startsWithProgram) && commands.length > 0 ? commands : undefined;
}

/** `[shell, -c|-lc, script]` of a known shell, or undefined. */
export function shellScript(argv: readonly string[]): string | undefined {
  const [program, option, script, ...rest] = argv;
  if (program === undefined || script === undefined || rest.length > 0) return undefined;
  const isShell = /(^|\/)(bash|zsh|sh)$/.test(program);
  return isShell && (option === "-c" || option === "-lc") ? script : undefined;
}

const BARE = /^[^\s'"\\`$<>&|;(){}*?[\]~#!]+/;

function readWord(script: string, start: number): { text: string; end: number } | undefined {
  let text = "";
  let at = start;
  while (at < script.length && !/[ \t\n;|&]/.test(script.charAt(at))) {
    const piece = readPiece(script, at);
    if (piece === undefined) return undefined;
    text += piece.text;
    at = piece.end;
  }
  return at === start ? undefined : { text, end: at };
}

function readPiece(script: string, at: number): { text: string; end: number } | undefined {
  const rest = script.slice(at);
  const quoted = /^'([^']*)'|^"([^"\\$`!]*)"/.exec(rest);
  if (quoted !== null) return { text: quoted[1] ?? quoted[2] ?? "", end: at + quoted[0].length };
  const bare = BARE.exec(rest)?.[0];
  return bare === undefined ? undefined : { text: bare, end: at + bare.length };
}

const RESERVED: ReadonlySet<string> = new Set(
  "if then elif else fi for while until do done case esac in function select time coproc".split(" "),
);

function startsWithProgram(command: readonly string[]): boolean {
  const [first] = command;
  return first !== undefined && !first.includes("=") && !RESERVED.has(first);
}
