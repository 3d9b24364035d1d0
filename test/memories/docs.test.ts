import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MEMORIES_FIELDS } from "#config/schema/memories.ts";
import { LEGACY_ALIASES_UNTIL } from "#memories/write/phase-one/output-schema.ts";
import { CONSOLIDATION_BOUNDS } from "#memories/write/phase-two/consolidation-agent.ts";
import { HEARTBEAT_SECONDS, LEASE_SECONDS, RETRIES, RETRY_DELAY_SECONDS, RUNNING_CAP } from "#state/lease.ts";
import { memoryRequirement } from "../compat/memory-cite.ts";

const PROJECT = join(import.meta.dir, "..", "..");
const DOCS = readFileSync(join(PROJECT, "docs", "memories.md"), "utf8");
const number = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

memoryRequirement(["mem.5.2"], "the docs have layout, settings, constants, states and the note on the aliases", () => {
  const names = ["MEMORY.md", "raw_memories.md", "rollout_summaries/", "skills/", ".published.json", ".staging/"];
  const states = ["pending", "running", "stale", "done", "error", "published", "unchanged", "discarded", "lost"];
  const { schema } = MEMORIES_FIELDS.memories;
  const fields = schema.kind === "table" ? Object.entries(schema.fields) : [];
  const keys = fields.flatMap(([key, field]) => (field.unused === undefined ? [`\`${key}\``] : []));
  expect(keys.length).toBeGreaterThan(10);
  const constants = [LEASE_SECONDS, HEARTBEAT_SECONDS, RETRY_DELAY_SECONDS].map((seconds) => `${number(seconds)} s`);
  const { maxRounds, maxTokens, maxSeconds } = CONSOLIDATION_BOUNDS;
  const bounds = `${maxRounds}, ${number(maxTokens)}, ${maxSeconds / 60} min`;
  const rest = [`${number(RETRY_DELAY_SECONDS)} s, ${RETRIES}`, `${RUNNING_CAP}; 8`, bounds, LEGACY_ALIASES_UNTIL];
  const wanted = [...names, ...states, ...keys, ...constants, ...rest, "`rawMemory`", "90 days"];
  expect(wanted.filter((text) => !DOCS.includes(text))).toEqual([]);
});

/** Folders by cwd, their keys, and a folder of raw memories belong to older layouts. */
const OLD_WORDS = /raw_memories\/|bucket|cwd[-_ ]?(?:hash|scope)|memory_scope|scope_key/i;
/** The migration, the tests of absence, and words of another matter. */
const MAY_SAY = [
  "src/memories/write/migrate.ts",
  "test/memories/write/migrate.test.ts",
  "test/memories/write/artifacts/sync.test.ts",
  "test/memories/docs.test.ts",
  "test/compat/memory-requirements.ts",
  "test/lib/redact-corpus.ts",
];

memoryRequirement(["mem.5.1"], "no code, prompt or test knows anything of the older layouts", () => {
  const files = ["src/**/*", "test/**/*.ts", "docs/*.md", "scripts/**/*.ts", "bench/**/*.ts"].flatMap((pattern) => [
    ...new Bun.Glob(pattern).scanSync({ cwd: PROJECT, onlyFiles: true }),
  ]);
  expect(files.length).toBeGreaterThan(300);
  const found = files.filter(
    (path) => !MAY_SAY.includes(path) && OLD_WORDS.test(readFileSync(join(PROJECT, path), "utf8")),
  );
  expect(found).toEqual([]);
});
