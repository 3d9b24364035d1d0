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

/** As `Fix`, with what the error lines are taken from: only those of the fixes that are kept are worth finding. */
type Mended<Place> = Omit<Fix<Place>, "error"> & { output: string };

interface Failure<Place> {
  output: string;
  failedAt: Place;
  /** Set by the first edit after the failure. */
  edit: { at: Place; files: string[] } | undefined;
  /** The failure that the last edit answered, when the command failed again without a further edit. */
  answered: { output: string; failedAt: Place; edit: { at: Place; files: string[] } } | undefined;
}

/** Open failures that are followed; the oldest are forgotten. */
const MAX_OPEN = 64;
const MAX_FIXES = 20;

/** Follows commands and edits through a session. */
export class FixTracker<Place> {
  readonly #open = new Map<string, Failure<Place>>();
  readonly #fixes: Mended<Place>[] = [];

  failed(command: string, cwd: string, output: string, at: Place): void {
    const key = keyOf(command, cwd);
    const before = this.#open.get(key);
    this.#open.delete(key);
    const answered =
      before?.edit === undefined
        ? before?.answered
        : { output: before.output, failedAt: before.failedAt, edit: before.edit };
    this.#open.set(key, { output: ends(output), failedAt: at, edit: undefined, answered });
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
    const { output, failedAt, edit } = mended;
    this.#fixes.push({ command, cwd, output, files: edit.files, failedAt, editedAt: edit.at, passedAt: at });
    if (this.#fixes.length > MAX_FIXES) this.#fixes.shift();
  }

  fixes(): readonly Fix<Place>[] {
    return this.#fixes.map(({ output, ...fix }) => ({ ...fix, error: errorLines(output) }));
  }
}

/** Errors stand at the beginning or the end of a long output. */
const END_CHARS = 12_000;

function ends(output: string): string {
  if (output.length <= 2 * END_CHARS) return output;
  return `${output.slice(0, END_CHARS)}\n${output.slice(-END_CHARS)}`;
}

function keyOf(command: string, cwd: string): string {
  return `${cwd}\0${command.replace(/\s+/g, " ").trim()}`;
}
