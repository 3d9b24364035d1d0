import { expect, test } from "bun:test";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import { assistantText, completed, created, sse } from "../support/model-script.ts";

const stage = useStage();

test("servers that are all disabled are ready at once, which is told once", async () => {
  await using at = await connect(stage, { tables: '[mcp_servers.off]\ncommand = "none"\nenabled = false\n' });
  await at.client.call("codex", { prompt: "go" });
  expect(at.client.msgs("mcp_startup_complete")).toEqual([
    { type: "mcp_startup_complete", ready: [], failed: [], cancelled: [] },
  ]);
});

test("what is odd about the configuration and about the model is told before the turn", async () => {
  await using at = await connect(stage);
  await at.client.call("codex", { prompt: "go", model: "nobodys", config: { no_such_key: 1 } });
  const types = at.client.events().map(({ msg }) => msg.type);
  expect(at.client.msgs("warning").map(({ message }) => message)).toEqual([
    "Ignored unknown configuration keys: `no_such_key`",
    expect.stringContaining('Nothing is known about model "nobodys"'),
  ]);
  expect(types.lastIndexOf("warning")).toBeLessThan(types.indexOf("task_started"));
});

test("tokens written into a cache are counted where the host reports them", async () => {
  const usage = { input_tokens: 10, cached_input_tokens: 4, cache_write_input_tokens: 3, output_tokens: 5 };
  const round = (given: typeof usage | { input_tokens: number }) =>
    sse([created(), ...assistantText("x"), completed(given)]);
  await using at = await connect(stage, { responses: [round({ input_tokens: 1 }), round(usage), round(usage)] });
  const { structuredContent } = await at.client.call("codex", { prompt: "go" });
  for (let more = 0; more < 2; more++) {
    await at.client.call("codex-reply", { threadId: structuredContent?.threadId, prompt: "on" });
  }
  const infos = at.client.msgs("token_count").flatMap(({ info }) => (info === null ? [] : [info]));
  expect(JSON.stringify(infos[0])).not.toContain("cache_write");
  expect(infos.at(-1)).toMatchObject({
    total_token_usage: { input_tokens: 21, cached_input_tokens: 8, cache_write_input_tokens: 6 },
    last_token_usage: { cache_write_input_tokens: 3 },
  });
});
