import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PROJECT = join(import.meta.dir, "..", "..");
const PLACES = ["*.md", "docs/**/*.md", "src/**/README.md", "examples/*/*.md"];
const PAGES = PLACES.flatMap((place) => [...new Bun.Glob(place).scanSync({ cwd: PROJECT })]).sort();

test.each(PAGES)("every relative link of %s leads to a file", (page) => {
  const text = readFileSync(join(PROJECT, page), "utf8");
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
  const broken = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(PROJECT, dirname(page), link)));
  expect(broken).toEqual([]);
});

test("there are pages to look at", () => {
  expect(PAGES).toContain("README.md");
});
