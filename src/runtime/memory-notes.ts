import type { ThreadId } from "#protocol/ids.ts";

/** What threads of this process did that the state should know; written when the database is opened anyway. */
export interface MemoryNotes {
  /** One entry for each use of a thread's memory. */
  usage: ThreadId[];
  /** Threads that saw text from outside and must not become memory. */
  polluted: Set<ThreadId>;
}

export function emptyNotes(): MemoryNotes {
  return { usage: [], polluted: new Set() };
}

/** Whether there is something to write down. */
export function hasNotes(notes: MemoryNotes): boolean {
  return notes.usage.length > 0 || notes.polluted.size > 0;
}
