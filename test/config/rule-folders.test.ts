import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ruleFolders } from "#config/rule-folders.ts";
import { configFixture } from "./fixture.ts";

test("system, user, and the project's folders from its root down once it is trusted", async () => {
  using fixture = configFixture();
  const { project, codexHome, systemFolder } = fixture;
  const inner = join(project, "a");
  for (const folder of [join(project, ".codex"), join(inner, ".codex")]) mkdirSync(folder, { recursive: true });
  const always = [join(systemFolder, "rules"), join(codexHome, "rules")];
  expect(ruleFolders(await fixture.load({ cwd: inner }))).toEqual(always);
  fixture.write("home/config.toml", `[projects."${project}"]\ntrust_level = "trusted"\n`);
  const trusted = await fixture.load({ cwd: inner });
  expect(ruleFolders(trusted)).toEqual([...always, join(project, ".codex/rules"), join(inner, ".codex/rules")]);
  expect(ruleFolders(await fixture.load({ cwd: inner, ignoreUserConfig: true }))).toEqual(always);
});
