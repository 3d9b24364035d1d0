/** Turns session sources into rollout files. */
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { rolloutPath } from "#rollout/path.ts";
import type { SessionSource } from "./parse.ts";
import { Recording } from "./recording.ts";
import { record101 } from "./rollout-101.ts";
import { record169 } from "./rollout-169.ts";

/** A rollout that was written. */
export interface ExpandedSession {
  path: string;
  threadId: string;
  /** Numbers (from 1) of the response-item lines that hold what the user typed, one per user message in order. */
  userLines: readonly number[];
  /** Milliseconds since the epoch of the first and the last line. */
  startMs: number;
  endMs: number;
}

/** When a session is: exactly one of the two; the other follows from its length. */
export type When = { startMs: number } | { endMs: number };

/** Writes the session's rollout below `codexHome`, its times set to when the session ended. Same input, same bytes. */
export async function writeRollout(session: SessionSource, codexHome: string, when: When): Promise<ExpandedSession> {
  const startMs = "startMs" in when ? when.startMs : when.endMs - lastLineMs(recordSession(session, 0));
  const recording = recordSession(session, startMs);
  const endMs = lastLineMs(recording);
  const path = rolloutPath(codexHome, recording.threadId, startMs);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, recording.lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  await utimes(path, endMs / 1000, endMs / 1000);
  return { path, threadId: recording.threadId, userLines: recording.userLines, startMs, endMs };
}

function recordSession(session: SessionSource, startMs: number): Recording {
  const recording = new Recording(session, startMs);
  if (session.format === "0.169") record169(recording);
  else record101(recording);
  return recording;
}

function lastLineMs(recording: Recording): number {
  return Date.parse(String(recording.lines.at(-1)?.timestamp));
}
