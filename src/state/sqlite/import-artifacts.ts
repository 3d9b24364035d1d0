import type { Database } from "bun:sqlite";
import type { ArtifactImporter } from "../artifact-importer.ts";
import { readMeta, setMeta } from "./memory-meta.ts";
import { importOutput } from "./output-row.ts";
import { writeTransaction } from "./transaction.ts";

/**
 * Fills a new database from the memory files, once: whoever opens it first does so before anything else happens.
 * Rows keep their times, so nothing is extracted, or paid for, twice.
 */
export function importArtifacts(db: Database, artifacts: ArtifactImporter): void {
  if (readMeta(db).import === "done") return;
  writeTransaction(db, () => {
    if (readMeta(db).import === "done") return;
    const { outputs, consolidated } = artifacts.read();
    for (const output of outputs) importOutput(db, output);
    if (consolidated) {
      setMeta(db, "consolidated_generation", readMeta(db).inputGeneration);
      db.run("UPDATE jobs SET status = 'done' WHERE kind = 'memory_consolidate_global'");
    }
    setMeta(db, "import", "done");
  });
}
