import { errorLines } from "./error-lines.ts";

/** A command that failed, was mended by edits, and passed in the same folder. */
export interface Fix<Place> {
  command: string;
  cwd: string;
  /** Exact lines of the failed output. */
  error: string[];
  /** Files edited in between, as the patches name them. */
  files: string[];
  failedAt: Place;
  editedAt: Place;
  passedAt: Place;
}

interface Failure<Place> {
  error: string[];
  failedAt: Place;
  /** Set by the first edit after the failure. */
  edit: { at: Place; files: string[] } | undefined;
  /** The failure that the last edit answered, when the command failed again without a further edit. */
  answered: { error: string[]; failedAt: Place; edit: { at: Place; files: string[] } } | undefined;
}

/** Open failures that are followed; the oldest are forgotten. */
const MAX_OPEN = 64;
const MAX_FIXES = 20;

/** Follows commands and edits through a session. */
export class FixTracker<Place> {
  readonly #open = new Map<string, Failure<Place>>();
  readonly #fixes: Fix<Place>[] = [];

  failed(command: string, cwd: string, output: string, at: Place): void {
    const key = keyOf(command, cwd);
    const before = this.#open.get(key);
    this.#open.delete(key);
    const answered =
      before?.edit === undefined
        ? before?.answered
        : { error: before.error, failedAt: before.failedAt, edit: before.edit };
    this.#open.set(key, { error: errorLines(output), failedAt: at, edit: undefined, answered });
    const oldest = this.#open.keys().next().value;
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
  }

  edited(files: readonly string[], at: Place): void {
    for (const failure of this.#open.values()) {
      failure.edit ??= { at, files: [] };
      failure.edit.files.push(...files.filter((file) => failure.edit?.files.includes(file) === false));
    }
  }

  passed(command: string, cwd: string, at: Place): void {
    const key = keyOf(command, cwd);
    const failure = this.#open.get(key);
    this.#open.delete(key);
    const mended = failure?.edit === undefined ? failure?.answered : { ...failure, edit: failure.edit };
    if (mended === undefined) return;
    const { error, failedAt, edit } = mended;
    this.#fixes.push({ command, cwd, error, files: edit.files, failedAt, editedAt: edit.at, passedAt: at });
  }

  fixes(): readonly Fix<Place>[] {
    return this.#fixes.slice(-MAX_FIXES);
  }
}

function keyOf(command: string, cwd: string): string {
  return `${cwd}\0${command.replace(/\s+/g, " ").trim()}`;
}
