import { shellJoin } from "#lib/shell-join.ts";

/** What a login bash had after the user's profile ran, beyond a plain `bash -c`. */
export interface LoginState {
  /** Every exported variable, exported functions (`BASH_FUNC_…`) included. */
  env: Record<string, string>;
  /**
   * Commands that restore what the environment cannot carry: options, umask, functions, aliases. Empty for
   * most profiles.
   */
  restore: string;
}

const SECTIONS = ["env", "names", "functions", "aliases", "state", "plain", "end"] as const;
type Section = (typeof SECTIONS)[number];

/** Options and umask of a shell on one line: `SHELLOPTS|BASHOPTS|umask`. */
const STATE = `builtin printf '%s|%s|%s' "$SHELLOPTS" "$BASHOPTS" "$(builtin umask)"`;

/**
 * A script for `bash -lc` that prints the state between marks no profile prints by chance; whatever the
 * profile itself wrote stands before the first mark.
 */
export function captureScript(nonce: string): string {
  const commands: Record<Section, string> = {
    env: "/usr/bin/env -0",
    names: "builtin declare -F",
    functions: "builtin declare -f",
    aliases: "builtin alias -p",
    state: STATE,
    plain: `BASH_ENV= "$BASH" -c ${shellJoin([STATE])}`,
    end: ":",
  };
  const steps = SECTIONS.map((section) => `builtin printf '%s' '${mark(nonce, section)}'; ${commands[section]}`);
  return `exec 2>/dev/null; ${steps.join("; ")}`;
}

/**
 * The state in the output of `captureScript`, or undefined when the output is not complete. `inherited` is
 * what a plain shell would have from us.
 */
export function parseCapture(output: string, nonce: string, inherited: { umask: number }): LoginState | undefined {
  const parts = new Map<Section, string>();
  for (const [index, section] of SECTIONS.entries()) {
    const start = output.indexOf(mark(nonce, section));
    const next = SECTIONS[index + 1];
    const end = next === undefined ? output.length : output.indexOf(mark(nonce, next));
    if (start === -1 || end === -1) return undefined;
    parts.set(section, output.slice(start + mark(nonce, section).length, end));
  }
  const text = (section: Section) => parts.get(section) ?? "";
  const env = parseEnvironment(text("env"));
  const state = parseState(text("state"));
  const plain = parseState(text("plain"));
  if (env.PATH === undefined || state === undefined || plain === undefined) return undefined;
  return { env, restore: restoreCommands(state, { ...plain, umask: inherited.umask }, text).join("\n") };
}

function mark(nonce: string, section: Section): string {
  return `\n<${nonce}:${section}>\n`;
}

function parseEnvironment(text: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of text.split("\0")) {
    const equals = entry.indexOf("=");
    if (equals > 0) env[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return env;
}

interface ShellState {
  set: ReadonlySet<string>;
  shopt: ReadonlySet<string>;
  umask: number;
}

function parseState(text: string): ShellState | undefined {
  const [set, shopt, umask] = text.split("|");
  if (set === undefined || shopt === undefined || umask === undefined || !/^[0-7]+$/.test(umask)) return undefined;
  return { set: new Set(set.split(":")), shopt: new Set(shopt.split(":")), umask: Number.parseInt(umask, 8) };
}

/** Options come first: a function's text may only parse under the options it was written for. */
function restoreCommands(state: ShellState, plain: ShellState, text: (section: Section) => string): string[] {
  const commands = [
    ...difference(state.set, plain.set).map((name) => `set -o ${name}`),
    ...difference(plain.set, state.set).map((name) => `set +o ${name}`),
    ...difference(state.shopt, plain.shopt).map((name) => `shopt -s ${name}`),
    ...difference(plain.shopt, state.shopt).map((name) => `shopt -u ${name}`),
  ];
  if (state.umask !== plain.umask) commands.push(`umask ${state.umask.toString(8)}`);
  if (/^declare -f /m.test(text("names"))) commands.push(text("functions").trim());
  if (state.shopt.has("expand_aliases") && text("aliases").trim() !== "") commands.push(text("aliases").trim());
  return commands;
}

/** `login_shell` tells how the shell began and cannot be set. */
function difference(left: ReadonlySet<string>, right: ReadonlySet<string>): string[] {
  return [...left].filter((name) => name !== "" && name !== "login_shell" && !right.has(name));
}
