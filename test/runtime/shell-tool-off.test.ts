import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall, localShellCall } from "../support/model-script.ts";

const stage = useStage();
const OFF = ["--disable", "shell_tool"];

test("features.shell_tool = false offers nothing that runs a command", async () => {
  const { requests } = await stage.play({ args: OFF });
  const names = requests[0]?.body.tools.map(({ name, type }) => name ?? type);
  expect(names).toEqual(["update_plan", "apply_patch", "web_search", "view_image"]);
});

test("nor is one accepted, under any name", async () => {
  const command = { command: ["touch", "ran"] };
  const { requests, world } = await stage.play({
    args: [...OFF, "-s", "danger-full-access"],
    responses: [
      answer(
        functionCall("exec_command", { cmd: "touch ran" }, "call_1"),
        functionCall("shell", command, "call_2"),
        functionCall("container.exec", command, "call_3"),
        functionCall("shell_command", { command: "touch ran" }, "call_4"),
        localShellCall(["touch", "ran"], "call_5"),
      ),
      answer(assistantText("done")),
    ],
  });
  const outputs = requests[1]?.body.input.filter(({ type }) => type === "function_call_output");
  expect(outputs?.map(({ output }) => output)).toEqual(
    ["exec_command", "shell", "container.exec", "shell_command", "local_shell"].map(
      (name) => `unsupported call: ${name}`,
    ),
  );
  expect(await Bun.file(`${world.cwd}/ran`).exists()).toBe(false);
});
