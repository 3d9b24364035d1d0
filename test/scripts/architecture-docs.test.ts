import { expect, test } from "bun:test";
import { join } from "node:path";
import { type ArchitectureRules, tierTableMarkdown } from "../../scripts/architecture-rules.ts";

const PROJECT = join(import.meta.dir, "..", "..");

test("docs/architecture.md shows the tier table of architecture.json", async () => {
  const rules = (await Bun.file(join(PROJECT, "architecture.json")).json()) as ArchitectureRules;
  const page = await Bun.file(join(PROJECT, "docs", "architecture.md")).text();
  const shown = /<!-- tiers -->\n([\s\S]*?)\n<!-- \/tiers -->/.exec(page)?.[1];
  expect(shown).toBe(tierTableMarkdown(rules));
});
