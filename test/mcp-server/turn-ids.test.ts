import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";

const stage = useStage();

test("hooks know a turn by the id that its events have", async () => {
  const handler = { type: "command", command: 'cat >> "$HOME/heard"; echo >> "$HOME/heard"' };
  const groups = [{ hooks: [handler] }];
  const hooks = { UserPromptSubmit: groups, PreToolUse: groups, PostToolUse: groups, Stop: groups };
  const round = () => [answer(functionCall("exec_command", { cmd: "true" })), answer(assistantText("done"))];
  await using at = await connect(stage, {
    responses: [...round(), ...round()],
    homeFiles: { "hooks.json": JSON.stringify({ hooks }) },
  });
  const { client, world } = at;
  const { structuredContent } = await client.call("codex", { prompt: "go", "approval-policy": "never" }, "one");
  await client.call("codex-reply", { prompt: "more", threadId: structuredContent?.threadId });
  const turns = client.msgs("task_complete").map(({ turn_id }) => turn_id);
  expect(turns[0]).toBe("one");
  const heard = readFileSync(join(world.home, "heard"), "utf8").trimEnd().split("\n");
  const ids = heard.map((line) => (JSON.parse(line) as { turn_id: string }).turn_id);
  expect(ids).toEqual([...Array(4).fill(turns[0]), ...Array(4).fill(turns[1])]);
});
