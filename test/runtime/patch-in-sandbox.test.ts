import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, customToolCall } from "../support/model-script.ts";
import { namelessFiles } from "../support/nameless-files.ts";
import { startSession } from "../support/session.ts";

const LAST = 5;

test("nothing of a patch that was applied in the sandbox stays here", async () => {
  const patch = (n: number) => `*** Begin Patch\n*** Add File: made-${n}\n+one\n*** End Patch\n`;
  await using session = await startSession({
    config: { sandbox_mode: "workspace-write" },
    responses: (_, n) =>
      answer(n === 1 || n > LAST ? assistantText("done") : customToolCall("apply_patch", patch(n), `call_${n}`)),
  });
  // The first one makes what the sandbox keeps.
  await session.say("go");
  const before = namelessFiles();
  await session.say("go on");
  for (const n of [0, 2, LAST]) expect(existsSync(join(session.home.cwd, `made-${n}`))).toBeTrue();
  expect(namelessFiles()).toBeLessThanOrEqual(before);
}, 30_000);
