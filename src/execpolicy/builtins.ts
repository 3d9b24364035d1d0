import { posix } from "node:path";
import { matchesWords, ruleText } from "./evaluate.ts";
import type { PrefixRule, RuleDecision } from "./rules.ts";
import { RulesSyntaxError } from "./scanner.ts";
import { shellWords } from "./shell-words.ts";

/** A value of a rules file. */
export type Value = string | number | boolean | null | Value[] | Builtin;

/** A function that rules files may call; it adds to what is collected. */
export interface Builtin {
  name: string;
  run(call: Call, into: Collected): void;
}

export interface Call {
  /** Where it stands, for mistakes. */
  start: number;
  positional: Value[];
  named: Map<string, Value>;
}

/** What the calls of a file have said so far. */
export interface Collected {
  rules: PrefixRule[];
  hostExecutables: Map<string, readonly string[]>;
  ignored: string[];
}

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [
    { name: "prefix_rule", run: prefixRule },
    { name: "host_executable", run: hostExecutable },
    { name: "network_rule", run: networkRule },
  ].map((builtin) => [builtin.name, builtin]),
);

/** The language's name of a value's type. */
export function valueType(value: Value): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "function";
  return { string: "string", number: "int", boolean: "bool" }[typeof value as "string" | "number" | "boolean"];
}

function prefixRule(call: Call, into: Collected): void {
  const given = bind(call, "prefix_rule", ["pattern", "decision", "match", "not_match", "justification"], 1);
  const pattern = listOf(given.get("pattern"), "pattern", call);
  const decision = decisionOf(optionalText(given.get("decision"), "decision", call) ?? "allow", call);
  const justification = optionalText(given.get("justification"), "justification", call);
  if (justification?.trim() === "") fail(call, "invalid rule: justification cannot be empty");
  const [programs, ...rest] = pattern.map((element) => alternatives(element, call));
  if (programs === undefined) fail(call, "invalid pattern element: pattern cannot be empty");
  const rules = programs.map((program) => ({ program, rest, decision, justification }));
  checkExamples(rules, given, call);
  into.rules.push(...rules);
}

function checkExamples(rules: readonly PrefixRule[], given: ReadonlyMap<string, Value>, call: Call): void {
  const wanted = examples(given.get("match"), "match", call);
  const unwanted = examples(given.get("not_match"), "not_match", call);
  for (const { words, shown } of unwanted) {
    const rule = rules.find((candidate) => matchesWords(candidate, words));
    if (rule !== undefined) fail(call, `expected example to not match rule \`${ruleText(rule)}\`: ${shown}`);
  }
  const unmatched = wanted.filter(({ words }) => !rules.some((rule) => matchesWords(rule, words)));
  if (unmatched.length === 0) return;
  const texts = JSON.stringify(rules.map(ruleText));
  const missed = JSON.stringify(unmatched.map(({ shown }) => shown));
  fail(call, `expected every example to match at least one rule. rules: ${texts}; unmatched examples: ${missed}`);
}

function alternatives(element: Value, call: Call): string[] {
  if (typeof element === "string") return [element];
  if (!Array.isArray(element)) {
    const wanted = "pattern element must be a string or list of strings";
    fail(call, `invalid pattern element: ${wanted} (got ${valueType(element)})`);
  }
  if (element.length === 0) fail(call, "invalid pattern element: pattern alternatives cannot be empty");
  return element.map((item) =>
    typeof item === "string"
      ? item
      : fail(call, `invalid pattern element: pattern alternative must be a string (got ${valueType(item)})`),
  );
}

interface Example {
  words: readonly string[];
  /** As written, for messages. */
  shown: string;
}

function examples(value: Value | undefined, name: string, call: Call): Example[] {
  return value === undefined ? [] : listOf(value, name, call).map((item) => example(item, call));
}

function example(item: Value, call: Call): Example {
  if (typeof item === "string") {
    const words = shellWords(item);
    if (words === undefined) fail(call, "invalid example: example string has invalid shell syntax");
    if (words.length === 0) fail(call, "invalid example: example cannot be an empty string");
    return { words, shown: item };
  }
  if (!Array.isArray(item)) {
    fail(call, `invalid example: example must be a string or list of strings (got ${valueType(item)})`);
  }
  if (item.length === 0) fail(call, "invalid example: example cannot be an empty list");
  const words = item.map((word) =>
    typeof word === "string"
      ? word
      : fail(call, `invalid example: example tokens must be strings (got ${valueType(word)})`),
  );
  return { words, shown: words.join(" ") };
}

function decisionOf(name: string, call: Call): RuleDecision {
  switch (name) {
    case "allow":
    case "allow_sandboxed":
    case "prompt":
    case "forbidden":
      return name;
    default:
      return fail(call, `invalid decision: ${name}`);
  }
}

function hostExecutable(call: Call, into: Collected): void {
  const given = bind(call, "host_executable", ["name", "paths"], 2);
  const name = textOf(given.get("name"), "name", call);
  if (name === "" || name.includes("/")) {
    fail(call, `invalid rule: host_executable name must be a bare executable name (got ${name})`);
  }
  const paths = listOf(given.get("paths"), "paths", call).map((item) => textOf(item, "paths", call));
  for (const path of paths) {
    if (!posix.isAbsolute(path)) fail(call, `invalid rule: host_executable paths must be absolute (got ${path})`);
    if (posix.basename(path) !== name) {
      fail(call, `invalid rule: host_executable path \`${path}\` must have basename \`${name}\``);
    }
  }
  into.hostExecutables.set(name, paths);
}

/** Understood so that such a file is not broken; hosts are allowed and denied elsewhere. */
function networkRule(call: Call, into: Collected): void {
  const given = bind(call, "network_rule", ["host", "protocol", "decision", "justification"], 3);
  for (const [name, value] of given) textOf(value, name, call);
  if (!into.ignored.includes("network_rule")) into.ignored.push("network_rule");
}

/** Puts arguments to their names; the first `required` names must be there. */
function bind(call: Call, name: string, parameters: readonly string[], required: number): ReadonlyMap<string, Value> {
  const extra = call.positional.length - parameters.length;
  if (extra > 0) fail(call, `Found ${extra} extra positional argument(s) for call to ${name}`);
  const given = new Map<string, Value>();
  parameters.slice(0, call.positional.length).forEach((parameter, index) => {
    given.set(parameter, call.positional[index] ?? null);
  });
  for (const [parameter, value] of call.named) {
    if (!parameters.includes(parameter))
      fail(call, `Found \`${parameter}\` extra named parameter(s) for call to ${name}`);
    if (given.has(parameter)) fail(call, `Argument \`${parameter}\` occurs more than once`);
    given.set(parameter, value);
  }
  const missing = parameters.slice(0, required).find((parameter) => !given.has(parameter));
  if (missing !== undefined) fail(call, `Missing parameter \`${missing}\` for call to \`${name}\``);
  return given;
}

function optionalText(value: Value | undefined, name: string, call: Call): string | undefined {
  return value === undefined ? undefined : textOf(value, name, call);
}

function textOf(value: Value | undefined, name: string, call: Call): string {
  return typeof value === "string" ? value : wrongType(value ?? null, name, "str", call);
}

function listOf(value: Value | undefined, name: string, call: Call): Value[] {
  return Array.isArray(value) ? value : wrongType(value ?? null, name, "list", call);
}

function wrongType(value: Value, name: string, wanted: string, call: Call): never {
  const shown = typeof value === "string" ? JSON.stringify(value) : value === null ? "None" : String(value);
  const actual = `${valueType(value)} (repr: ${shown})`;
  return fail(call, `Type of parameter \`${name}\` doesn't match, expected \`${wanted}\`, actual \`${actual}\``);
}

function fail(call: Call, message: string): never {
  throw new RulesSyntaxError(call.start, message);
}
