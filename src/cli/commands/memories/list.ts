import { basename } from "node:path";
import { writeStdout } from "#lib/stdio.ts";
import type { StageOneOutput } from "#state/rows.ts";
import { type MemoriesContext, type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { jsonTime, oneLine, relativeTime, table } from "./text.ts";

/** The kept outputs, newest first. */
export function memoriesList(options: MemoriesOptions): Promise<number> {
  return withMemories(options, async (context) => {
    const rows = await context.store.outputs.list();
    if (options.json === true) printJson(rows.map(jsonRow));
    else if (rows.length === 0)
      writeStdout(
        "Nothing was kept yet. `codex memories status` says what is waiting; `codex memories run` reads it.\n",
      );
    else writeStdout(await textTable(rows, context));
    return 0;
  });
}

/** An output as JSON, without its long texts. */
export function jsonRow(row: StageOneOutput) {
  return {
    thread_id: row.threadId,
    updated_at: jsonTime(row.sourceUpdatedAt),
    cwd: row.cwd,
    project: row.project,
    git_branch: row.gitBranch,
    provider: row.provider,
    model: row.model,
    extractor: row.extractor,
    rollout_slug: row.rolloutSlug,
    rollout_path: row.rolloutPath,
    generated_at: jsonTime(row.generatedAt),
    usage_count: row.usageCount,
    last_usage: jsonTime(row.lastUsage),
  };
}

async function textTable(rows: readonly StageOneOutput[], { store, now }: MemoriesContext): Promise<string> {
  const titles = new Map((await store.threads.list()).map((thread) => [thread.id, thread.title]));
  return table(
    ["SESSION", "LAST LINE", "USED", "PROJECT", "ABOUT"],
    rows.map((row) => [
      row.threadId,
      relativeTime(row.sourceUpdatedAt, now),
      String(row.usageCount),
      basename(row.project) || row.project,
      oneLine(titles.get(row.threadId) || row.rolloutSummary),
    ]),
  );
}
