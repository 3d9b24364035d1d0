import { posix } from "node:path";
import { isKnown, type Word } from "#execpolicy/words.ts";

/** What a command runs besides itself: another command, or a script for a shell. */
export type Wrapped = { type: "command"; words: readonly Word[] } | { type: "script"; script: string };

/**
 * The commands that a command such as `sudo`, `env`, `xargs` or `bash -c` starts. Only one layer: ask again for
 * what comes out. For unusual options it may name a command that is not one; it is used to find what must not run,
 * never to allow. One after the other, since each action of a `find` may be all words behind it.
 */
export function wrappedCommands(words: readonly Word[]): Iterable<Wrapped> {
  const [program, ...args] = words;
  if (program === undefined || !isKnown(program)) return [];
  const name = posix.basename(program);
  if (SHELLS.has(name)) return shellScripts(args);
  // Where the grammar takes a word of the shell's own language for a program, the program follows.
  if (KEYWORDS.has(name)) return commandAt(afterOptions(args, []));
  if (name === "eval") return [scriptOf(args)];
  if (name === "trap") return args.slice(0, 1).map((word) => scriptOf([word]));
  if (name === "find") return findActions(args);
  if (name === "env") return envCommand(args);
  const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
  if (wrapper === undefined) return [];
  const inner = withoutBrace(afterOptions(args, wrapper.valued).slice(wrapper.operands ?? 0));
  return inner.length > 0 && wrapper.addsWords === true ? commandAt([...inner, ANY_WORDS]) : commandAt(inner);
}

function commandAt(words: readonly Word[]): Wrapped[] {
  return words.length === 0 ? [] : [{ type: "command", words }];
}

const SHELLS: ReadonlySet<string> = new Set(["ash", "bash", "dash", "ksh", "mksh", "rbash", "sh", "zsh"]);

const KEYWORDS: ReadonlySet<string> = new Set(["!", "{", "}", "do", "elif", "else", "if", "then", "until", "while"]);

/** Words that come from somewhere else, any number of them. */
const ANY_WORDS: Word = { prefix: "", suffix: "", many: true };

interface Wrapper {
  /** Letters and long names of the options that take the next word as their value. */
  valued: readonly string[];
  /** Words between the options and the command. */
  operands?: number;
  /** Whether words from elsewhere follow the command. */
  addsWords?: boolean;
}

const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  builtin: { valued: [] },
  chroot: { valued: [], operands: 1 },
  command: { valued: [] },
  coproc: { valued: [] },
  doas: { valued: ["C", "u"] },
  exec: { valued: ["a"] },
  flock: { valued: ["w", "E", "--wait", "--timeout", "--conflict-exit-code"], operands: 1 },
  ionice: { valued: ["c", "n", "--class", "--classdata"] },
  nice: { valued: ["n", "--adjustment"] },
  nocorrect: { valued: [] },
  noglob: { valued: [] },
  nohup: { valued: [] },
  parallel: { valued: ["j", "--jobs"], addsWords: true },
  setsid: { valued: [] },
  stdbuf: { valued: ["i", "o", "e", "--input", "--output", "--error"] },
  sudo: {
    valued: "C D g h p R r t T U u --chdir --close-from --chroot --group --host --prompt --role --type --user".split(
      " ",
    ),
  },
  time: { valued: ["f", "o", "--format", "--output"] },
  timeout: { valued: ["k", "s", "--kill-after", "--signal"], operands: 1 },
  unbuffer: { valued: [] },
  watch: { valued: ["n", "--interval"] },
  xargs: {
    valued: "a d E I L n P s --arg-file --delimiter --max-args --max-chars --max-lines --max-procs --replace".split(
      " ",
    ),
    addsWords: true,
  },
};

/** `coproc NAME { command; }` looks like a command of these words. */
function withoutBrace(words: readonly Word[]): readonly Word[] {
  const brace = words.slice(0, 2).indexOf("{");
  return brace === -1 ? words : words.slice(brace + 1);
}

/** What follows the options and the assignments in front (`sudo A=1 command`). */
function afterOptions(args: readonly Word[], valued: readonly string[]): readonly Word[] {
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at];
    if (word === undefined) break;
    if (!isKnown(word)) {
      if (word.prefix.startsWith("-")) continue;
      break;
    }
    if (word === "--") return args.slice(at + 1);
    if (/^[A-Za-z_]\w*=/.test(word)) continue;
    if (!word.startsWith("-") || word === "-") break;
    if (takesNext(word, valued)) at++;
  }
  return args.slice(at);
}

function takesNext(option: string, valued: readonly string[]): boolean {
  if (option.startsWith("--")) return valued.includes(option);
  // `-u root` takes the next word, `-uroot` and `-n5` hold their value themselves.
  return valued.includes(option.slice(-1)) && ![...option.slice(1, -1)].some((letter) => valued.includes(letter));
}

function shellScripts(args: readonly Word[]): Wrapped[] {
  for (const [at, word] of args.entries()) {
    if (!isKnown(word) || !/^[-+]/.test(word)) return [];
    if (/^-[a-zA-Z]*c[a-zA-Z]*$/.test(word)) {
      const rest = args.slice(at + 1);
      const script = rest.find((next) => !isKnown(next) || !/^[-+]/.test(next));
      return script === undefined ? [] : [scriptOf([script])];
    }
  }
  return [];
}

/** A script given as words; what is not known of it becomes a variable again. */
function scriptOf(words: readonly Word[]): Wrapped {
  const text = words.map((word) => (isKnown(word) ? word : `${word.prefix}$UNKNOWN${word.suffix}`)).join(" ");
  return { type: "script", script: text };
}

function envCommand(args: readonly Word[]): Wrapped[] {
  for (const [at, word] of args.entries()) {
    if (!isKnown(word)) break;
    const split = /^(?:-[a-zA-Z0]*S|--split-string=?)(.*)$/s.exec(word);
    if (split === null) continue;
    const rest = args.slice(at + 1);
    return [scriptOf(split[1] === "" ? rest : [split[1] ?? "", ...rest])];
  }
  return commandAt(afterOptions(args, ["u", "C", "--unset", "--chdir"]));
}

function* findActions(args: readonly Word[]): Generator<Wrapped> {
  for (const [at, word] of args.entries()) {
    if (!isKnown(word) || !/^-(exec|execdir|ok|okdir)$/.test(word)) continue;
    let end = at + 1;
    while (end < args.length && args[end] !== ";" && args[end] !== "+") end++;
    yield { type: "command", words: args.slice(at + 1, end).map(filled) };
  }
}

/** `{}` stands for a path that find puts in. */
function filled(word: Word): Word {
  return isKnown(word) && word.includes("{}") ? { prefix: "", suffix: "", many: false } : word;
}
