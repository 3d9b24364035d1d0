import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Env, environment, setEnvVar } from "#lib/env.ts";

/** One variable of a `.env` file. */
export interface DotenvEntry {
  name: string;
  value: string;
}

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*/;

/**
 * Parses `.env` text: `NAME=value` lines, `export` before the name, single quotes (as written), double quotes
 * (escapes and line ends inside), `#` comments, and `$NAME` or `${NAME}` outside single quotes, taken from the
 * earlier lines, else from `env`. A line that is none of this is skipped.
 */
export function parseDotenv(text: string, env: Env): DotenvEntry[] {
  const entries: DotenvEntry[] = [];
  const known = new Map(Object.entries(env));
  let rest = text
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .trimStart();
  while (rest !== "") {
    const assignment = ASSIGNMENT.exec(rest);
    const read = assignment === null ? undefined : readValue(rest.slice(assignment[0].length), known);
    if (read !== undefined) {
      const name = assignment?.[1] ?? "";
      entries.push({ name, value: read.value });
      known.set(name, read.value);
      rest = read.rest;
    } else rest = afterLine(rest);
    rest = rest.trimStart();
  }
  return entries;
}

function afterLine(text: string): string {
  const end = text.indexOf("\n");
  return end === -1 ? "" : text.slice(end + 1);
}

type Known = ReadonlyMap<string, string | undefined>;

/** Reads one value; undefined when a quote is not closed. */
function readValue(text: string, known: Known): { value: string; rest: string } | undefined {
  const single = /^'([^']*)'/.exec(text);
  if (single !== null) return { value: single[1] ?? "", rest: afterLine(text.slice(single[0].length)) };
  const double = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(text);
  if (double !== null) return { value: expand(double[1] ?? "", known), rest: afterLine(text.slice(double[0].length)) };
  if (/^["']/.test(text)) return undefined;
  const [line = ""] = text.split("\n", 1);
  return { value: expand(line.replace(/(^|\s)#.*$/, "").trim(), known), rest: afterLine(text) };
}

const ESCAPE_OR_VARIABLE = /\\([\s\S])|\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g;

function expand(text: string, known: Known): string {
  return text.replace(ESCAPE_OR_VARIABLE, (_, escaped: string | undefined, braced: string, bare: string) => {
    if (escaped === undefined) return known.get(braced ?? bare) ?? "";
    return escaped === "n" ? "\n" : escaped;
  });
}

/** Variables that steer this program cannot come from a file: `CODEX_HOME` has been read, keys belong in the shell. */
function isReserved(name: string): boolean {
  return name.toUpperCase().startsWith("CODEX_");
}

/**
 * Takes over the variables of `$CODEX_HOME/.env`, before anything else reads the environment. They win over
 * variables that are set already, as in Codex CLI; names beginning with `CODEX_` are ignored. A missing or
 * unreadable file is no error.
 */
export function loadDotenv(codexHome: string): void {
  for (const { name, value } of parseDotenv(readDotenv(codexHome), environment())) {
    if (!isReserved(name)) setEnvVar(name, value);
  }
}

function readDotenv(codexHome: string): string {
  try {
    const file = join(codexHome, ".env");
    return statSync(file).isFile() ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}
