import { readFileSync } from "node:fs";
import bashWasm from "tree-sitter-bash/tree-sitter-bash.wasm" with { type: "file" };
import { Language, type Node, Parser } from "web-tree-sitter";
import runtimeWasm from "web-tree-sitter/web-tree-sitter.wasm" with { type: "file" };
import { isKnown, type Word } from "#execpolicy/words.ts";
import { endWithout, expandsBraces, joinWords, quotedText, unescaped } from "./bash-words.ts";

/** What a script is seen to run. */
export interface ScriptParts {
  /** Every simple command, wherever it stands: in a condition, a function, a substitution, a pipe. */
  commands: readonly (readonly Word[])[];
  /** Texts that are scripts themselves: inside nested backquotes, and what a shell reads from a here-document. */
  scripts: readonly string[];
  /** False when the grammar could not make sense of a part, where more commands may hide. */
  complete: boolean;
}

/** Cuts a shell script into commands. */
export type ScriptParser = (script: string) => ScriptParts;

let loading: Promise<ScriptParser> | undefined;

/** The parser, loaded at its first use (some 50 ms). */
export function loadScriptParser(): Promise<ScriptParser> {
  loading ??= load();
  return loading;
}

async function load(): Promise<ScriptParser> {
  await Parser.init({ wasmBinary: readFileSync(runtimeWasm) });
  const parser = new Parser();
  parser.setLanguage(await Language.load(readFileSync(bashWasm)));
  return (script) => parseScript(parser, script);
}

function parseScript(parser: Parser, script: string): ScriptParts {
  // A continued line is no line end to the shell, even inside a word, but it is to the grammar.
  const tree = parser.parse(script.replaceAll("\\\n", ""));
  if (tree === null) return { commands: [], scripts: [], complete: false };
  try {
    const root = tree.rootNode;
    const statements = root.descendantsOfType("redirected_statement");
    const extra = wordsBehindRedirections(statements);
    const commands = root.descendantsOfType(COMMANDS).map((node) => ({ node, words: commandWords(node, extra) }));
    const nested = root.descendantsOfType("command_substitution").map(backquotedScript);
    const around = redirectionsAround(statements);
    const fed = commands.flatMap(({ node, words }) =>
      words.some(isShellName) ? scriptsFedTo([...node.children, ...(around.get(node.id) ?? [])]) : [],
    );
    return {
      commands: commands.map(({ words }) => words),
      scripts: [...nested.filter((text) => text !== undefined), ...fed],
      complete: !root.hasError && !hasTornDocument(root) && !hasReservedName(root),
    };
  } finally {
    tree.delete();
  }
}

/** Words that begin, join or end compound commands; no command of such a name can be called without quoting it. */
const RESERVED: ReadonlySet<string> = new Set(
  "if then elif else fi for while until do done case esac select function coproc in { } ! [[ ]]".split(" "),
);

/** The grammar takes what follows `!` for a simple command, and so tears `! for …; do …; done` apart. */
function hasReservedName(root: Node): boolean {
  return root.descendantsOfType("command_name").some((name) => RESERVED.has(name.text));
}

/** The grammar loses its way in some here-documents and takes their lines for one word. */
function hasTornDocument(root: Node): boolean {
  if (!root.text.includes("<<")) return false;
  if (root.descendantsOfType("word").some((word) => word.text.includes("\n"))) return true;
  return root.descendantsOfType("heredoc_redirect").some(holdsItsMark);
}

/**
 * To the shell a here-document ends at the first line that is its mark, also within a substitution in it, which the
 * grammar reads to its end first: what follows would be run and not be seen.
 */
function holdsItsMark(redirection: Node): boolean {
  const { mark, bodies } = hereDocument(redirection);
  const line = mark.replace(QUOTES, "");
  return bodies.some((body) => body.split("\n").some((each) => each.replace(/^\t+/, "") === line));
}

/** The mark as it is written, and the text. */
function hereDocument(redirection: Node): { mark: string; bodies: string[] } {
  const textsOf = (type: string) => redirection.children.filter((child) => child.type === type).map(({ text }) => text);
  return { mark: textsOf("heredoc_start")[0] ?? "", bodies: textsOf("heredoc_body") };
}

/** One of them anywhere in a mark makes the document verbatim; they are no part of the line that ends it. */
const QUOTES = /['"\\]/g;

const COMMANDS = ["command", "declaration_command", "unset_command"];

/** The words of a command, without assignments in front and without redirections. */
function commandWords(command: Node, extra: ReadonlyMap<number, Word[]>): Word[] {
  const words = command.children.flatMap((child) => {
    if (child.type === "command_name") return child.children.length > 0 ? child.children.map(wordOf) : [wordOf(child)];
    if (child.type === "variable_assignment" && command.type === "command") return [];
    if (child.type.endsWith("_redirect")) return redirectedWords(child);
    return isPunctuation(child) ? [] : [wordOf(child)];
  });
  return [...words, ...(extra.get(command.id) ?? [])];
}

/** The grammar gives the words that follow a redirection (`rm >out -rf x`) to the redirection. */
function redirectedWords(redirect: Node): Word[] {
  if (redirect.type === "file_redirect") return redirect.childrenForFieldName("destination").slice(1).map(wordOf);
  if (redirect.type === "heredoc_redirect") return redirect.childrenForFieldName("argument").map(wordOf);
  return [];
}

/** Such words by the command they belong to: the last one before the redirection, also in a list or a pipe. */
function wordsBehindRedirections(statements: readonly Node[]): ReadonlyMap<number, Word[]> {
  const extra = new Map<number, Word[]>();
  for (const statement of statements) {
    const words = statement.children.flatMap(redirectedWords);
    const command = words.length > 0 ? lastCommand(statement) : undefined;
    if (command !== undefined) extra.set(command.id, [...(extra.get(command.id) ?? []), ...words]);
  }
  return extra;
}

function lastCommand(statement: Node): Node | undefined {
  let node = statement.childForFieldName("body");
  while (node !== null && !COMMANDS.includes(node.type)) {
    node =
      node.childForFieldName("body") ??
      node.namedChildren.findLast((child) => !child.type.endsWith("_redirect")) ??
      null;
  }
  return node ?? undefined;
}

function isPunctuation(node: Node): boolean {
  return !node.isNamed && /^\W*$/.test(node.text);
}

const ANY: Word = { prefix: "", suffix: "", many: false };
const ANY_MANY: Word = { prefix: "", suffix: "", many: true };

function wordOf(node: Node): Word {
  switch (node.type) {
    case "raw_string":
      return node.text.slice(1, -1);
    case "ansi_c_string":
      return quotedText(node.text.slice(2, -1));
    case "string":
    case "translated_string":
      return stringWord(node);
    case "concatenation":
      return joinWords(pieces(node));
    case "word":
    case "number":
    case "extglob_pattern":
    case "variable_name":
    case "special_variable_name":
      return node.childCount > 0 ? ANY_MANY : unescaped(node.text);
    case "command_name":
      return node.childCount === 0 ? unescaped(node.text) : joinWords(node.children.map(wordOf));
    case "variable_assignment":
      return /[$`'"\\]/.test(node.text) ? ANY : node.text;
    default:
      return node.isNamed ? ANY_MANY : unescaped(node.text);
  }
}

/** Brace expansion and character sets show only in the text: the grammar takes `{a,b}` for three words. */
function pieces(node: Node): Word[] {
  return expandsBraces(node.text) || /[[\]]/.test(node.text) ? [ANY_MANY] : node.children.map(wordOf);
}

/** A double-quoted string is always one word. */
function stringWord(node: Node): Word {
  const text = node.type === "string" ? node.text : node.text.slice(1);
  const inner = text.slice(1, -1);
  if (!hasExpansion(node)) return inner.replace(/\\([$`"\\])/g, "$1");
  const prefix = /^[^$`\\]*/.exec(inner)?.[0] ?? "";
  const suffix = endWithout(inner, "$`\\}\"')");
  return { prefix, suffix: safeSuffix(inner, suffix), many: inner.includes("$@") || inner.includes("[@]") };
}

const EXPANSIONS = ["simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"];

/** Expansions stand right in a string: what is in them, strings with expansions again, need not be looked through. */
function hasExpansion(node: Node): boolean {
  const children = node.namedChildren;
  if (children.some(({ type }) => EXPANSIONS.includes(type))) return true;
  return children.some((child) => child.type !== "string_content" && child.descendantsOfType(EXPANSIONS).length > 0);
}

/** In `$name` the text behind the dollar is the variable's name, not what the word ends with. */
function safeSuffix(inner: string, suffix: string): string {
  const before = inner.slice(0, inner.length - suffix.length);
  if (!before.endsWith("$")) return suffix;
  return suffix.replace(/^(?:[A-Za-z_]\w*|[0-9@*#?!$_-])/, "");
}

/** Backquotes in backquotes are escaped, which the grammar does not look into. */
function backquotedScript(node: Node): string | undefined {
  const { text } = node;
  if (!text.startsWith("`") || !text.includes("\\")) return undefined;
  return text.slice(1, -1).replace(/\\([`\\$])/g, "$1");
}

function isShellName(word: Word): boolean {
  return isKnown(word) && /(?:^|\/)(?:ba|z|da|k|mk|a)?sh$/.test(word);
}

/** What a shell reads from a here-document or a here-string. */
function scriptsFedTo(redirections: readonly Node[]): string[] {
  return redirections.flatMap((node) => {
    if (node.type === "heredoc_redirect") return heredocScripts(node);
    if (node.type !== "herestring_redirect") return [];
    return node.namedChildren.map((child) => {
      const word = wordOf(child);
      return isKnown(word) ? word : child.text;
    });
  });
}

/** What a shell reads from a here-document: without quotes around its mark, the outer shell undoes escapes first. */
function heredocScripts(redirection: Node): string[] {
  const { mark, bodies } = hereDocument(redirection);
  const isVerbatim = mark.search(QUOTES) !== -1;
  return isVerbatim ? bodies : bodies.map((body) => body.replace(/\\([$`\\])/g, "$1"));
}

const HOLDERS: ReadonlySet<string> = new Set(["list", "pipeline", "negated_command"]);

/** By command, the children of the statement with redirections that it is in: of all of a list, which may be long. */
function redirectionsAround(statements: readonly Node[]): ReadonlyMap<number, readonly Node[]> {
  const around = new Map<number, readonly Node[]>();
  for (const statement of statements) {
    const children = statement.children;
    const redirections = children.filter((child) => child.type.endsWith("_redirect"));
    const open = [...children];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (HOLDERS.has(node.type)) open.push(...node.children);
      else around.set(node.id, redirections);
    }
  }
  return around;
}
