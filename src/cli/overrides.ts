import { featureNamed } from "#config/features.ts";
import type { ConfigOverride } from "#config/override-values.ts";
import { CodexError } from "#lib/errors.ts";

/** The options that change single settings, as given on the command line, in order. */
export interface OverrideOptions {
  /** `-c key=value` */
  config?: readonly string[];
  /** `--enable FEATURE` */
  enable?: readonly string[];
  /** `--disable FEATURE` */
  disable?: readonly string[];
}

/**
 * The overrides for `loadConfig`. Throws a CodexError for one without `=`, with an empty key or with a malformed
 * quoted key, and for an unknown feature flag.
 */
export function parseOverrides(options: OverrideOptions): ConfigOverride[] {
  return [
    ...(options.config ?? []).map(parseOverride),
    ...(options.enable ?? []).map((name) => featureOverride(name, true)),
    ...(options.disable ?? []).map((name) => featureOverride(name, false)),
  ];
}

/** Splits one `key=value` at the first `=` outside quotes of the key. */
export function parseOverride(text: string): ConfigOverride {
  const keyEnd = keyLength(text);
  if (text[keyEnd] !== "=") throw new CodexError("override_invalid", `Invalid override (missing '='): ${text}`);
  const path = splitKey(text.slice(0, keyEnd).trim());
  if (path.every((part) => part === "")) throw new CodexError("override_invalid", `Empty key in override: ${text}`);
  return { path: canonicalPath(path), rawValue: text.slice(keyEnd + 1) };
}

function featureOverride(name: string, on: boolean): ConfigOverride {
  const feature = featureNamed(name);
  if (feature === undefined) throw new CodexError("unknown_feature", `Unknown feature flag: ${name}`);
  return { path: ["features", feature], rawValue: String(on) };
}

/** Sandbox scripts of older versions set this flag outside the features table. */
function canonicalPath(path: string[]): string[] {
  return path.length === 1 && path[0] === "use_linux_sandbox_bwrap" ? ["features", ...path] : path;
}

const QUOTED_PART = /(^|\.)\s*("(?:[^"\\]|\\.)*"|'[^']*')\s*(?=\.|=|$)/y;

/** Length of the key: up to the first `=` that is not inside a quoted part. */
function keyLength(text: string): number {
  let at = 0;
  while (at < text.length && text[at] !== "=") {
    QUOTED_PART.lastIndex = at;
    const quoted = QUOTED_PART.exec(text);
    at += quoted === null ? 1 : quoted[0].length;
  }
  return at;
}

/** Parts of a dotted key. A part in quotes may hold dots; without quotes every dot separates. */
function splitKey(key: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at <= key.length; ) {
    QUOTED_PART.lastIndex = at === 0 ? 0 : at - 1;
    const quoted = QUOTED_PART.exec(key);
    const end = quoted === null ? nextDot(key, at) : QUOTED_PART.lastIndex;
    parts.push(quoted?.[2] === undefined ? key.slice(at, end).trim() : unquote(quoted[2]));
    at = end + 1;
  }
  return parts;
}

function nextDot(key: string, from: number): number {
  const dot = key.indexOf(".", from);
  return dot === -1 ? key.length : dot;
}

function unquote(quoted: string): string {
  const text = quoted.slice(1, -1);
  return quoted.startsWith("'") ? text : text.replace(/\\(.)/g, "$1");
}
