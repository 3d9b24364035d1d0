import { join } from "node:path";
import { localDateParts } from "#lib/clock.ts";
import { isUuid } from "#lib/ids.ts";

/** Where live sessions are: date folders `YYYY/MM/DD` in local time. */
export function sessionsRoot(codexHome: string): string {
  return join(codexHome, "sessions");
}

/** Where archived sessions are moved to, flat or in date folders. */
export function archivedSessionsRoot(codexHome: string): string {
  return join(codexHome, "archived_sessions");
}

/** The rollout file of a thread that starts at `startedAtMs` (milliseconds since the epoch). */
export function rolloutPath(codexHome: string, threadId: string, startedAtMs: number): string {
  const { year, month, day, time } = localDateParts(startedAtMs);
  return join(sessionsRoot(codexHome), year, month, day, `rollout-${year}-${month}-${day}T${time}-${threadId}.jsonl`);
}

/** What a rollout's file name says. */
export interface RolloutName {
  threadId: string;
  /** `YYYY-MM-DDTHH-MM-SS`, local time of creation; sorts as text. */
  created: string;
}

const NAME = /^rollout-(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2})-([0-9a-f-]{36})\.jsonl$/i;

/** The parts of a rollout file name, or undefined for any other name. */
export function parseRolloutName(fileName: string): RolloutName | undefined {
  const match = NAME.exec(fileName);
  const [created, threadId] = [match?.[1], match?.[2]];
  if (created === undefined || threadId === undefined || !isUuid(threadId)) return undefined;
  return { created, threadId: threadId.toLowerCase() };
}
