import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CallToolResultSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { type Scene, useStage, type World } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();

interface SdkClient extends AsyncDisposable {
  world: World;
  client: Client;
  transport: StdioClientTransport;
  events: string[];
}

/** The official client, connected to the server the way any host does it. */
async function connectSdk(scene: Scene, elicitation?: (message: string) => "accept" | "decline"): Promise<SdkClient> {
  const world = await stage.world(scene);
  const transport = new StdioClientTransport({
    command: cliBinary(),
    args: ["mcp-server"],
    cwd: world.cwd,
    env: { PATH: Bun.env.PATH ?? "", HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "k", SHELL: "/bin/bash" },
    stderr: "ignore",
  });
  const capabilities = elicitation === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: "sdk", version: "1" }, { capabilities });
  const events: string[] = [];
  client.fallbackNotificationHandler = async ({ method, params }) => {
    if (method === "codex/event") events.push((params as { msg: { type: string } }).msg.type);
  };
  if (elicitation !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      action: elicitation(params.message),
      content: {},
    }));
  }
  await client.connect(transport);
  return { world, client, transport, events, [Symbol.asyncDispose]: () => client.close() };
}

test("the official client lists the tools, starts a session and goes on with it", async () => {
  const scene = { responses: [answer(assistantText("one")), answer(assistantText("two"))] };
  await using at = await connectSdk(scene);
  const { client, events } = at;
  expect(client.getServerVersion()).toMatchObject({ name: "codex-mcp-server", title: "Codex" });
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["codex", "codex-reply"]);
  await client.ping();
  // The client itself holds structuredContent to the outputSchema.
  const first = await client.callTool({ name: "codex", arguments: { prompt: "a" } });
  expect(first.content).toEqual([{ type: "text", text: "one" }]);
  const { threadId } = first.structuredContent as { threadId: string };
  const second = await client.callTool({ name: "codex-reply", arguments: { prompt: "b", threadId } });
  expect(second.structuredContent).toEqual({ threadId, content: "two" });
  expect(events).toContain("session_configured");
  expect(events.filter((type) => type === "task_complete")).toHaveLength(2);
});

test.each(["accept", "decline"] as const)("its elicitation handler decides: %s", async (action) => {
  const scene = {
    responses: [answer(functionCall("exec_command", { cmd: "touch x" })), answer(assistantText("done"))],
  };
  const asked: string[] = [];
  await using at = await connectSdk(scene, (message) => {
    asked.push(message);
    return action;
  });
  const args = { prompt: "a", "approval-policy": "untrusted", sandbox: "workspace-write" };
  const result = await at.client.callTool({ name: "codex", arguments: args });
  expect(result.content).toEqual([{ type: "text", text: "done" }]);
  expect(asked).toEqual([`Allow Codex to run \`/bin/bash -lc 'touch x'\` in \`${at.world.cwd}\`?`]);
  expect(existsSync(join(at.world.cwd, "x"))).toBe(action === "accept");
});

test("aborting its call ends the command", async () => {
  const cmd = "echo $$ > pid; exec sleep 300";
  await using at = await connectSdk({
    responses: [answer(functionCall("exec_command", { cmd, yield_time_ms: 60_000 }))],
  });
  const abort = new AbortController();
  const args = { prompt: "a", "approval-policy": "never", sandbox: "danger-full-access" };
  const called = at.client.callTool({ name: "codex", arguments: args }, CallToolResultSchema, { signal: abort.signal });
  const file = join(at.world.cwd, "pid");
  while (!existsSync(file) || (await Bun.file(file).text()).trim() === "") await Bun.sleep(20);
  abort.abort();
  expect(called).rejects.toThrow();
  expect(await isGone(Number(await Bun.file(file).text()))).toBeTrue();
});

test("progress keeps its call alive and tells what happens", async () => {
  const scene = { responses: [answer(functionCall("exec_command", { cmd: "true" })), answer(assistantText("done"))] };
  await using at = await connectSdk(scene);
  const told: (string | undefined)[] = [];
  await at.client.callTool({ name: "codex", arguments: { prompt: "a" } }, CallToolResultSchema, {
    onprogress: ({ message }) => void told.push(message),
    resetTimeoutOnProgress: true,
  });
  expect(told).toEqual(["Thinking", "Running /bin/bash -lc true"]);
});

test("closing it ends the server", async () => {
  await using at = await connectSdk({});
  const { pid } = at.transport;
  await at.client.close();
  expect(await isGone(pid ?? 0)).toBeTrue();
});
