import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hookStage, say, shell, toolOutput } from "./exec-stage.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../docs/hooks.md"), "utf8");

/** The first block of this language in docs/hooks.md. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(PAGE)?.[1];
  if (found === undefined) throw new Error(`docs/hooks.md has no ${language}`);
  return found;
}

test.each(["json", "toml"])(
  "the first hook of the page works, as %s",
  async (language) => {
    const responses = [shell("git push origin main"), shell("touch made"), say("ok")];
    await using stage = await hookStage({ responses, tables: language === "toml" ? block("toml") : "" });
    if (language === "json") stage.home.write(".codex/hooks.json", block("json"));
    stage.home.write(".codex/guard.py", block("python"));
    const run = await stage.run(["exec", "go"]);
    expect([run.code, stage.has("made")]).toEqual([0, true]);
    expect(toolOutput(stage.server.requests[1])).toBe(
      "The call was not run: a hook blocked it: ask me before you push",
    );
  },
  60_000,
);

test("the page describes every event and every setting", async () => {
  const { HOOK_EVENTS } = await import("#hooks/config.ts");
  expect(HOOK_EVENTS.filter((event) => !PAGE.includes(`| \`${event}\` |`))).toEqual([]);
  const source = readFileSync(join(import.meta.dir, "../../src/hooks/config.ts"), "utf8");
  const handler = /const HANDLER = v\.looseObject\(\{([\s\S]*?)\n\}\);/.exec(source)?.[1] ?? "";
  const keys = [...handler.matchAll(/^ {2}(\w+):/gm)].map(([, key]) => key ?? "");
  expect(keys).toContain("timeout");
  expect(keys.filter((key) => !PAGE.includes(`\`${key}\``))).toEqual([]);
});
