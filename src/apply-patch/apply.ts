import {
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { writeFileAtomic, writeFully } from "#lib/atomic-file.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { withPinnedFolder } from "./pinned-folder.ts";
import { realEntry, realTarget } from "./real-path.ts";
import type { Step, VerifiedPatch } from "./verify.ts";

export interface ApplyOptions {
  /**
   * Whether a real path (links followed) may be written or removed. Asked for all of them before the first
   * write and again immediately before each. Absent: everything may, which is right inside a sandbox and under danger-full-access.
   */
  allowed?: (realPath: string) => boolean;
  /** Heeded before the first write; a patch that has begun is finished. */
  signal?: AbortSignal;
}

/** Failure says which steps took effect, as status letter and path; `message` is the first line to show. */
export type ApplyOutcome =
  | { ok: true }
  | { ok: false; message: string; cause: string | null; done: string[]; pending: string[] };

/**
 * Writes what was verified, each file atomically, in patch order. Obstacles that can be seen beforehand
 * (a folder where a file should go) are reported before anything is written. Throws only the signal's reason.
 */
export function applyVerified(verified: VerifiedPatch, options: ApplyOptions = {}): ApplyOutcome {
  options.signal?.throwIfAborted();
  const { steps } = verified;
  const obstacle = firstRefusal(steps, options.allowed) ?? findObstacle(steps);
  if (obstacle !== undefined) return { ok: false, ...obstacle, done: [], pending: steps.map(label) };
  for (const [index, step] of steps.entries()) {
    const failure = runStep(step, options.allowed);
    if (failure === undefined) continue;
    return { ok: false, ...failure, done: steps.slice(0, index).map(label), pending: steps.slice(index).map(label) };
  }
  return { ok: true };
}

const PARTLY_DONE = "Changed before the failure:";

/** Whether a failure's text says that a part of the patch took effect. */
export function isPartlyDone(text: string): boolean {
  return text.split("\n").includes(PARTLY_DONE);
}

/** The failure as text, one or more whole lines. */
export function describeFailure(outcome: Extract<ApplyOutcome, { ok: false }>): string {
  const lines = [outcome.message];
  if (outcome.cause !== null) lines.push(outcome.cause);
  if (outcome.done.length > 0) {
    lines.push(PARTLY_DONE, ...outcome.done, "Not changed:", ...outcome.pending);
  }
  return `${lines.join("\n")}\n`;
}

function label(step: Step): string {
  return `${step.type === "write" ? step.letter : "D"} ${step.path}`;
}

interface Failure {
  message: string;
  cause: string | null;
}

function runStep(step: Step, allowed: ApplyOptions["allowed"]): Failure | undefined {
  let message = failureText(step);
  try {
    const target = step.type === "write" ? realTarget(step.absolutePath) : realEntry(step.absolutePath);
    if (allowed?.(target) === false) return refusal(step, target);
    const [folder, name] = [dirname(target), basename(target)];
    if (step.type === "remove") {
      withPinnedFolder(folder, (pinned) => unlinkSync(join(pinned, name)));
      return undefined;
    }
    message = parentFailureText(step);
    mkdirSync(folder, { recursive: true });
    message = failureText(step);
    withPinnedFolder(folder, (pinned) => replaceContent(join(pinned, name), step));
    return undefined;
  } catch (error) {
    return { message, cause: osErrorText(error) };
  }
}

function firstRefusal(steps: readonly Step[], allowed: ApplyOptions["allowed"]): Failure | undefined {
  const step = allowed && steps.find(({ target }) => !allowed(target));
  return step && refusal(step, step.target);
}

function refusal(step: Step, target: string): Failure {
  return {
    message: failureText(step),
    cause: `"${step.path}" leads to "${target}", which is outside the writable folders`,
  };
}

function failureText(step: Step): string {
  if (step.type === "write") return `Failed to write file ${step.path}`;
  return `Failed to ${step.moved ? "remove original" : "delete file"} ${step.path}`;
}

function parentFailureText(step: Step): string {
  return `Failed to create parent directories for ${step.path}`;
}

type WriteStep = Extract<Step, { type: "write" }>;

/** A mount point, a folder without write access, a file of another owner: a new file cannot take the old one's place. */
const OVERWRITE_ON: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM", "EROFS", "EBUSY", "EXDEV", "EINVAL"]);

function replaceContent(target: string, { content, mode }: WriteStep): void {
  const existing = statIfAny(target);
  if (existing !== undefined && !existing.isFile()) throw notAFile(existing);
  try {
    writeFileAtomic(target, content, {
      mode: mode ?? (existing === undefined ? newFileMode() : existing.mode & 0o7777),
      ...(existing === undefined ? {} : { owner: { uid: existing.uid, gid: existing.gid } }),
    });
  } catch (error) {
    if (existing === undefined || !OVERWRITE_ON.has(errnoOf(error))) throw error;
    overwrite(target, content);
  }
}

/** `rw` for everyone, less what the umask takes away. */
function newFileMode(): number {
  return 0o666 & ~process.umask();
}

function overwrite(target: string, content: Uint8Array): void {
  const fd = openSync(target, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    writeFully(fd, content);
    ftruncateSync(fd, content.length);
  } finally {
    closeSync(fd);
  }
}

function notAFile(stat: Stats): Error {
  if (stat.isDirectory()) return Object.assign(new Error("is a directory"), { code: "EISDIR" });
  return new CodexError("not_a_regular_file", "not a regular file");
}

function statIfAny(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** The first write that cannot succeed, taking into account what earlier steps make and remove. */
function findObstacle(steps: readonly Step[]): Failure | undefined {
  const made = new Set<string>();
  const removed = new Set<string>();
  for (const step of steps) {
    if (step.type === "remove") {
      removed.add(step.target);
      made.delete(step.target);
      continue;
    }
    if (hasFileAsParent(step.target, made, removed)) return { message: parentFailureText(step), cause: null };
    if (!made.has(step.target) && !removed.has(step.target) && isOccupied(step.target))
      return { message: failureText(step), cause: null };
    made.add(step.target);
    removed.delete(step.target);
  }
  return undefined;
}

function hasFileAsParent(target: string, made: ReadonlySet<string>, removed: ReadonlySet<string>): boolean {
  for (let folder = dirname(target); ; folder = dirname(folder)) {
    if (made.has(folder)) return true;
    const kind = removed.has(folder) ? "missing" : kindOf(folder);
    if (kind !== "missing") return kind === "other";
    if (folder === dirname(folder)) return false;
  }
}

function kindOf(path: string): "folder" | "other" | "missing" {
  try {
    return statSync(path).isDirectory() ? "folder" : "other";
  } catch {
    return "missing";
  }
}

/** Whether something that is no regular file is in the way. */
function isOccupied(target: string): boolean {
  try {
    return statIfAny(target)?.isFile() === false;
  } catch {
    return false;
  }
}
