import { lineAndColumn } from "#lib/toml-position.ts";
import { BUILTINS, type Builtin, type Call, type Collected, type Value, valueType } from "./builtins.ts";
import type { RulesFile, RulesProblem } from "./rules.ts";
import { lineEnd, RulesSyntaxError, scanToken, type Token } from "./scanner.ts";

/**
 * Reads a rules file: calls of `prefix_rule`, `host_executable` and `network_rule`, variables, strings and lists
 * joined by `+`. Never throws. A statement with a mistake becomes a problem and reading goes on with the next line
 * that begins a statement, so the other rules of the file are known.
 */
export function parseRules(text: string): RulesFile {
  return new Parser(text).file();
}

/** Deepest nesting of brackets; deeper ones are refused instead of exhausting the stack. */
const MAX_DEPTH = 64;

/** Words of the language that this subset leaves out. */
const KEYWORDS: ReadonlySet<string> = new Set(
  "and break class continue def del elif else except finally for from global if import in is lambda load nonlocal not or raise return try while with yield".split(
    " ",
  ),
);

class Parser {
  readonly #text: string;
  readonly #variables = new Map<string, Value>();
  readonly #collected: Collected = { rules: [], hostExecutables: new Map(), ignored: [] };
  readonly #problems: RulesProblem[] = [];
  #token: Token = { type: "end", start: 0, end: 0 };
  #depth = 0;
  /** Where the statement being read begins. */
  #statement = 0;

  constructor(text: string) {
    this.#text = text;
  }

  file(): RulesFile {
    let at = 0;
    while (at < this.#text.length) at = this.#line(at);
    return { ...this.#collected, problems: this.#problems };
  }

  /** Reads one logical line; returns where the next begins. */
  #line(from: number): number {
    this.#depth = 0;
    this.#statement = from;
    try {
      this.#token = scanToken(this.#text, from, false);
      this.#statement = this.#token.start;
      this.#refuseIndentation();
      while (this.#token.type !== "newline" && this.#token.type !== "end") {
        this.#simpleStatement();
        if (!this.#takeSymbol(";")) break;
        this.#statement = this.#token.start;
      }
      if (this.#token.type !== "newline" && this.#token.type !== "end") throw this.#unexpected("a line end");
      return this.#token.end;
    } catch (error) {
      if (!(error instanceof RulesSyntaxError)) throw error;
      return this.#recover(error);
    }
  }

  /** Notes the mistake; the text up to the next line that begins a statement belongs to it. */
  #recover(error: RulesSyntaxError): number {
    const next = /\n(?=(?:[A-Za-z_]\w*[ \t]*[(=]|#))/g;
    next.lastIndex = lineEnd(this.#text, Math.max(error.offset, this.#statement));
    const found = next.exec(this.#text);
    const end = found === null ? this.#text.length : found.index + 1;
    const text = this.#text.slice(this.#statement, end).trimEnd();
    this.#problems.push({ ...lineAndColumn(this.#text, error.offset), message: error.message, text });
    return end;
  }

  #refuseIndentation(): void {
    const { start, type } = this.#token;
    const lineStart = this.#text.lastIndexOf("\n", start - 1) + 1;
    if (type === "newline" || type === "end" || !/^[ \t]/.test(this.#text.slice(lineStart, start))) return;
    const isContinued = /\\\r?\n$/.test(this.#text.slice(Math.max(0, lineStart - 3), lineStart));
    if (!isContinued) throw new RulesSyntaxError(start, "unexpected indentation");
  }

  #simpleStatement(): void {
    const token = this.#token;
    if (token.type === "name" && token.value === "pass") return this.#advance();
    if (token.type === "name" && this.#nextIsAssignment(token)) {
      this.#refuseKeyword(token.value, token.start);
      this.#advance();
      this.#advance();
      this.#variables.set(token.value, this.#expression());
    } else {
      this.#expression();
    }
  }

  #nextIsAssignment(token: Token): boolean {
    return /^[ \t]*=(?!=)/.test(this.#text.slice(token.end, token.end + 64));
  }

  #expression(): Value {
    let value = this.#operand();
    for (let start = this.#token.start; this.#takeSymbol("+"); ) value = sum(value, this.#operand(), start);
    return value;
  }

  #operand(): Value {
    let start = this.#token.start;
    let value = this.#atom();
    while (this.#isSymbol("(")) {
      value = this.#call(value, start);
      start = this.#token.start;
    }
    return value;
  }

  #atom(): Value {
    const token = this.#token;
    if (token.type === "string" || token.type === "integer") {
      this.#advance();
      return token.value;
    }
    if (token.type === "name") {
      this.#refuseKeyword(token.value, token.start);
      this.#advance();
      return this.#named(token.value, token.start);
    }
    if (this.#isSymbol("[")) return this.#list();
    if (this.#isSymbol("(")) return this.#parenthesised();
    throw this.#unexpected("a value");
  }

  #named(name: string, start: number): Value {
    if (name === "None") return null;
    if (name === "True" || name === "False") return name === "True";
    const value = this.#variables.get(name);
    if (value !== undefined) return value;
    const builtin = BUILTINS.get(name);
    if (builtin === undefined) throw new RulesSyntaxError(start, `Variable \`${name}\` not found`);
    return builtin;
  }

  #list(): Value[] {
    this.#open();
    const values: Value[] = [];
    while (!this.#isSymbol("]")) {
      values.push(this.#expression());
      if (!this.#takeSymbol(",") && !this.#isSymbol("]")) throw this.#unexpected("`,` or `]`");
    }
    this.#close();
    return values;
  }

  #parenthesised(): Value {
    this.#open();
    const value = this.#expression();
    if (!this.#isSymbol(")")) throw this.#unexpected("`)`");
    this.#close();
    return value;
  }

  #call(callee: Value, start: number): Value {
    if (callee === null || typeof callee !== "object" || Array.isArray(callee)) {
      throw new RulesSyntaxError(start, `a value of type \`${valueType(callee)}\` cannot be called`);
    }
    const call: Call = { start, positional: [], named: new Map() };
    this.#open();
    while (!this.#isSymbol(")")) {
      this.#argument(call);
      if (!this.#takeSymbol(",") && !this.#isSymbol(")")) throw this.#unexpected("`,` or `)`");
    }
    const builtin: Builtin = callee;
    this.#close();
    builtin.run(call, this.#collected);
    return null;
  }

  #argument(call: Call): void {
    const token = this.#token;
    if (token.type !== "name" || !this.#nextIsNamedValue(token)) {
      if (call.named.size > 0) throw new RulesSyntaxError(token.start, "positional argument after non positional");
      call.positional.push(this.#expression());
      return;
    }
    this.#advance();
    this.#advance();
    if (call.named.has(token.value)) {
      throw new RulesSyntaxError(token.start, `Argument \`${token.value}\` occurs more than once`);
    }
    call.named.set(token.value, this.#expression());
  }

  #nextIsNamedValue(token: Token): boolean {
    const next = scanToken(this.#text, token.end, true);
    return next.type === "symbol" && next.value === "=";
  }

  #open(): void {
    if (++this.#depth > MAX_DEPTH) {
      throw new RulesSyntaxError(this.#token.start, `more than ${MAX_DEPTH} brackets inside each other`);
    }
    this.#advance();
  }

  #close(): void {
    this.#depth--;
    this.#advance();
  }

  #advance(): void {
    this.#token = scanToken(this.#text, this.#token.end, this.#depth > 0);
  }

  #isSymbol(value: string): boolean {
    return this.#token.type === "symbol" && this.#token.value === value;
  }

  #takeSymbol(value: string): boolean {
    if (!this.#isSymbol(value)) return false;
    this.#advance();
    return true;
  }

  #refuseKeyword(name: string, start: number): void {
    if (name === "load") throw new RulesSyntaxError(start, "No imports are available");
    if (KEYWORDS.has(name)) {
      throw new RulesSyntaxError(start, `\`${name}\` is not supported in rules files: write each rule out`);
    }
  }

  #unexpected(wanted: string): RulesSyntaxError {
    const token = this.#token;
    if (token.type === "name") this.#refuseKeyword(token.value, token.start);
    return new RulesSyntaxError(token.start, `unexpected ${describe(token)}, expected ${wanted}`);
  }
}

function describe(token: Token): string {
  switch (token.type) {
    case "end":
      return "end of file";
    case "newline":
      return "line end";
    case "string":
      return `string literal ${JSON.stringify(token.value)}`;
    case "name":
      return `identifier \`${token.value}\``;
    case "integer":
    case "symbol":
      return `\`${token.value}\``;
  }
}

function sum(left: Value, right: Value, start: number): Value {
  if (typeof left === "string" && typeof right === "string") return left + right;
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  throw new RulesSyntaxError(start, `\`+\` cannot join \`${valueType(left)}\` and \`${valueType(right)}\``);
}
