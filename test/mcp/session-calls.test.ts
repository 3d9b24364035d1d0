import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ConfigFlags } from "#config/load.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import type { CapturedRequest } from "../support/model-server.ts";
import { startSession } from "../support/session.ts";
import { tempHome } from "../support/temp-home.ts";

const RAW = fileURLToPath(import.meta.resolve("../support/mcp-server-raw.ts"));
const WAIT = 60_000;

function configured(name: string, args: readonly string[], more: Record<string, unknown> = {}): ConfigFlags {
  return { mcp_servers: { [name]: { command: process.execPath, args: [RAW, ...args], ...more } } } as never;
}

/** Texts of the tools' answers, as the model gets them. */
function outputs(request: CapturedRequest | undefined): string[] {
  const input = request?.body.input as readonly { type: string; output?: unknown }[] | undefined;
  return (input ?? []).flatMap(({ type, output }) => (type === "function_call_output" ? [String(output)] : []));
}

test.each([
  [true, 20_000, "met"],
  [false, 300, "alone"],
])(
  "with supports_parallel_tool_calls = %p two calls of one answer, %d ms each: %s",
  async (isParallel, ms, outcome) => {
    await using session = await startSession({
      config: configured("m", ["meeting"], { supports_parallel_tool_calls: isParallel }),
      responses: [
        answer(functionCall("mcp__m__meet", { ms }, "call_1"), functionCall("mcp__m__meet", { ms }, "call_2")),
        answer(assistantText("done")),
      ],
    });
    await session.say("go");
    const expected = `[{"type":"text","text":"${outcome}"}]`;
    expect(outputs(session.server.requests[1])).toEqual([expected, expected]);
  },
  WAIT,
);

interface Logged {
  id?: number;
  method?: string;
  params?: { name?: string; requestId?: number };
}

test(
  "an interruption is told to the server, for the call that runs and for no answered one",
  async () => {
    await using home = await tempHome();
    const log = join(home.root, "log");
    {
      await using session = await startSession({
        home,
        config: configured("tiny", ["tiny", log]),
        responses: [answer(functionCall("mcp__tiny__echo", {})), answer(functionCall("mcp__tiny__slow", {}, "call_2"))],
      });
      session.submit({ type: "user_turn", input: [{ type: "text", text: "go" }] });
      await session.until((event) => event.type === "mcp_tool_started" && event.tool === "slow");
      const isAsked = () => readFileSync(log, "utf8").includes('"name":"slow"');
      while (!isAsked()) await Bun.sleep(10);
      session.submit({ type: "interrupt" });
      await session.until((event) => event.type === "turn_aborted");
    }
    // The session is over, and with it everything that was still to be said to the server.
    const lines = readFileSync(log, "utf8").trim().split("\n");
    const received = lines.map((line) => JSON.parse(line) as Logged);
    const slow = received.find(({ params }) => params?.name === "slow");
    const cancelled = received.filter(({ method }) => method === "notifications/cancelled");
    expect(slow?.id).toBeNumber();
    expect(cancelled.map(({ params }) => params?.requestId)).toEqual([slow?.id]);
  },
  WAIT,
);
