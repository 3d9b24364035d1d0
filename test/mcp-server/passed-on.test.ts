import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { canPassOn, passedOnAnswer, passedOnParams } from "#mcp-server/approval-elicitation.ts";
import type { ElicitationRequest } from "#protocol/approvals.ts";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";

const stage = useStage();
const EVERYTHING = fileURLToPath(import.meta.resolve("@modelcontextprotocol/server-everything/dist/index.js"));

/** A session whose MCP server is the official reference server. */
function everything(more = "") {
  return `[mcp_servers.every]\ncommand = "node"\nargs = ${JSON.stringify([EVERYTHING, "stdio"])}\n${more}`;
}

const FORM: ElicitationRequest = {
  server: "every",
  message: "Who?",
  mode: { type: "form", requestedSchema: { type: "object", properties: { name: { type: "string" } } } },
};
const URL_MODE: ElicitationRequest = {
  server: "every",
  message: "Log in",
  mode: { type: "url", url: "https://x.test" },
};
const IDS = { threadId: "t", callId: "3", turnId: "3" };

describe("which client is asked", () => {
  test.each([
    [undefined, false, false],
    [{}, false, false],
    [{ elicitation: true }, false, false],
    [{ elicitation: {} }, true, false],
    [{ elicitation: { form: {} } }, true, false],
    [{ elicitation: { url: {} } }, false, true],
    [{ elicitation: { form: {}, url: {} } }, true, true],
  ])("%j: forms %p, addresses %p", (capabilities, forms, addresses) => {
    expect(canPassOn(capabilities, FORM)).toBe(forms);
    expect(canPassOn(capabilities, URL_MODE)).toBe(addresses);
  });
});

test("what is asked", () => {
  const origin = { threadId: "t", codex_elicitation: "mcp-server", codex_mcp_tool_call_id: "3", codex_server: "every" };
  expect(passedOnParams(FORM, IDS, "q")).toEqual({
    message: "Who?",
    requestedSchema: { type: "object", properties: { name: { type: "string" } } },
    ...origin,
  });
  expect(passedOnParams(URL_MODE, IDS, "q")).toEqual({
    message: "Log in",
    mode: "url",
    url: "https://x.test",
    elicitationId: "q",
    ...origin,
  });
});

test("what the answer means", () => {
  const said = (result: unknown) => passedOnAnswer({ type: "result", result });
  expect(said({ action: "accept", content: { name: "Ada" } })).toEqual({ action: "accept", content: { name: "Ada" } });
  expect(said({ action: "accept", content: [] })).toEqual({ action: "accept", content: null });
  expect(said({ action: "cancel", content: {} })).toEqual({ action: "cancel", content: null });
  for (const other of [{ action: "decline" }, { action: "maybe" }, {}, null, "accept"]) {
    expect(said(other)).toEqual({ action: "decline", content: null });
  }
  expect(passedOnAnswer({ type: "error", message: "no" })).toEqual({ action: "decline", content: null });
});

describe("the reference server asks", () => {
  const responses = [
    answer(functionCall("mcp__every__trigger-elicitation-request", {})),
    answer(assistantText("done")),
  ];

  test("a client that can be asked, and hears its answer", async () => {
    await using at = await connect(stage, { tables: everything(), responses }, { capabilities: { elicitation: {} } });
    const { client, world } = at;
    client.answering = () => ({ result: { action: "accept", content: { name: "Ada Lovelace" } } });
    const result = await client.call("codex", { prompt: "go", "approval-policy": "on-request" }, 3);
    expect(client.questions()).toHaveLength(1);
    expect(client.questions()[0]?.params).toMatchObject({
      message: expect.any(String),
      requestedSchema: { type: "object", properties: { name: expect.any(Object) } },
      threadId: result.structuredContent?.threadId,
      codex_elicitation: "mcp-server",
      codex_mcp_tool_call_id: "3",
      codex_server: "every",
    });
    expect(client.msgs("elicitation_request")).toMatchObject([{ server_name: "every" }]);
    expect(JSON.stringify(world.server.requests[1]?.body.input)).toContain("Ada Lovelace");
  }, 60_000);

  test("and is declined where the client cannot be asked", async () => {
    await using at = await connect(stage, { tables: everything(), responses });
    const { client, world } = at;
    await client.call("codex", { prompt: "go", "approval-policy": "on-request" });
    expect(client.questions()).toEqual([]);
    expect(JSON.stringify(world.server.requests[1]?.body.input)).toContain("declined");
  }, 60_000);
});

test("a call of an MCP tool that needs approval is asked about", async () => {
  const responses = [
    answer(functionCall("mcp__every__echo", { message: "hey" }, "call_1")),
    answer(functionCall("mcp__every__echo", { message: "ho" }, "call_2")),
    answer(assistantText("done")),
  ];
  const tables = everything('default_tools_approval_mode = "prompt"\n');
  await using at = await connect(stage, { tables, responses });
  const { client, world } = at;
  client.answering = ({ params }) => ({
    result: { decision: params?.codex_call_id === "call_1" ? "approved" : "denied" },
  });
  await client.call("codex", { prompt: "go", "approval-policy": "on-request" }, 3);
  expect(client.questions().map(({ params }) => params)).toMatchObject([
    {
      message: "Allow Codex to call the tool `echo` of the MCP server `every`?",
      requestedSchema: { type: "object", properties: {} },
      codex_elicitation: "mcp-tool-approval",
      codex_mcp_tool_call_id: "3",
      codex_call_id: "call_1",
      codex_server: "every",
      codex_tool: "echo",
      codex_arguments: { message: "hey" },
      codex_reason: expect.any(String),
    },
    { codex_call_id: "call_2" },
  ]);
  const read = JSON.stringify(world.server.requests[2]?.body.input);
  expect(read).toContain("Echo: hey");
  expect(read).not.toContain("Echo: ho");
  expect(read).toContain("rejected by user");
}, 60_000);
