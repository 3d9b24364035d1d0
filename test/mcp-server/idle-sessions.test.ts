import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { IdleSessions } from "#mcp-server/idle-sessions.ts";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import type { McpClient } from "../support/mcp-client.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import type { CapturedRequest } from "../support/model-server.ts";
import { isAlive, isGone } from "../support/processes.ts";

const stage = useStage();
const WAIT = 60_000;
const RAW = fileURLToPath(import.meta.resolve("../support/mcp-server-raw.ts"));
const CONFIG = `[mcp_servers.raw]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify([RAW])}\n`;

/** Every turn calls the server once. */
function scripted({ body }: CapturedRequest) {
  const last = body.input.at(-1)?.type;
  return last === "function_call_output" ? answer(assistantText("done")) : answer(functionCall("mcp__raw__env", {}));
}

/** The process ids of the servers that were called, in order. */
function called(client: McpClient): number[] {
  return client.msgs("mcp_tool_call_end").map(({ result }) => {
    const { Ok } = result as { Ok: { content: [{ text: string }] } };
    return (JSON.parse(Ok.content[0].text) as { pid: number }).pid;
  });
}

test(
  "the MCP servers of old sessions end, and start again with a reply",
  async () => {
    await using at = await connect(stage, { responses: scripted, tables: CONFIG, checkRequests: false });
    const { client } = at;
    const begin = () => client.call("codex", { prompt: "go", "approval-policy": "never" });
    const first = await begin();
    for (let n = 1; n < 10; n++) await begin();
    const pids = called(client);
    expect(new Set(pids).size).toBe(10);
    for (const pid of pids.slice(0, 2)) expect(await isGone(pid)).toBeTrue();
    expect(pids.slice(2).map(isAlive)).toEqual(Array(8).fill(true));
    const reply = await client.call("codex-reply", { prompt: "again", threadId: first.structuredContent?.threadId });
    expect(reply).toMatchObject({ content: [{ text: "done" }] });
    const again = called(client).at(-1) ?? 0;
    expect(pids).not.toContain(again);
    expect(isAlive(again)).toBeTrue();
    expect(await isGone(pids[2] ?? 0)).toBeTrue();
  },
  WAIT,
);

test("sessions whose turn runs are left alone, and rest when others have ended after it", () => {
  const rested: number[] = [];
  const session = (n: number) => ({ hasTurn: false, rest: async () => void rested.push(n) });
  const all = Array.from({ length: 10 }, (_, n) => session(n));
  const idle = new IdleSessions();
  for (const each of all.slice(0, 8)) idle.turnEnded(each);
  const [first, second] = all;
  if (first === undefined || second === undefined) throw new Error("no sessions");
  first.hasTurn = true;
  idle.turnEnded(second);
  for (const each of all.slice(8)) idle.turnEnded(each);
  expect(rested).toEqual([2, 3]);
  first.hasTurn = false;
  idle.turnEnded(first);
  idle.turnEnded(session(10));
  expect(rested).toEqual([2, 3, 4]);
});
