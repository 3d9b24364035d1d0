import type { MemoryMeta } from "#state/rows.ts";
import type { AuditRow } from "./audit.ts";
import { type Entry, GLOBAL, STAGE_ONE } from "./operations.ts";
import { Replay } from "./replay.ts";

export interface FinalState {
  threads: { id: string; updatedAt: number; status: string | null; retries: number | null; success: number | null }[];
  outputs: { id: string; token: string }[];
  phaseTwoDue: boolean;
  meta: MemoryMeta;
  wrongColumns: number;
  running: number;
}

interface Recorded {
  entries: readonly Entry[];
  audit: readonly AuditRow[];
  cap: number;
  final: FinalState;
}

/** Everything that is wrong with a history, in sentences. */
export function checkHistory({ entries, audit, cap, final }: Recorded): string[] {
  const replay = new Replay(entries, audit, cap);
  for (const row of audit) replay.apply(row);
  return [...replay.problems, ...checkAnswers(entries, replay), ...checkEnd(final, entries, replay)];
}

/** What workers were told is what happened, and what happened was told to somebody or lost with its worker. */
function checkAnswers(entries: readonly Entry[], replay: Replay): string[] {
  const problems: string[] = [];
  const lostWorkers = new Set<string>();
  const told = new Map<string, { confirmed: string[]; lost: boolean }>();
  const claimed = new Set<string>();
  for (const { operation, result } of entries) {
    if ("worker" in operation && result === "lost") lostWorkers.add(operation.worker);
    if (result !== "lost" && "claims" in result) for (const { token } of result.claims) claimed.add(token);
    if (result !== "lost" && "token" in result && result.token !== null) claimed.add(result.token);
    if (!("token" in operation) || operation.type === "heartbeat") continue;
    const answers = told.get(operation.token) ?? { confirmed: [], lost: false };
    told.set(operation.token, answers);
    if (result === "lost") answers.lost = true;
    else if ("done" in result && result.done) answers.confirmed.push(operation.type);
  }
  for (const token of claimed) if (!replay.claims.has(token)) problems.push(`claim ${token} was told but never made`);
  for (const [token, worker] of replay.claims)
    if (!claimed.has(token) && !lostWorkers.has(worker)) problems.push(`claim ${token} by ${worker} was never told`);
  for (const [token, { confirmed, lost }] of told) {
    const ended = replay.ended.get(token);
    if (confirmed.length > 1) problems.push(`${token} ended ${confirmed.length} times: ${confirmed.join(", ")}`);
    if (confirmed.length === 1 && ended === undefined) problems.push(`${token}: ${confirmed[0]} was told but not done`);
    if (confirmed.length === 0 && !lost && ended !== undefined) problems.push(`${token} is ${ended}, but told refused`);
  }
  return [...problems, ...checkHeartbeats(entries, replay)];
}

function checkHeartbeats(entries: readonly Entry[], replay: Replay): string[] {
  const told = entries.filter(
    ({ operation, result }) => operation.type === "heartbeat" && result !== "lost" && "done" in result && result.done,
  ).length;
  const lost = entries.filter(({ operation, result }) => operation.type === "heartbeat" && result === "lost").length;
  return replay.heartbeats >= told && replay.heartbeats <= told + lost
    ? []
    : [`${replay.heartbeats} leases were renewed, ${told} renewals told and ${lost} lost`];
}

function checkEnd(final: FinalState, entries: readonly Entry[], replay: Replay): string[] {
  const problems: string[] = [];
  for (const { id, updatedAt, status, retries, success } of final.threads) {
    const upToDate = status === "done" && success !== null && success >= updatedAt;
    const exhausted = status === "error" && retries === 0;
    if (!upToDate && !exhausted) problems.push(`thread ${id} ended as ${status} with ${retries} retries`);
  }
  if (final.phaseTwoDue) problems.push("phase two is still due");
  if (final.wrongColumns > 0) problems.push(`${final.wrongColumns} threads have wrong derived columns`);
  if (final.running > 0) problems.push(`${final.running} jobs still run`);
  if (final.meta.syncedGeneration !== final.meta.artifactsGeneration) problems.push("the last sync was not noted");
  return [...problems, ...checkOutputs(final, entries, replay), ...checkPublished(final, replay)];
}

/** Each thread has the output of its last success, or none when that had none. */
function checkOutputs(final: FinalState, entries: readonly Entry[], replay: Replay): string[] {
  const empty = new Set(
    entries.flatMap(({ operation }) => (operation.type === "finish" && operation.empty ? [operation.token] : [])),
  );
  const full = new Set(
    entries.flatMap(({ operation }) => (operation.type === "finish" && !operation.empty ? [operation.token] : [])),
  );
  const found = new Map(final.outputs.map(({ id, token }) => [id, token]));
  const problems = final.outputs.length === found.size ? [] : ["an output is there twice"];
  for (const { id } of final.threads) {
    const token = replay.lastSuccess.get(`${STAGE_ONE} ${id}`);
    const allowed: (string | undefined)[] = token === undefined ? [undefined] : [];
    if (token !== undefined && full.has(token)) allowed.push(token);
    if (token !== undefined && empty.has(token)) allowed.push(undefined);
    if (!allowed.includes(found.get(id)))
      problems.push(`thread ${id} has output ${found.get(id)}, not that of ${token}`);
  }
  return problems;
}

function checkPublished(final: FinalState, replay: Replay): string[] {
  const last = replay.lastSuccess.get(`${GLOBAL} global`) ?? "";
  return final.meta.publishedToken === last ? [] : [`published is ${final.meta.publishedToken}, last done ${last}`];
}
