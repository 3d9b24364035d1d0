import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Scene, useStage } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();
/** What `npx @modelcontextprotocol/inspector --cli …` runs. */
const INSPECTOR = fileURLToPath(import.meta.resolve("@modelcontextprotocol/inspector-cli/build/cli.js"));

/** Runs the official inspector with the server as its target; what it prints, as JSON. */
async function inspect(scene: Scene, ...args: readonly string[]) {
  const world = await stage.world(scene);
  // It looks for its own package.json relative to where it is started, and imports it only if there is one.
  writeFileSync(join(world.root, "package.json"), "{}");
  const child = Bun.spawn(["node", INSPECTOR, "--cli", cliBinary(), "mcp-server", ...args], {
    cwd: world.cwd,
    env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "k", SHELL: "/bin/bash" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`the inspector ended with ${code}: ${stderr}`);
  return { world, printed: JSON.parse(stdout) as Record<string, unknown> };
}

test("the inspector lists the tools", async () => {
  const { printed } = await inspect({}, "--method", "tools/list");
  expect((printed.tools as { name: string }[]).map(({ name }) => name)).toEqual(["codex", "codex-reply"]);
});

test("the inspector calls a tool, with settings", async () => {
  const { printed, world } = await inspect(
    { responses: [answer(assistantText("hello"))] },
    ...["--method", "tools/call", "--tool-name", "codex", "--tool-arg", "prompt=hi"],
    ...["--tool-arg", 'config={"model_reasoning_effort":"low"}'],
  );
  expect(printed).toEqual({
    content: [{ type: "text", text: "hello" }],
    structuredContent: { threadId: expect.any(String), content: "hello" },
  });
  expect(world.server.requests[0]?.body.reasoning).toMatchObject({ effort: "low" });
});

test("the inspector is answered what there is none of", async () => {
  const [resources, prompts] = await Promise.all([
    inspect({}, "--method", "resources/list"),
    inspect({}, "--method", "prompts/list"),
  ]);
  expect(resources.printed).toEqual({ resources: [] });
  expect(prompts.printed).toEqual({ prompts: [] });
});
