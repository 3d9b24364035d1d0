import { messageOf } from "#lib/errors.ts";
import { writeStdout } from "#lib/stdio.ts";
import { checkMemoryRoot } from "#memories/layout.ts";
import { outlineMemory } from "#memories/memory-grammar.ts";
import { readMemoryFile } from "#memories/read/memory-file.ts";
import { LEGACY_ALIASES_UNTIL } from "#memories/write/phase-one/output-schema.ts";
import { callableProviders, claimableProviders, claimRules } from "#runtime/memories.ts";
import { stateDatabasePath } from "#state/open.ts";
import { type MemoriesContext, type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { counted, relativeTime } from "./text.ts";

/** One thing that was looked at. A warning is worth knowing, a problem keeps memories from working. */
interface Check {
  name: string;
  status: "ok" | "warning" | "problem";
  detail: string;
}

/** Looks at everything memories depend on. Exit code 1 when there is a problem. */
export function memoriesDoctor(options: MemoriesOptions): Promise<number> {
  return withMemories(options, async (context) => {
    const checks = (await Promise.all(LOOKS.map((look) => attempt(look, context)))).flat();
    const isOk = checks.every((check) => check.status !== "problem");
    if (options.json === true) printJson({ ok: isOk, checks });
    else for (const { name, status, detail } of checks) writeStdout(`${SIGN[status]} ${name.padEnd(14)}${detail}\n`);
    return isOk ? 0 : 1;
  });
}

const SIGN = { ok: "ok      ", warning: "warning ", problem: "PROBLEM " } as const;

type Look = { name: string; look: (context: MemoriesContext) => Promise<Check[]> };

const LOOKS: readonly Look[] = [
  { name: "root", look: checkRoot },
  { name: "database", look: checkDatabase },
  { name: "sessions", look: checkSessions },
  { name: "artifacts", look: checkArtifacts },
  { name: "MEMORY.md", look: checkMemory },
  { name: "jobs", look: checkJobs },
  { name: "extractor", look: checkExtractor },
  { name: "legacy names", look: checkAliases },
];

async function attempt({ name, look }: Look, context: MemoriesContext): Promise<Check[]> {
  try {
    return await look(context);
  } catch (error) {
    return [{ name, status: "problem", detail: messageOf(error) }];
  }
}

async function checkRoot({ layout }: MemoriesContext): Promise<Check[]> {
  const detail = checkMemoryRoot(layout) === "missing" ? `${layout.root} is not there yet` : layout.root;
  return [{ name: "root", status: "ok", detail }];
}

async function checkDatabase({ store, codexHome }: MemoriesContext): Promise<Check[]> {
  const wrong = await store.threads.countWrongDueColumns();
  const path = stateDatabasePath(codexHome);
  if (wrong === 0) return [{ name: "database", status: "ok", detail: path }];
  const detail = `${counted(wrong, "row")} of ${path} say wrongly whether they are due; move the file away, it is made again from your sessions and memory files`;
  return [{ name: "database", status: "problem", detail }];
}

async function checkSessions({ store }: MemoriesContext): Promise<Check[]> {
  const report = await store.threads.backfill();
  const checks: Check[] = [{ name: "sessions", status: "ok", detail: counted(report.files, "rollout file") }];
  if (!report.complete)
    checks.push({
      name: "sessions",
      status: "warning",
      detail: "a session folder could not be read, so none was taken out of the index",
    });
  for (const { path, reason } of report.skipped)
    checks.push({ name: "sessions", status: "warning", detail: `${path}: ${reason}` });
  for (const { path, kept } of report.duplicates)
    checks.push({
      name: "sessions",
      status: "warning",
      detail: `${path} has the id of ${kept}, which is longer and counts`,
    });
  return checks;
}

async function checkArtifacts({ store }: MemoriesContext): Promise<Check[]> {
  const { artifactsGeneration, syncedGeneration } = await store.meta.read();
  if (artifactsGeneration === syncedGeneration)
    return [{ name: "artifacts", status: "ok", detail: "the files are those of the database" }];
  return [
    {
      name: "artifacts",
      status: "warning",
      detail: "the files are behind the database; `codex memories rebuild` writes them",
    },
  ];
}

async function checkMemory({ layout }: MemoriesContext): Promise<Check[]> {
  const text = readMemoryFile(layout.memory);
  if (text === undefined) return [{ name: "MEMORY.md", status: "ok", detail: "not there yet, or no regular file" }];
  if (outlineMemory(text).follows)
    return [{ name: "MEMORY.md", status: "ok", detail: `${Buffer.byteLength(text)} bytes` }];
  const detail =
    'does not begin with "# Memory": all of it counts as a summary until the next merge, which moves it under "## Notes"';
  return [{ name: "MEMORY.md", status: "warning", detail }];
}

async function checkJobs({ store, settings, codexHome, now }: MemoriesContext): Promise<Check[]> {
  const providers = claimableProviders(settings, { codexHome, spent: 0, stays: true });
  const stageOne = await store.stageOne.status(claimRules(settings, providers, now));
  const phaseTwo = await store.phaseTwo.status({ now });
  const failed = stageOne.error + Number(phaseTwo.failure !== null);
  const stale = stageOne.stale + Number(phaseTwo.state === "stale");
  if (failed + stale === 0) return [{ name: "jobs", status: "ok", detail: "none failed, none abandoned" }];
  const detail = `${failed} failed, ${stale} abandoned; \`codex memories status\` says why and when they are tried again`;
  return [{ name: "jobs", status: "warning", detail }];
}

async function checkExtractor({ settings, codexHome }: MemoriesContext): Promise<Check[]> {
  const { extractor, dailyTokenBudget } = settings.memories;
  const callable = callableProviders(settings, codexHome);
  if (extractor === "model" && (callable.length === 0 || dailyTokenBudget === 0)) {
    const why = dailyTokenBudget === 0 ? "memories.daily_token_budget is 0" : "no configured provider has credentials";
    return [
      { name: "extractor", status: "problem", detail: `memories.extractor is "model", but ${why}: nothing is read` },
    ];
  }
  const who =
    extractor === "builtin" || callable.length === 0 || dailyTokenBudget === 0
      ? "the built-in rules"
      : `models of ${callable.join(", ")}`;
  return [{ name: "extractor", status: "ok", detail: `${extractor}: sessions are read by ${who}` }];
}

const ALIAS_QUIET_DAYS = 90;
const DAY_SECONDS = 86_400;

/** Old names of the model's output keys (`summary`, `rawMemory`), accepted for a while: see docs/memories.md. */
async function checkAliases({ store, now }: MemoriesContext): Promise<Check[]> {
  const seen = Number(await store.meta.getNote("legacy_alias_seen_at"));
  if (!Number.isFinite(seen) || seen <= 0)
    return [{ name: "legacy names", status: "ok", detail: `never seen; accepted until ${LEGACY_ALIASES_UNTIL}` }];
  const quiet = now - seen >= ALIAS_QUIET_DAYS * DAY_SECONDS;
  const detail = `summary or rawMemory was last seen ${relativeTime(seen, now)}; accepted until ${LEGACY_ALIASES_UNTIL}`;
  return [{ name: "legacy names", status: quiet ? "ok" : "warning", detail }];
}
