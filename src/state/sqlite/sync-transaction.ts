import type { Database } from "bun:sqlite";
import type { SyncView } from "../store.ts";
import { readMeta, setMeta } from "./memory-meta.ts";
import { listOutputs } from "./stage-one-outputs.ts";

/** Lets the writer bring the files to the state of the rows; call inside a write transaction. */
export function syncArtifacts<T>(db: Database, write: (view: SyncView) => T): T {
  const { artifactsGeneration, syncedGeneration } = readMeta(db);
  const result = write({ artifactsGeneration, syncedGeneration, outputs: listOutputs(db) });
  if (syncedGeneration !== artifactsGeneration) setMeta(db, "synced_generation", artifactsGeneration);
  return result;
}
