import { lstatSync } from "node:fs";
import { resolve } from "node:path";
import { assertNever, osErrorText } from "#lib/errors.ts";
import { ChangeList, type FileEdit } from "./change-list.ts";
import type { Hunk, Patch, PatchError } from "./patch.ts";
import { MAX_SHOWN_BYTES, readForPatch } from "./read-file.ts";
import { realEntry, realTarget } from "./real-path.ts";
import { rewrite } from "./rewrite.ts";
import { decodeText, joinText, type TextFile } from "./text-file.ts";

/** One file operation. `path` is as written in the patch, for messages. */
export type Step =
  | {
      type: "write";
      letter: "A" | "M";
      path: string;
      absolutePath: string;
      /** Where the bytes land, symbolic links followed. */
      target: string;
      content: Buffer;
      /** Permission bits to give; null keeps those of the file there, or the defaults for a new one. */
      mode: number | null;
    }
  | {
      type: "remove";
      path: string;
      absolutePath: string;
      /** The directory entry that goes: a symbolic link itself, never what it points to. */
      target: string;
      /** Removed because its content moved. */
      moved: boolean;
    };

/** A patch whose every result is known and none written. */
export interface VerifiedPatch {
  type: "verified";
  steps: Step[];
  /** One line per hunk for the summary: status letter and path as written. */
  summary: { letter: "A" | "M" | "D"; path: string }[];
  /** Per path, for events and diffs. */
  edits: FileEdit[];
}

/**
 * Computes what the patch does to the files below `cwd` (absolute), reading but never writing. Hunks
 * take effect in order, so a later hunk sees what an earlier one did to the same file. Relative paths
 * are resolved lexically.
 */
export function verifyPatch(patch: Patch, cwd: string): VerifiedPatch | PatchError {
  const plan = new Plan(cwd);
  for (const hunk of patch.hunks) {
    const error = plan.include(hunk);
    if (error !== undefined) return error;
  }
  return { type: "verified", steps: plan.steps, summary: plan.summary, edits: plan.changes.edits };
}

/** A file as it will be after the hunks so far. */
interface PlannedFile {
  content: TextFile;
  mode: number | null;
}

class Plan {
  readonly steps: Step[] = [];
  readonly summary: VerifiedPatch["summary"] = [];
  readonly changes = new ChangeList();
  readonly #cwd: string;
  /** By real path; null once removed. Paths not listed are as on disk. */
  readonly #files = new Map<string, PlannedFile | null>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  include(hunk: Hunk): PatchError | undefined {
    const path = [hunk.path, hunk.type === "update" ? (hunk.movePath ?? "") : ""].find((text) => text.includes("\0"));
    if (path !== undefined) return { type: "invalid_patch", message: `the path '${path}' contains a NUL byte` };
    switch (hunk.type) {
      case "add":
        return this.#add(hunk.path, hunk.content);
      case "delete":
        return this.#delete(hunk.path);
      case "update":
        return this.#update(hunk);
      default:
        return assertNever(hunk);
    }
  }

  #add(path: string, content: string): PatchError | undefined {
    const place = this.#place(path);
    if ("type" in place) return place;
    const { absolutePath, target } = place;
    const bytes = Buffer.from(content, "utf8");
    const after = decodeAdded(bytes);
    const before = this.#read(target, MAX_SHOWN_BYTES);
    this.steps.push({ type: "write", letter: "A", path, absolutePath, target, content: bytes, mode: null });
    this.#files.set(target, { content: after, mode: "content" in before ? before.mode : null });
    this.summary.push({ letter: "A", path });
    this.changes.add({ kind: "add", path: absolutePath, before: "content" in before ? before.content : null, after });
    return undefined;
  }

  #delete(path: string): PatchError | undefined {
    const absolutePath = resolve(this.#cwd, path);
    const unreadable = (reason: string): PatchError => ({
      type: "unreadable",
      purpose: "delete",
      path,
      absolutePath,
      reason,
    });
    let target: string;
    let isFile = true;
    try {
      target = realEntry(absolutePath);
      if (this.#files.get(target) === null) throw Object.assign(new Error("removed"), { code: "ENOENT" });
      if (!this.#files.has(target)) {
        const stat = lstatSync(target);
        if (stat.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
        isFile = stat.isFile();
      }
    } catch (error) {
      return unreadable(osErrorText(error));
    }
    const before = isFile ? this.#read(target, MAX_SHOWN_BYTES) : { reason: "not a regular file" };
    this.steps.push({ type: "remove", path, absolutePath, target, moved: false });
    this.#files.set(target, null);
    this.summary.push({ letter: "D", path });
    this.changes.add({
      kind: "delete",
      path: absolutePath,
      before: "content" in before ? before.content : null,
      after: null,
    });
    return undefined;
  }

  #update(hunk: Extract<Hunk, { type: "update" }>): PatchError | undefined {
    const { path } = hunk;
    const source = this.#place(path);
    if ("type" in source) return { ...source, type: "unreadable", purpose: "update" };
    const { absolutePath } = source;
    const before = this.#read(source.target);
    if ("reason" in before) return { type: "unreadable", purpose: "update", path, absolutePath, reason: before.reason };
    const after = rewrite(before.content, hunk.chunks);
    if ("type" in after) return { ...after, path, absolutePath };
    const destination = hunk.movePath === null ? source : this.#place(hunk.movePath);
    if ("type" in destination) return destination;
    this.#writeUpdate(source, destination, { content: after, mode: before.mode });
    this.summary.push({ letter: "M", path: destination.path });
    this.changes.add({
      kind: "update",
      path: absolutePath,
      ...(hunk.movePath === null ? {} : { movePath: destination.absolutePath }),
      before: before.content,
      after,
    });
    return undefined;
  }

  #writeUpdate(source: Place, destination: Place, file: PlannedFile): void {
    const moves = source.target !== destination.target;
    this.steps.push({
      type: "write",
      letter: "M",
      path: destination.path,
      absolutePath: destination.absolutePath,
      target: destination.target,
      content: Buffer.from(joinText(file.content), "utf8"),
      mode: moves ? file.mode : null,
    });
    this.#files.set(destination.target, file);
    if (!moves) return;
    this.steps.push({
      type: "remove",
      path: source.path,
      absolutePath: source.absolutePath,
      target: source.entry,
      moved: true,
    });
    this.#files.set(source.entry, null);
  }

  #place(path: string): Place | UnresolvablePath {
    const absolutePath = resolve(this.#cwd, path);
    try {
      const entry = realEntry(absolutePath);
      const target = this.#files.has(entry) ? entry : realTarget(absolutePath);
      return { path, absolutePath, entry, target };
    } catch (error) {
      return { type: "unresolvable", path, absolutePath, reason: osErrorText(error) };
    }
  }

  #read(target: string, maxBytes?: number): PlannedFile | { reason: string } {
    const planned = this.#files.get(target);
    if (planned === null) return { reason: osErrorText(Object.assign(new Error("removed"), { code: "ENOENT" })) };
    if (planned !== undefined) return planned;
    const read = readForPatch(target, maxBytes);
    if ("reason" in read) return read;
    const content = decodeText(read.bytes);
    return "refused" in content ? { reason: content.refused } : { content, mode: read.mode };
  }
}

interface Place {
  /** As written. */
  path: string;
  absolutePath: string;
  entry: string;
  target: string;
}

type UnresolvablePath = Extract<PatchError, { type: "unresolvable" }>;

/** New text may hold anything, NUL included: it is written, not edited. */
function decodeAdded(bytes: Buffer): TextFile {
  const decoded = decodeText(bytes);
  return "refused" in decoded ? { bom: false, lines: [bytes.toString("utf8")], endings: [""] } : decoded;
}
