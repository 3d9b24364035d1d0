/** Lines of a rollout, both included. */
export interface LineRange {
  from: number;
  to: number;
}

/** Follows which turns of a session the user took back. */
export class UndoneTurns {
  /** Where the turns that count begin, in order. */
  readonly #beginnings: number[] = [];
  readonly #ranges: LineRange[] = [];
  #started: number | undefined;

  /** A turn starts at this line; what the user says follows. */
  start(line: number): void {
    this.#started = line;
  }

  /** Each message of the user counts as the beginning of a turn, as for whoever resumes the session. */
  userSaid(line: number): void {
    this.#beginnings.push(this.#started ?? line);
    this.#started = undefined;
  }

  /** The last `turns` turns before this line count no more. */
  rollBack(turns: number, line: number): void {
    const gone = this.#beginnings.splice(Math.max(0, this.#beginnings.length - turns));
    if (turns > 0 && gone[0] !== undefined) this.#ranges.push({ from: gone[0], to: line });
    this.#started = undefined;
  }

  get ranges(): readonly LineRange[] {
    return this.#ranges;
  }
}

/** Whether a line is in one of the ranges. There are few: nobody takes back hundreds of turns. */
export function isInside(ranges: readonly LineRange[], line: number): boolean {
  return ranges.some(({ from, to }) => line >= from && line <= to);
}
