import { setImmediate } from "node:timers/promises";
import { parseTimestamp } from "#lib/clock.ts";
import { osErrorText } from "#lib/errors.ts";
import { blockBuffer } from "../rollout-bytes.ts";
import { type EarlierFacts, type RolloutFacts, readRolloutFacts } from "../rollout-facts.ts";
import type { BackfillReport } from "../store.ts";
import { type FoundRollout, type RolloutWalk, walkRollouts } from "../walk-rollouts.ts";
import type { Connection } from "./connection.ts";
import { deleteThread, getThread, type IndexedThread, upsertThread } from "./thread-row.ts";

/** Rows per write transaction, so that claims and heartbeats of others never wait long. */
const BATCH = 256;

/** What the index holds of a file, to see whether it changed. */
interface KnownFile {
  path: string;
  bytes: number;
  mtimeMs: number;
  scannedBytes: number;
}

/** Brings the index up to date with the files; see `ThreadIndex.backfill`. */
export async function backfillThreads(
  connection: Connection,
  codexHome: string,
  options: { signal?: AbortSignal },
): Promise<BackfillReport> {
  options.signal?.throwIfAborted();
  // Before the walk: a row that another process adds meanwhile must not look like one without a file.
  const known = knownFiles(connection);
  const walk = walkRollouts(codexHome);
  const changed = [...walk.rollouts.values()].filter((found) => !isUnchanged(found, known.get(found.threadId)));
  const skipped = [...walk.skipped];
  let added = 0;
  let updated = 0;
  const buffer = changed.length > 0 ? blockBuffer() : Buffer.alloc(0);
  for (let at = 0; at < changed.length; at += BATCH) {
    options.signal?.throwIfAborted();
    const rows = changed.slice(at, at + BATCH).flatMap((found) => {
      const row = readRow(found, earlierFacts(connection, found, known.get(found.threadId)), buffer);
      if ("row" in row) return [row.row];
      skipped.push({ path: found.path, reason: row.reason });
      return [];
    });
    storeBatch(connection, rows);
    for (const { id } of rows) known.has(id) ? updated++ : added++;
    // Others share this thread: nobody waits for more than a batch.
    await setImmediate();
  }
  const removed = walk.complete ? removeMissing(connection, missingIds(codexHome, known, walk)) : 0;
  const { files, duplicates, complete } = walk;
  return { files, added, updated, removed, skipped, duplicates, complete };
}

function knownFiles(connection: Connection): Map<string, KnownFile> {
  const sql = `
    SELECT id, rollout_path AS path, file_bytes AS bytes, file_mtime_ms AS mtimeMs, scanned_bytes AS scannedBytes
    FROM threads`;
  const rows = connection.query((db) => db.query<KnownFile & { id: string }, []>(sql).all());
  return new Map(rows.map((row) => [row.id, row]));
}

function isUnchanged(found: FoundRollout, known: KnownFile | undefined): boolean {
  return (
    known !== undefined && known.path === found.path && known.bytes === found.bytes && known.mtimeMs === found.mtimeMs
  );
}

function readRow(
  found: FoundRollout,
  earlier: EarlierFacts | undefined,
  buffer: Buffer,
): { row: IndexedThread } | { reason: string } {
  try {
    const options = { size: found.bytes, buffer, ...(earlier !== undefined && { earlier }) };
    const facts = readRolloutFacts(found.path, options);
    return facts === undefined
      ? { reason: "it does not begin with a session_meta record" }
      : { row: indexedThread(found, facts) };
  } catch (error) {
    return { reason: osErrorText(error) };
  }
}

/** Below this size a file is simply read again: cheaper than being wrong about what was added. */
const REREAD_BYTES = 1 << 20;

/** What a large file said that has only been added to since. */
function earlierFacts(
  connection: Connection,
  found: FoundRollout,
  known: KnownFile | undefined,
): EarlierFacts | undefined {
  if (known === undefined || known.path !== found.path || found.bytes <= known.bytes) return undefined;
  const row = known.scannedBytes > REREAD_BYTES ? connection.query((db) => getThread(db, found.threadId)) : undefined;
  if (row === undefined) return undefined;
  const { model, memoryMode, firstUserMessage } = row;
  return { model, memoryMode, firstUserMessage, scannedBytes: known.scannedBytes };
}

/** A first message is kept to recognise a session by, not to be read in full. */
const MESSAGE_CHARS = 2000;
const TITLE_CHARS = 120;

function indexedThread(found: FoundRollout, facts: RolloutFacts): IndexedThread {
  const { meta } = facts;
  const seconds = (ms: number | undefined) => Math.floor((ms ?? found.mtimeMs) / 1000);
  const message = facts.firstUserMessage.trim().slice(0, MESSAGE_CHARS);
  return {
    id: found.threadId,
    rolloutPath: found.path,
    source: typeof meta.source === "string" ? meta.source : JSON.stringify(meta.source),
    cwd: meta.cwd,
    gitSha: meta.git?.commit_hash ?? null,
    gitBranch: meta.git?.branch ?? null,
    gitOriginUrl: meta.git?.repository_url ?? null,
    model: facts.model,
    provider: meta.model_provider,
    title: (message.split("\n", 1)[0] ?? "").slice(0, TITLE_CHARS),
    firstUserMessage: message,
    createdAt: seconds(parseTimestamp(meta.timestamp)),
    updatedAt: seconds(facts.updatedAtMs),
    archived: found.archived,
    memoryMode: facts.memoryMode,
    fileBytes: found.bytes,
    fileMtimeMs: found.mtimeMs,
    scannedBytes: facts.scannedBytes,
  };
}

function storeBatch(connection: Connection, rows: readonly IndexedThread[]): void {
  if (rows.length === 0) return;
  connection.write((db) => {
    for (const row of rows) upsertThread(db, row);
  });
}

/**
 * Threads whose files are gone; one whose file merely could not be parsed is not. Looked for twice, because a file
 * that moves between the trees during a walk can be missed by it.
 */
function missingIds(codexHome: string, known: ReadonlyMap<string, KnownFile>, walk: RolloutWalk): string[] {
  const missing = [...known.keys()].filter((id) => !walk.rollouts.has(id));
  if (missing.length === 0) return [];
  const again = walkRollouts(codexHome);
  return again.complete ? missing.filter((id) => !again.rollouts.has(id)) : [];
}

function removeMissing(connection: Connection, ids: readonly string[]): number {
  if (ids.length === 0) return 0;
  connection.write((db) => {
    for (const id of ids) deleteThread(db, id);
  });
  return ids.length;
}
