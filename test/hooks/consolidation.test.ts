import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { emptyHome, writeSession } from "../cli/memories/home.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { startModelServer } from "../support/model-server.ts";

test("the merging of memories by a model runs no hook", async () => {
  const id = "019a0000-0000-7000-8000-000000000001";
  const memory = { rollout_slug: "verse", rollout_summary: "About verse", raw_memory: "- verse" };
  const script = `printf '# Memory\\n\\n## Preferences\\n\\n- Verse, says the model. [${id}]\\n' > MEMORY.md`;
  const responses = [
    answer(assistantText(JSON.stringify(memory))),
    answer(functionCall("exec_command", { cmd: script })),
    answer(assistantText("merged")),
  ];
  await using server = await startModelServer({ responses, checkRequests: false });
  await using home = await emptyHome();
  const mark = join(home.home.root, "a-hook-ran");
  const events = [
    "SessionStart",
    "UserPromptSubmit",
    "PreModelRequest",
    "PreToolUse",
    "PostToolUse",
    "Stop",
    "SessionEnd",
  ];
  const hooks = events.map(
    (event) => `[[hooks.${event}]]\nhooks = [{ type = "command", command = "touch ${mark}" }]\n`,
  );
  home.config(
    `model = "gpt-5.2-codex"\nmodel_provider = "mock"\nnotify = ["touch", "${mark}"]\n[model_providers.mock]\nname = "mock"\nbase_url = "${server.baseUrl}"\nenv_key = "MOCK_KEY"\nrequest_max_retries = 0\nstream_max_retries = 0\n${hooks.join("")}`,
  );
  writeSession(home, 1, { daysAgo: 5 });
  expect(await home.json("run")).toMatchObject({ succeeded: 1, consolidation: "published" });
  expect(server.requests).toHaveLength(3);
  expect(readFileSync(join(home.root, "MEMORY.md"), "utf8")).toContain("Verse, says the model.");
  expect(existsSync(mark)).toBe(false);
}, 60_000);
