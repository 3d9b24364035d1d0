import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();
const PROJECT = join(import.meta.dir, "../..");
const PAGE = readFileSync(join(PROJECT, "docs/mcp-server.md"), "utf8");

test("the example of the page runs as it stands, with a key that only the environment has", async () => {
  const escalated = { cmd: "touch made", sandbox_permissions: "require_escalated", justification: "why not" };
  const world = await stage.world({
    responses: [
      answer(functionCall("exec_command", escalated)),
      answer(assistantText("fixed")),
      answer(assistantText("tested")),
    ],
  });
  const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const script = example
    .replace('command: "codex"', `command: ${JSON.stringify(cliBinary())}`)
    .replace('"/srv/app"', JSON.stringify(world.cwd))
    .replace("await client.close();", "console.log(content);\nawait client.close();");
  const child = Bun.spawn([process.execPath, "-e", script], {
    cwd: PROJECT,
    env: { PATH: Bun.env.PATH, HOME: world.home, SHELL: "/bin/bash", MOCK_KEY: "sk-mock" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(stderr).toBe("");
  expect(await child.exited).toBe(0);
  // The client may forget a call before it has told of what came last, which on a slow machine is more.
  expect(stdout.split("\n").filter((line) => !/^(Thinking$|Running )/.test(line))).toEqual([
    "Waiting for an answer",
    `Allow Codex to run \`/bin/bash -lc 'touch made'\` in \`${world.cwd}\`?`,
    "It would run without the sandbox. Reason: why not",
    "fixed",
    "",
  ]);
  expect(existsSync(join(world.cwd, "made"))).toBeTrue();
  expect(world.server.requests.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill("Bearer sk-mock"));
  expect(JSON.stringify(world.server.requests[2]?.body.input)).toContain("now add a test for it");
});
