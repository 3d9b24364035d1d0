import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CodexError, errnoOf, messageOf } from "#lib/errors.ts";
import type { CommandHook } from "./config.ts";

const TRUST_FILE = v.looseObject({ approved: v.array(v.string()) });

/**
 * What an approval is for: the hook with everything that decides when and how it runs, in this file. A program that
 * the command names is not part of it.
 */
export function hookHash(hook: CommandHook): string {
  const { event, matcher, command, timeoutMs, isAsync, onError, contextLimit, file } = hook;
  const facts = [event, matcher ?? null, command, timeoutMs, isAsync, onError, contextLimit, file];
  return `sha256:${createHash("sha256").update(JSON.stringify(facts)).digest("hex")}`;
}

/**
 * Leaves out a project's hooks that `$CODEX_HOME/hooks-trust.json` does not approve, with a warning that says how to.
 * Hooks of the user, the system and the command line need no approval: whoever writes there decides anyway.
 * Throws a CodexError when that file cannot be read.
 */
export function trustedHooks(
  hooks: readonly CommandHook[],
  codexHome: string,
): { hooks: CommandHook[]; warnings: string[] } {
  const file = join(codexHome, "hooks-trust.json");
  const approved = hooks.some((hook) => hook.isProject) ? approvedHashes(file) : new Set();
  const isTrusted = (hook: CommandHook) => !hook.isProject || approved.has(hookHash(hook));
  const skipped = hooks.filter((hook) => !isTrusted(hook));
  return { hooks: hooks.filter(isTrusted), warnings: skipped.map((hook) => skippedWarning(hook, file)) };
}

function skippedWarning(hook: CommandHook, file: string): string {
  return `Skipped the hook ${JSON.stringify(hook.command)} for ${hook.event} of "${hook.file}": it is new or was changed. To run it, add "${hookHash(hook)}" to the list "approved" in "${file}"`;
}

function approvedHashes(file: string): ReadonlySet<string> {
  try {
    return new Set(v.parse(TRUST_FILE, JSON.parse(readFileSync(file, "utf8"))).approved);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return new Set();
    const expected = 'expected {"approved": ["sha256:…"]}';
    throw new CodexError("invalid_hooks_trust", `Cannot read "${file}": ${messageOf(error)}; ${expected}`);
  }
}
