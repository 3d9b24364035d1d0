import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import { findTomlValue } from "#lib/toml-position.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { configFixture } from "./fixture.ts";

const CORPUS = join(import.meta.dir, "../corpora/config");
const FILES = readdirSync(CORPUS).sort();

/** Files with keys that this program does not have, and how often it says so. */
const NOTICES: Readonly<Record<string, number>> = {
  "later-version.toml": 4,
  "unicode-keys.toml": 1,
  "unsafe-keys.toml": 1,
};

describe("configurations that people have", () => {
  test("are at least fifteen", () => expect(FILES.length).toBeGreaterThanOrEqual(15));

  test.each(FILES)("%s loads without an error", async (name) => {
    using fixture = configFixture();
    fixture.write("home/config.toml", readFileSync(join(CORPUS, name)));
    const loaded = await fixture.load();
    expect(loaded.warnings.length).toBe(NOTICES[name] ?? 0);
  });

  test.each(FILES.filter((name) => name !== "project-docs.toml"))("%s gives settings", async (name) => {
    using fixture = configFixture();
    fixture.write("home/config.toml", readFileSync(join(CORPUS, name)));
    const settings = resolveSettings(await fixture.load());
    expect(settings.model).not.toBe("");
    expect(settings.provider.id).not.toBe("");
  });

  test.each(FILES)("every value of %s is found at its place", (name) => {
    const text = readFileSync(join(CORPUS, name), "utf8");
    for (const { path, value } of leaves(parse(text), [])) {
      const span = findTomlValue(text, path);
      const found = span === undefined ? undefined : parse(`x = ${text.slice(span.start, span.end)}`).x;
      expect<unknown>({ path, value: found }).toEqual({ path, value });
    }
  });
});

function leaves(value: unknown, path: string[]): { path: string[]; value: unknown }[] {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return path.length > 0 ? [{ path, value }] : [];
  }
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}

test("keys that name a prototype are keys like any other and change no object", async () => {
  using fixture = configFixture();
  fixture.write("home/config.toml", readFileSync(join(CORPUS, "unsafe-keys.toml")));
  const { config } = await fixture.load({ profile: "__proto__" });
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(Object.keys(config.mcp_servers).sort()).toEqual(["__proto__", "constructor"]);
  expect(Object.entries(config.shell_environment_policy.set)).toEqual([["__proto__", "v"]]);
  expect(config.model).toBe("m");
});

test("a byte order mark and CRLF line ends are read", async () => {
  using fixture = configFixture();
  fixture.write("home/config.toml", readFileSync(join(CORPUS, "bom-crlf.toml")));
  const { config } = await fixture.load();
  expect(config.model).toBe("with-bom");
  expect(config.tui.animations).toBe(false);
});

test("a file of twenty thousand entries loads in time that grows with their number", async () => {
  using fixture = configFixture();
  const entries = Array.from({ length: 20_000 }, (_, n) => `[projects."/work/${n}"]\ntrust_level = "trusted"\n`);
  fixture.write("home/config.toml", entries.join("\n"));
  const spent = await cpuMs(async () => {
    const { config } = await fixture.load();
    expect(Object.keys(config.projects).length).toBe(20_000);
  });
  // It is 0.4 s; with Bun's own parser it was three and more.
  expect(spent).toBeLessThan(2000);
});

test("no file at all gives the defaults", async () => {
  using fixture = configFixture();
  const loaded = await loadConfig({
    codexHome: join(fixture.root, "missing"),
    systemFolder: join(fixture.root, "missing"),
    cwd: fixture.project,
  });
  expect(loaded.warnings).toEqual([]);
  expect(loaded.origins.size).toBe(0);
  expect(loaded.config.project_doc_max_bytes).toBe(32_768);
  expect(loaded.config.memories.sources).toEqual(["cli", "vscode"]);
  expect(loaded.config.model).toBeUndefined();
});
