import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { readUpTo } from "#lib/read-descriptor.ts";
import type { Place } from "./filter-rollout.ts";

/** Bytes of a rollout that a statement rests on. `sha256` is over exactly these bytes, in lower-case hex. */
export interface Evidence {
  line: number;
  /** Byte range in the file: the quote where it stands in the file in one piece, else the whole line. */
  start: number;
  end: number;
  sha256: string;
}

/** Lines longer than this are searched for a quote at their ends only. */
const SEARCH_BYTES = 1 << 20;
const CHUNK_BYTES = 1 << 20;

/** Reads the bytes that statements quote. Open while statements are made, then to be closed. */
export class EvidenceReader {
  readonly #fd: number;

  /** Throws the system error when the file cannot be opened. */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Where a quote stands in its line. Without a quote the line itself is the evidence. */
  cite(place: Place, quote?: string): Evidence {
    const range = (quote === undefined ? undefined : this.#find(place, quote)) ?? place;
    return { line: place.line, start: range.start, end: range.end, sha256: this.#hash(range.start, range.end) };
  }

  #find(place: Place, quote: string): { start: number; end: number } | undefined {
    const once = JSON.stringify(quote).slice(1, -1);
    // Stored outputs are JSON in JSON.
    const forms = [once, JSON.stringify(once).slice(1, -1)].map((form) => Buffer.from(form, "utf8"));
    for (const [start, end] of searchRanges(place)) {
      const bytes = readUpTo(this.#fd, end - start, start);
      for (const form of forms) {
        const at = form.length === 0 ? -1 : bytes.indexOf(form);
        if (at !== -1) return { start: start + at, end: start + at + form.length };
      }
    }
    return undefined;
  }

  #hash(start: number, end: number): string {
    const hash = createHash("sha256");
    for (let at = start; at < end; at += CHUNK_BYTES)
      hash.update(readUpTo(this.#fd, Math.min(CHUNK_BYTES, end - at), at));
    return hash.digest("hex");
  }
}

function searchRanges({ start, end }: Place): [number, number][] {
  if (end - start <= 2 * SEARCH_BYTES) return [[start, end]];
  return [
    [start, start + SEARCH_BYTES],
    [end - SEARCH_BYTES, end],
  ];
}
