import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";

const stage = useStage();

test("a command that the end of the turn ends is not said to be running", async () => {
  const { stderr } = await stage.play({
    json: false,
    responses: [
      answer(functionCall("exec_command", { cmd: "sleep 60", yield_time_ms: 250 })),
      answer(assistantText("done")),
    ],
  });
  expect(stderr).toMatch(/sleep 60' in \S+(\n.*)* not finished after \d/);
});
