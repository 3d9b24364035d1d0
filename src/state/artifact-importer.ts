import type { StageOneOutput } from "./rows.ts";

/**
 * Reads the memory files back into rows when the database they were made from is lost. Handed in by the
 * composition root, because the formats belong to the writer of the files. Both functions are synchronous: they run
 * inside the transaction that imports.
 */
export interface ArtifactImporter {
  /** Whether the memory root holds files to import; asked once, when a database is made. */
  present(): boolean;
  read(): ImportedArtifacts;
}

export interface ImportedArtifacts {
  /** One per thread. */
  outputs: readonly StageOneOutput[];
  /** Whether a consolidated `MEMORY.md` is there, so that phase two has nothing to catch up with. */
  consolidated: boolean;
}
