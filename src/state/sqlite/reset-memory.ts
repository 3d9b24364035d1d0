import type { Database } from "bun:sqlite";
import { raiseGenerations, setMeta } from "./memory-meta.ts";

/**
 * Forgets everything learned; call inside a write transaction. Owners at work lose their tokens with their rows.
 * The ledger and the state of the one-time migration stay.
 */
export function resetMemory(db: Database, removeFiles: () => void): { outputs: number; jobs: number } {
  const outputs = db.query("DELETE FROM stage_one_outputs RETURNING 1").all().length;
  raiseGenerations(db, ["artifacts_generation", "input_generation"]);
  setMeta(db, "consolidated_set", "");
  setMeta(db, "published_token", "");
  // Last, because a rise of the input enqueues.
  const jobs = db.query("DELETE FROM jobs RETURNING 1").all().length;
  removeFiles();
  return { outputs, jobs };
}
