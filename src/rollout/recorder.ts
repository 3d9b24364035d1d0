import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { isoTimestamp, nowMs } from "#lib/clock.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { toJsonLine } from "#lib/jsonl.ts";
import type { RolloutItem, SessionMeta } from "#protocol/rollout-item.ts";
import { AppendFile } from "./append-file.ts";
import { nextOrdinal } from "./ordinal.ts";
import { rolloutPath } from "./path.ts";
import { PersistPolicy } from "./persist-policy.ts";

const NEWLINE = Buffer.from("\n");

/**
 * Appends a thread's history to its rollout file. One `append` is one write system call on a descriptor
 * opened for appending, so lines of two processes never mix and a killed process loses nothing it recorded.
 * Nothing already in the file is ever changed.
 *
 * A failed write (disk full, file system turned read-only) throws a `CodexError` "rollout_write" that
 * names the file. The lines stay queued in order and the next `append` or `flush` tries them again, so a
 * caller that decides to go on loses nothing once there is room. After `close`, `append` does nothing.
 */
export class RolloutRecorder {
  /** The file, or null when the session is ephemeral. */
  readonly path: string | null;
  #file: AppendFile | undefined;
  #queued: Buffer[] = [];
  readonly #policy = new PersistPolicy();
  /** Whether the file ends inside a line, which must be closed off before the next one starts. */
  #torn: boolean;
  /** Number of the next line where lines are numbered. */
  #ordinal: number | undefined;

  private constructor(file: AppendFile | undefined, end: FileEnd = { torn: false, ordinal: undefined }) {
    this.path = file?.path ?? null;
    this.#file = file;
    this.#torn = end.torn;
    this.#ordinal = end.ordinal;
  }

  /** Makes the file of a new thread with its `session_meta` line. Throws `CodexError` "rollout_create". */
  static create(options: { codexHome: string; meta: SessionMeta; startedAtMs?: number }): RolloutRecorder {
    const path = rolloutPath(options.codexHome, options.meta.id, options.startedAtMs ?? nowMs());
    const file = new AppendFile(path, tryCreating(path));
    const recorder = new RolloutRecorder(file);
    try {
      recorder.append([{ type: "session_meta", payload: options.meta }]);
    } catch (error) {
      file.close();
      // A session of which not even the first line could be stored would only be in the way.
      rmSync(path, { force: true });
      throw error;
    }
    return recorder;
  }

  /** Goes on with an existing file. A torn last line stays as it is. Throws `CodexError` "rollout_open". */
  static resume(path: string): RolloutRecorder {
    let fd: number | undefined;
    try {
      // Read access is needed to look at the last byte; without O_CREAT a deleted session is an error.
      fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK);
      const end = fileEnd(fd);
      return new RolloutRecorder(new AppendFile(path, fd), end);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw new CodexError("rollout_open", `Cannot continue the session file "${path}": ${reason(error)}`, {
        cause: error,
      });
    }
  }

  /** A recorder that keeps nothing (`--ephemeral`). */
  static ephemeral(): RolloutRecorder {
    return new RolloutRecorder(undefined);
  }

  append(items: readonly RolloutItem[]): void {
    if (this.#file === undefined) return;
    const timestamp = isoTimestamp();
    for (const item of items) this.#queued.push(this.#encode(timestamp, item));
    this.flush();
  }

  /** Writes what an earlier failure left queued; does nothing when there is nothing. Throws as `append`. */
  flush(): void {
    if (this.#file === undefined || this.#queued.length === 0) return;
    const lines = this.#queued.splice(0);
    const batch = Buffer.concat(this.#torn ? [NEWLINE, ...lines] : lines);
    let written = 0;
    try {
      written = this.#file.write(batch);
      if (written === batch.length) {
        this.#torn = false;
        return;
      }
      // The kernel took a part (disk nearly full, a quota): asking for the rest tells why.
      written += this.#file.write(batch, written);
      if (written < batch.length)
        throw new CodexError("short_write", `only ${written} of ${batch.length} bytes were written`);
      this.#torn = false;
    } catch (error) {
      this.#requeue(lines, written);
      throw new CodexError("rollout_write", `Cannot write to the session file "${this.path}": ${reason(error)}`, {
        cause: error,
      });
    }
  }

  /** Closes the file. Queued lines are tried once more, silently. Safe to call twice. */
  close(): void {
    if (this.#file === undefined) return;
    try {
      this.flush();
    } catch {
      // The failure was reported by the append that caused it.
    }
    this.#file.close();
    this.#file = undefined;
  }

  #encode(timestamp: string, item: RolloutItem): Buffer {
    const payload = this.#policy.storedPayload(item);
    const ordinal = this.#ordinal === undefined ? {} : { ordinal: this.#ordinal++ };
    return Buffer.from(toJsonLine({ timestamp, ...ordinal, type: item.type, payload }), "utf8");
  }

  /** Puts back the lines that are not wholly in the file after `written` bytes of the batch. */
  #requeue(lines: readonly Buffer[], written: number): void {
    let end = this.#torn ? NEWLINE.length : 0;
    if (written >= end) this.#torn = false;
    let whole = 0;
    for (const line of lines) {
      if (written < end + line.length) break;
      end += line.length;
      whole++;
    }
    this.#torn ||= written > end;
    this.#queued.unshift(...lines.slice(whole));
  }
}

function tryCreating(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "ax", 0o644);
  } catch (error) {
    throw new CodexError(
      "rollout_create",
      `Cannot create the session file "${path}": ${reason(error)}. Make the folder writable, point CODEX_HOME elsewhere, or run with --ephemeral`,
      { cause: error },
    );
  }
}

/** What a file ends with, as far as it matters for what follows. */
interface FileEnd {
  torn: boolean;
  ordinal: number | undefined;
}

function fileEnd(fd: number): FileEnd {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new CodexError("not_a_file", "it is not a regular file");
  const last = Buffer.from(NEWLINE);
  if (stat.size > 0) readSync(fd, last, 0, 1, stat.size - 1);
  return { torn: !last.equals(NEWLINE), ordinal: nextOrdinal(fd, stat.size) };
}

function reason(error: unknown): string {
  const text = osErrorText(error);
  return errnoOf(error) === "ENOSPC" ? `${text}; free some space, nothing already recorded is lost` : text;
}
