import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ConfigFlags } from "#config/load.ts";
import { answer, assistantText, functionCall, type ScriptedResponse } from "../support/model-script.ts";
import type { CapturedRequest } from "../support/model-server.ts";
import { startSession, type TestSession } from "../support/session.ts";
import { tempHome } from "../support/temp-home.ts";

const RAW = fileURLToPath(import.meta.resolve("../support/mcp-server-raw.ts"));
/** A model that asks this often in vain will not get the tool any more. */
const MAX_ROUNDS = 2_000;

function offered(request: CapturedRequest | undefined): string[] {
  const tools = request?.body.tools as readonly { name?: string }[] | undefined;
  return (tools ?? []).flatMap(({ name }) => (name?.startsWith("mcp__") ? [name] : []));
}

function outputs(request: CapturedRequest | undefined): unknown[] {
  const input = request?.body.input as readonly { type: string; output?: unknown }[] | undefined;
  return (input ?? []).flatMap(({ type, output }) => (type === "function_call_output" ? [output] : []));
}

/** An interactive session with a server that says nothing until the gate is opened. */
async function lateSession(
  responses: (at: {
    request: CapturedRequest;
    index: number;
    open(): void;
  }) => ScriptedResponse | Promise<ScriptedResponse>,
): Promise<TestSession> {
  const home = await tempHome();
  const gate = `${home.root}/gate`;
  const script = `while [ ! -e "${gate}" ]; do sleep 0.02; done; exec "${process.execPath}" "${RAW}" tiny`;
  const config = { mcp_servers: { late: { command: "/bin/sh", args: ["-c", script] } } };
  const open = () => writeFileSync(gate, "");
  const session = await startSession({
    home,
    source: "cli",
    config: config as unknown as ConfigFlags,
    responses: (request, index) => responses({ request, index, open }),
  });
  return {
    ...session,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

const PLAN = { plan: [{ step: "wait", status: "in_progress" }] };

test("an interactive session does not wait, and offers the tools from the next request on", async () => {
  await using session = await lateSession(async ({ request, index, open }) => {
    open();
    await Bun.sleep(10);
    const isOver = offered(request).length > 0 || index > MAX_ROUNDS;
    return isOver ? answer(assistantText("done")) : answer(functionCall("update_plan", PLAN, `call_${index}`));
  });
  await session.say("go");
  const { requests } = session.server;
  expect(offered(requests[0])).toEqual([]);
  expect(offered(requests.at(-1))).toContain("mcp__late__echo");
});

test("a call to a tool of a server that is still starting waits for it", async () => {
  await using session = await lateSession(({ index, open }) => {
    if (index > 0) return answer(assistantText("done"));
    setTimeout(open, 200);
    return answer(functionCall("mcp__late__echo", { text: "hey" }));
  });
  await session.say("go");
  expect(outputs(session.server.requests[1])).toEqual([expect.stringContaining("ECHO hey")]);
});

test("a tool that a starting server turns out not to have, or that none could have, is unsupported", async () => {
  await using session = await lateSession(({ index, open }) => {
    if (index === 1) open();
    if (index > 1) return answer(assistantText("done"));
    return answer(functionCall(index === 0 ? "mcp__other__echo" : "mcp__late__nothing", {}, `call_${index}`));
  });
  await session.say("go");
  expect(outputs(session.server.requests[2])).toEqual([
    "unsupported call: mcp__other__echo",
    "unsupported call: mcp__late__nothing",
  ]);
});

test("an interruption ends the wait for a server that never starts", async () => {
  await using session = await lateSession(() => answer(functionCall("mcp__late__echo", { text: "hey" })));
  session.submit({ type: "user_turn", input: [{ type: "text", text: "go" }] });
  await session.until((event) => event.type === "raw_response_item" && event.item.type === "function_call");
  session.submit({ type: "interrupt" });
  expect(await session.until((event) => event.type === "turn_aborted")).toMatchObject({ reason: "interrupted" });
});

test("a list that changes in a turn is offered by a later request of the same turn", async () => {
  await using home = await tempHome();
  const config = { mcp_servers: { tiny: { command: process.execPath, args: [RAW, "tiny"] } } };
  await using session = await startSession({
    home,
    config: config as unknown as ConfigFlags,
    responses: async (request, index) => {
      await Bun.sleep(10);
      if (index === 0) return answer(functionCall("mcp__tiny__change", {}));
      const isOver = offered(request).includes("mcp__tiny__fresh") || index > MAX_ROUNDS;
      return isOver ? answer(assistantText("done")) : answer(functionCall("update_plan", PLAN, `call_${index}`));
    },
  });
  await session.say("go");
  const { requests } = session.server;
  expect(offered(requests[0])).toContain("mcp__tiny__change");
  expect(offered(requests.at(-1))).toEqual(["mcp__tiny__fresh"]);
});
