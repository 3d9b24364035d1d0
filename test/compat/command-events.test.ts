import { expect } from "bun:test";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import { requirement } from "./cite.ts";
import { completedItems, itemsOf, useStage } from "./stage.ts";

const stage = useStage();
const command = (args: Record<string, unknown>, id = "call_1") => functionCall("exec_command", args, id);

requirement(
  ["exec.events.command-invalid-utf8", "exec.events.command-ansi"],
  "unusual bytes in the output",
  async () => {
    const cmd = "printf 'a\\377b\\033[31mred\\033[0m'";
    const run = await stage.play({ responses: [answer(command({ cmd })), answer(assistantText("done"))] });
    expect(completedItems(run, "command_execution")[0]).toMatchObject({
      aggregated_output: "a\uFFFDb\u001b[31mred\u001b[0m",
    });
  },
);

requirement(
  ["exec.events.command-raw-output"],
  "the output of an item is not cut",
  async () => {
    const responses = [answer(command({ cmd: "seq 1 20000" })), answer(assistantText("done"))];
    const [item] = completedItems(await stage.play({ responses }), "command_execution");
    const expected = Array.from({ length: 20000 }, (_, index) => `${index + 1}\n`).join("");
    expect(item?.aggregated_output).toBe(expected);
  },
  { differs: "the release gives the text that was cut for the model" },
);

requirement(
  ["exec.events.command-raw-output-cap"],
  "the output of an item is capped at 1 MiB",
  async () => {
    const cmd = "yes a | head -c 1000000; yes b | head -c 1000000";
    const responses = [answer(command({ cmd })), answer(assistantText("done"))];
    const [item] = completedItems(await stage.play({ responses }), "command_execution");
    const text = String(item?.aggregated_output);
    const half = 512 * 1024;
    expect(text.slice(0, half)).toBe("a\n".repeat(half / 2));
    expect(text.slice(-half)).toBe("b\n".repeat(half / 2));
    expect(text.slice(half, -half)).toBe(`\n... ${2_000_000 - 2 * half} bytes omitted ...\n`);
  },
  { differs: "the release gives the text that was cut for the model" },
);

requirement(["exec.events.command-parallel"], "parallel commands", async () => {
  const cmd = (text: string) => ({ cmd: `sleep 0.1; echo ${text}` });
  const responses = [answer(command(cmd("one"), "p1"), command(cmd("two"), "p2")), answer(assistantText("done"))];
  const run = await stage.play({ responses });
  const items = itemsOf(run).filter(({ type }) => type === "command_execution");
  const byId = Map.groupBy(items, ({ id }) => id);
  expect([...byId.values()].map((pair) => pair.map(({ event }) => event))).toEqual([
    ["item.started", "item.completed"],
    ["item.started", "item.completed"],
  ]);
  const outputs = completedItems(run, "command_execution").map((item) => item.aggregated_output);
  expect(outputs.sort()).toEqual(["one\n", "two\n"]);
});

requirement(["exec.events.command-killed-at-exit"], "a running command dies with the run", async () => {
  const responses = [
    answer(command({ cmd: "echo $$ > pid; exec sleep 300", yield_time_ms: 250 })),
    answer(assistantText("done")),
  ];
  const run = await stage.play({ responses, args: ["-s", "danger-full-access"] });
  expect(await isGone(Number(run.world.read("pid")))).toBe(true);
});

requirement(["exec.events.command-policy-reject"], "a rejected command has no item", async () => {
  const asked = { cmd: "touch x", sandbox_permissions: "require_escalated", justification: "because" };
  const run = await stage.play({ responses: [answer(command(asked)), answer(assistantText("done"))] });
  expect(itemsOf(run).map(({ type }) => type)).toEqual(["agent_message"]);
});
