import { sha1Hex } from "#lib/hash.ts";

/** Longest function name the Responses API takes. */
const NAME_LIMIT = 64;
const FITS = /^[A-Za-z0-9_-]{1,64}$/;
/** With the 40 hex digits of a SHA-1 this makes 64. */
const HASHED_NAME_HEAD = 24;

/**
 * The name the model calls a tool by: `mcp__<server>__<tool>` with every character outside [A-Za-z0-9_-] as
 * `_`. A longer name than the API takes becomes its first 24 characters and the SHA-1 of the name as the
 * server spells it, so that it stays the same from run to run.
 */
export function qualifiedToolName(server: string, tool: string): string {
  const full = `mcp__${server}__${tool}`;
  // Nearly every name, and so every one of the hundreds of some sessions.
  if (FITS.test(full)) return full;
  const name = [...full].map((char) => (/[A-Za-z0-9_-]/.test(char) ? char : "_")).join("");
  if (name.length <= NAME_LIMIT) return name;
  return name.slice(0, HASHED_NAME_HEAD) + sha1Hex(full);
}

/** What the qualified names of all tools of a server begin with. */
export function qualifiedNameHead(server: string): string {
  return qualifiedToolName(server, "").slice(0, HASHED_NAME_HEAD);
}
