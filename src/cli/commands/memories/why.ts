import { CodexError, osErrorText } from "#lib/errors.ts";
import { writeStdout } from "#lib/stdio.ts";
import { citationsIn } from "#memories/memory-grammar.ts";
import { type Receipt, readReceipts } from "#memories/read/receipts.ts";
import { findRollout, listRecent } from "#rollout/list.ts";
import { parseRolloutName } from "#rollout/path.ts";
import type { ThreadRow } from "#state/rows.ts";
import { type MemoriesContext, type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { number, oneLine, strong, table } from "./text.ts";

interface Given {
  rolloutPath: string;
  threadId: string;
  receipts: readonly Receipt[];
}

/** What a session was given of the memories; without an id, the newest session that was given any. */
export function memoriesWhy(session: string | undefined, options: MemoriesOptions): Promise<number> {
  return withMemories(options, async (context) => {
    const given = session === undefined ? newestWithReceipt(context.codexHome) : ofSession(context.codexHome, session);
    const sources = await sourcesOf(given, context);
    if (options.json === true) printJson(jsonOf(given, sources));
    else writeStdout(textOf(given, sources));
    return 0;
  });
}

function ofSession(codexHome: string, session: string): Given {
  const rolloutPath = findRollout(codexHome, session);
  if (rolloutPath === undefined)
    throw new CodexError("thread_not_found", `no rollout found for thread id ${session} in "${codexHome}"`);
  try {
    return { rolloutPath, threadId: session.toLowerCase(), receipts: readReceipts(rolloutPath) };
  } catch (error) {
    throw new CodexError("rollout_unreadable", `Cannot read "${rolloutPath}": ${osErrorText(error)}`, { cause: error });
  }
}

function newestWithReceipt(codexHome: string): Given {
  for (const { path, threadId } of listRecent(codexHome)) {
    const receipts = tryReceipts(path);
    if (receipts.length > 0) return { rolloutPath: path, threadId, receipts };
  }
  throw new CodexError("no_receipt", `No session in "${codexHome}" was given memories yet`);
}

function tryReceipts(path: string): Receipt[] {
  try {
    return readReceipts(path);
  } catch {
    // Gone meanwhile, or not ours to read: another session may answer.
    return [];
  }
}

/** A session that something injected came from. */
interface Source {
  thread: ThreadRow | undefined;
  threadId: string;
  /** Statements in the message that cite it. */
  statements: { text: string; line: number | null }[];
}

async function sourcesOf({ receipts }: Given, { store }: MemoriesContext): Promise<Source[]> {
  const last = receipts.at(-1);
  if (last === undefined) return [];
  const lines = (last.message ?? "").split("\n");
  return Promise.all(
    last.record.thread_ids.map(async (threadId) => ({
      threadId,
      thread: await store.threads.get(threadId),
      statements: lines.flatMap((text) => {
        const citation = citationsIn(text).find((one) => one.threadId === threadId);
        return citation === undefined ? [] : [{ text: oneLine(text), line: citation.line }];
      }),
    })),
  );
}

function jsonOf(given: Given, sources: readonly Source[]) {
  return {
    thread_id: given.threadId,
    rollout_path: given.rolloutPath,
    receipts: given.receipts.map(({ time, record }) => {
      const { reason, project, sha256, bytes, budget_bytes, sections, other_projects, thread_ids } = record;
      return { time, reason, project, sha256, bytes, budget_bytes, sections, other_projects, thread_ids };
    }),
    sources: sources.map(({ threadId, thread, statements }) => ({
      thread_id: threadId,
      title: thread?.title ?? null,
      rollout_path: thread?.rolloutPath ?? null,
      statements,
    })),
    message: given.receipts.at(-1)?.message ?? null,
  };
}

function textOf(given: Given, sources: readonly Source[]): string {
  const id = parseRolloutName(given.rolloutPath.split("/").at(-1) ?? "")?.threadId ?? given.threadId;
  const last = given.receipts.at(-1);
  if (last === undefined) return `Session ${id} was given no memories.\n`;
  const { record } = last;
  const share = `${number(record.bytes)} of at most ${number(record.budget_bytes)} bytes`;
  const head = [
    `Session ${id} was given ${share} at its ${PLACE[record.reason]} (${last.time}).`,
    `project    ${record.project}`,
    `rollout    ${given.rolloutPath}`,
  ];
  const rows = record.sections.map((section) => [
    number(section.bytes),
    String(section.entries),
    section.cut_bytes === 0 ? "-" : `${number(section.cut_bytes)} bytes, ${section.cut_entries} entries`,
    section.name,
  ]);
  const { named, cut } = record.other_projects;
  const others = named + cut === 0 ? "" : `\nOther projects: ${named} named, ${cut} names cut\n`;
  return `${head.join("\n")}\n\n${table(["BYTES", "ENTRIES", "CUT", "SECTION"], rows)}${others}${sourcesText(sources)}`;
}

const PLACE = { start: "start", resume: "resumption", compaction: "last compaction" } as const;

function sourcesText(sources: readonly Source[]): string {
  const parts = sources.map(({ threadId, thread, statements }) => {
    const title = thread === undefined ? "(its rollout is gone)" : oneLine(thread.title);
    return `${threadId}  ${title}\n${statements.map(({ text }) => `  ${text}\n`).join("")}`;
  });
  return parts.length === 0 ? "" : `\n${strong("Where it came from")}\n${parts.join("")}`;
}
