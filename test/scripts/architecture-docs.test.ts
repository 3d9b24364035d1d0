import { expect, test } from "bun:test";
import { join } from "node:path";
import { type ArchitectureRules, tierTableMarkdown } from "../../scripts/architecture-rules.ts";

const PROJECT = join(import.meta.dir, "..", "..");

const rules = (await Bun.file(join(PROJECT, "architecture.json")).json()) as ArchitectureRules;

test("docs/architecture.md shows the tier table of architecture.json", async () => {
  const page = await Bun.file(join(PROJECT, "docs", "architecture.md")).text();
  const shown = /<!-- tiers -->\n([\s\S]*?)\n<!-- \/tiers -->/.exec(page)?.[1];
  expect(shown).toBe(tierTableMarkdown(rules));
});

test("AGENTS.md names every folder in the row of its tier", async () => {
  const lines = (await Bun.file(join(PROJECT, "AGENTS.md")).text()).split("\n");
  const folders = rules.tiers.flatMap((row) => row.folders.map((folder) => ({ tier: row.tier, folder })));
  const absent = folders.filter(
    ({ tier, folder }) => !lines.some((line) => line.startsWith(`| ${tier} |`) && line.includes(`\`${folder}\``)),
  );
  expect(absent).toEqual([]);
});
