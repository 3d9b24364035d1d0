/**
 * A sample CODEX_HOME for trying memories: the sessions of examples/sample-home, as if they had happened in the
 * last month.
 *
 * usage: sample-home.ts <folder>
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { PROJECT } from "./build-plan.ts";
import { type ExpandedSession, writeRollout } from "./sessions/expand.ts";
import { parseSession, type SessionSource } from "./sessions/parse.ts";

const DAY_MS = 86_400_000;

/** The sessions of the sample home, by name. */
export async function loadSampleSessions(): Promise<SessionSource[]> {
  const folder = join(PROJECT, "examples", "sample-home", "sessions");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".session")).sort();
  return Promise.all(
    names.map(async (name) => parseSession(basename(name, ".session"), await readFile(join(folder, name), "utf8"))),
  );
}

/**
 * Writes the rollouts of the sample home below `target/sessions`, each ending 1 to 29 days before `nowMs`
 * (milliseconds since the epoch). Thread ids are always the same.
 */
export async function expandSampleHome(target: string, nowMs: number): Promise<ExpandedSession[]> {
  const sessions = await loadSampleSessions();
  return Promise.all(
    sessions.map((session) => {
      if (session.daysAgo === undefined) throw new Error(`The sample session "${session.name}" has no days-ago.`);
      return writeRollout(session, target, { endMs: nowMs - session.daysAgo * DAY_MS });
    }),
  );
}

if (import.meta.main) {
  const target = process.argv[2];
  if (target === undefined) throw new Error("usage: sample-home.ts <folder>");
  const written = await expandSampleHome(target, Date.now());
  console.log(`Wrote ${written.length} sessions below ${join(target, "sessions")}`);
}
