import { CodexError } from "#lib/errors.ts";
import { writeStdout } from "#lib/stdio.ts";
import type { StageOneOutput } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import { type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { jsonRow } from "./list.ts";
import { jsonTime, relativeTime, strong } from "./text.ts";

/** What was kept of one session: its summary, the memory itself and what it rests on. */
export function memoriesShow(id: string, options: MemoriesOptions): Promise<number> {
  return withMemories(options, async ({ store, now }) => {
    const row = await findOutput(store, id);
    const evidence = parsed(row.evidence);
    if (options.json === true) {
      printJson({ ...jsonRow(row), rollout_summary: row.rolloutSummary, raw_memory: row.rawMemory, evidence });
      return 0;
    }
    const used =
      row.lastUsage === null ? "never used" : `used ${row.usageCount} ×, last ${relativeTime(row.lastUsage, now)}`;
    const facts = [
      ["session", row.threadId],
      ["last line", `${jsonTime(row.sourceUpdatedAt)} (${relativeTime(row.sourceUpdatedAt, now)})`],
      ["project", row.project],
      ["read by", `${row.extractor}, ${relativeTime(row.generatedAt, now)}`],
      ["rollout", row.rolloutPath],
      ["", used],
    ];
    writeStdout(`${facts.map(([name = "", value]) => `${name.padEnd(11)}${value}`).join("\n")}\n`);
    writeStdout(`\n${strong("Summary")}\n${row.rolloutSummary.trim() || "(none)"}\n`);
    writeStdout(`\n${strong("Memory")}\n${row.rawMemory.trim() || "(none)"}\n`);
    return 0;
  });
}

/** The row of an id, or of the one id that begins so. */
async function findOutput(store: StateStore, id: string): Promise<StageOneOutput> {
  const exact = await store.outputs.get(id.toLowerCase());
  if (exact !== undefined) return exact;
  const rows = await store.outputs.list();
  const matching = rows.filter((row) => row.threadId.startsWith(id.toLowerCase()));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  const found = matching.length === 0 ? "nothing was kept of such a session" : `${matching.length} sessions begin so`;
  throw new CodexError("memory_not_found", `Cannot show "${id}": ${found}; codex memories list names them all`);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
