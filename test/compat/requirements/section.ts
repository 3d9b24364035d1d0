/** One observable behaviour of the headless mode. */
export interface Requirement {
  /** Stable, dotted, never reused. */
  id: string;
  /** Section of the fact sheet the behaviour was recorded in. */
  section: string;
  /** One statement a test can prove or refute. */
  sentence: string;
  status: "tested" | "untested";
  /** Only for untested: what keeps it so. */
  why?: string;
}

/** A sentence proved by a test, or a sentence with the reason why no test proves it. */
export type Entry = string | Untested;

export interface Untested {
  sentence: string;
  why: string;
}

/** A table of behaviours recorded in one section, keyed by id. */
export interface Section<Id extends string> {
  section: string;
  entries: Record<Id, Entry>;
}

export function section<const Entries extends Record<string, Entry>>(
  name: string,
  entries: Entries,
): Section<Extract<keyof Entries, string>> {
  return { section: name, entries };
}

/** Marks a behaviour that no test proves. */
export function untested(sentence: string, why: string): Untested {
  return { sentence, why };
}

export function listSection(from: Section<string>): Requirement[] {
  return Object.entries(from.entries).map(([id, entry]) =>
    typeof entry === "string"
      ? { id, section: from.section, sentence: entry, status: "tested" }
      : { id, section: from.section, sentence: entry.sentence, status: "untested", why: entry.why },
  );
}
