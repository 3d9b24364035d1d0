import { join } from "node:path";
import * as v from "valibot";
import { NEVER } from "#lib/abort.ts";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { CodexError, errnoOf, messageOf, osErrorText } from "#lib/errors.ts";
import { sha256Hex } from "#lib/hash.ts";
import { withProcessLock } from "#lib/process-lock.ts";
import { readRegularFile } from "#lib/regular-file.ts";
import { type Hook, hookName } from "./config.ts";
import { visibleText } from "./visible-text.ts";

/** An approval, with what was approved for people who read the file; an older one may be the hash alone. */
const APPROVAL = v.looseObject({ hash: v.string(), key: v.optional(v.string()) });
const TRUST_FILE = v.looseObject({ approved: v.array(v.union([v.string(), APPROVAL])) });
type Approvals = v.InferOutput<typeof TRUST_FILE>["approved"];

/** Whether a hook may run: `yours` needs no approval, `changed` is at a place where another one was approved. */
export type HookTrust = "yours" | "trusted" | "changed" | "new";

/**
 * What an approval is for: the hook with everything that decides when and how it runs, in this file. A program that
 * the command names is not part of it.
 */
export function hookHash(hook: Hook): string {
  const { event, matcher, handler, timeoutMs, isAsync, onError, contextLimit, statusMessage, file } = hook;
  const facts = [event, matcher ?? null, handler, timeoutMs, isAsync, onError, contextLimit, statusMessage, file];
  return `sha256:${sha256Hex(JSON.stringify(facts))}`;
}

/** What the user approved: `$CODEX_HOME/hooks-trust.json`, read at once. Throws a CodexError when it cannot be. */
export class HookApprovals {
  readonly file: string;
  #content: v.InferOutput<typeof TRUST_FILE>;
  /** What of the content is looked up: made once, for there may be as many hooks as approvals. */
  #known: { hashes: ReadonlySet<string>; places: ReadonlySet<string | undefined> } | undefined;

  constructor(codexHome: string) {
    this.file = join(codexHome, "hooks-trust.json");
    this.#content = readApprovals(this.file);
  }

  trustOf(hook: Hook): HookTrust {
    if (!hook.isProject) return "yours";
    this.#known ??= known(this.#content.approved);
    if (this.#known.hashes.has(hookHash(hook))) return "trusted";
    return this.#known.places.has(hook.key) ? "changed" : "new";
  }

  /**
   * Approves some of the hooks of this folder in place of what was approved where they stand, or takes their approval
   * away. What was approved for another of `all`, which may have stood there once, stays and is noted where it stands
   * now. The file is read again under a lock, so that decisions made at the same time do not undo each other. Throws
   * a CodexError when it cannot be read or written.
   */
  async set(chosen: readonly Hook[], trusted: boolean, all: readonly Hook[]): Promise<void> {
    const change = async () => {
      const { approved, ...more } = readApprovals(this.file);
      this.#content = { ...more, approved: changedApprovals(approved, { chosen, trusted, all }) };
      this.#known = undefined;
      writeApprovals(this.file, this.#content);
    };
    await withProcessLock(`${this.file}.lock`, change, NEVER);
  }
}

function known(approved: Approvals): { hashes: ReadonlySet<string>; places: ReadonlySet<string | undefined> } {
  const places = approved.map((approval) => (typeof approval === "string" ? undefined : approval.key));
  return { hashes: new Set(approved.map(hashOf)), places: new Set(places) };
}

function changedApprovals(
  approved: Approvals,
  { chosen, trusted, all }: { chosen: readonly Hook[]; trusted: boolean; all: readonly Hook[] },
): Approvals {
  const hashes = new Set(chosen.map((hook) => hookHash(hook)));
  const places = new Set(chosen.map(({ key }) => key));
  const current = new Map(all.map((hook) => [hookHash(hook), hook.key]));
  const kept = approved.filter((approval) => {
    const hash = hashOf(approval);
    const isReplaced = typeof approval !== "string" && places.has(approval.key ?? "") && !current.has(hash);
    return !hashes.has(hash) && !isReplaced;
  });
  const moved = kept.map((approval) => {
    const key = current.get(hashOf(approval));
    return key === undefined || typeof approval === "string" ? approval : { ...approval, key };
  });
  if (!trusted) return moved;
  const added = chosen.map((hook) => ({ hash: hookHash(hook), key: hook.key, hook: JSON.parse(hookName(hook)) }));
  return [...moved, ...added];
}

function writeApprovals(file: string, content: v.InferOutput<typeof TRUST_FILE>): void {
  try {
    writeFileAtomic(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new CodexError("hooks_trust", `Cannot write "${file}": ${osErrorText(error)}`, { cause: error });
  }
}

/**
 * Leaves out a project's hooks that are not approved, with a warning that says how to approve them. Hooks of the
 * user, the system and the command line need no approval: whoever writes there decides anyway. `bypass` lets all run.
 */
export function trustedHooks(
  hooks: readonly Hook[],
  codexHome: string,
  options: { bypass: boolean },
): { hooks: readonly Hook[]; warnings: string[] } {
  if (!hooks.some((hook) => hook.isProject)) return { hooks, warnings: [] };
  const approvals = new HookApprovals(codexHome);
  const trust = new Map(hooks.map((hook) => [hook, approvals.trustOf(hook)]));
  const isBlocked = (hook: Hook) => BLOCKED.has(trust.get(hook) ?? "new");
  const skipped = hooks.filter(isBlocked);
  if (options.bypass) {
    const what = skipped.length === 1 ? "1 hook of this project runs" : `${skipped.length} hooks of this project run`;
    const note = `${what} without your approval (--dangerously-bypass-hook-trust)`;
    return { hooks, warnings: skipped.length === 0 ? [] : [note] };
  }
  const warnings = skipped.map((hook) => skippedWarning(hook, trust.get(hook) ?? "new"));
  return { hooks: hooks.filter((hook) => !isBlocked(hook)), warnings };
}

const BLOCKED: ReadonlySet<HookTrust> = new Set(["changed", "new"]);
/** Enough of a hash to name a hook on the command line. */
const SHORT_HASH_CHARS = "sha256:".length + 12;

function skippedWarning(hook: Hook, trust: HookTrust): string {
  const why = trust === "changed" ? "it was changed since you approved it" : "you have not approved it";
  const hash = hookHash(hook).slice(0, SHORT_HASH_CHARS);
  return `Skipped the hook ${visibleText(hookName(hook))} for ${hook.event} of "${hook.file}": ${why}. To run it: codex hooks trust ${hash}`;
}

function hashOf(approval: Approvals[number]): string {
  return typeof approval === "string" ? approval : approval.hash;
}

function readApprovals(file: string): v.InferOutput<typeof TRUST_FILE> {
  try {
    return v.parse(TRUST_FILE, JSON.parse(readRegularFile(file).bytes.toString()));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { approved: [] };
    const expected = 'expected {"approved": [{"hash": "sha256:…"}]}';
    throw new CodexError("invalid_hooks_trust", `Cannot read "${file}": ${messageOf(error)}; ${expected}`);
  }
}
