import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  answer,
  assistantText,
  created,
  customToolCall,
  functionCall,
  rawChunks,
  type SseEvent,
  sseBytes,
} from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import { requirement } from "./cite.ts";
import { type Connected, connect } from "./mcp-server-stage.ts";
import { type Scene, useStage } from "./stage.ts";

const stage = useStage();

const TOUCH: Scene = {
  responses: [answer(functionCall("exec_command", { cmd: "touch x" })), answer(assistantText("done"))],
};
const ASKING = { prompt: "do it", "approval-policy": "untrusted", sandbox: "workspace-write" };
const APPROVED = { result: { decision: "approved" } };

/** What the model read of its call. */
function outputOf({ world }: Connected): string {
  const output = world.server.requests[1]?.body.input.find(({ type }) => String(type).endsWith("_output"));
  return String(output?.output);
}

requirement(
  ["mcp-server.approval.exec", "mcp-server.approval.approved", "mcp-server.approval.undeclared"],
  "a command is approved",
  async () => {
    await using at = await connect(stage, TOUCH);
    const { client, world } = at;
    client.answering = () => APPROVED;
    const result = await client.call("codex", ASKING, 3);
    expect(result.content[0]?.text).toBe("done");
    const command = ["/bin/bash", "-lc", "touch x"];
    const parsed = [{ type: "unknown", cmd: "touch x" }];
    expect(client.questions()).toHaveLength(1);
    expect(client.questions()[0]).toMatchObject({
      jsonrpc: "2.0",
      id: 0,
      method: "elicitation/create",
      params: {
        message: `Allow Codex to run \`/bin/bash -lc 'touch x'\` in \`${world.cwd}\`?`,
        requestedSchema: { type: "object", properties: {} },
        threadId: result.structuredContent?.threadId,
        codex_elicitation: "exec-approval",
        codex_mcp_tool_call_id: "3",
        codex_event_id: "3",
        codex_call_id: "call_1",
        codex_command: command,
        codex_cwd: world.cwd,
        codex_parsed_cmd: parsed,
      },
    });
    expect(client.msgs("exec_approval_request")[0]).toMatchObject({
      type: "exec_approval_request",
      call_id: "call_1",
      turn_id: "3",
      command,
      cwd: world.cwd,
      proposed_execpolicy_amendment: ["touch", "x"],
      parsed_cmd: parsed,
    });
    expect(existsSync(join(world.cwd, "x"))).toBeTrue();
  },
);

requirement(["mcp-server.approval.denied"], "a command is denied", async () => {
  await using at = await connect(stage, TOUCH);
  at.client.answering = () => ({ result: { decision: "denied" } });
  expect((await at.client.call("codex", ASKING)).content[0]?.text).toBe("done");
  expect(outputOf(at)).toBe('exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }');
  expect(existsSync(join(at.world.cwd, "x"))).toBeFalse();
});

requirement(["mcp-server.approval.patch"], "a patch is approved", async () => {
  const patch = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\n";
  const responses = [answer(customToolCall("apply_patch", patch)), answer(assistantText("done"))];
  await using at = await connect(stage, { responses });
  const { client, world } = at;
  client.answering = () => APPROVED;
  const result = await client.call("codex", ASKING, "a");
  const changes = { [`${world.cwd}/new.txt`]: { type: "add", content: "hello\n" } };
  expect(client.questions()).toHaveLength(1);
  expect(client.questions()[0]).toMatchObject({
    id: 0,
    method: "elicitation/create",
    params: {
      message: "Allow Codex to apply proposed code changes?",
      requestedSchema: { type: "object", properties: {} },
      threadId: result.structuredContent?.threadId,
      codex_elicitation: "patch-approval",
      codex_mcp_tool_call_id: "a",
      codex_event_id: "a",
      codex_call_id: "call_1",
      codex_changes: changes,
    },
  });
  expect(client.msgs("apply_patch_approval_request")[0]).toMatchObject({ call_id: "call_1", turn_id: "a", changes });
  expect(client.msgs("patch_apply_begin")[0]).toMatchObject({ auto_approved: false });
  expect(world.read("new.txt")).toBe("hello\n");
});

requirement(
  ["mcp-server.approval.accept"],
  "a standard answer",
  async () => {
    await using at = await connect(stage, TOUCH, { capabilities: { elicitation: {} } });
    at.client.answering = () => ({ result: { action: "accept", content: {} } });
    await at.client.call("codex", ASKING);
    expect(existsSync(join(at.world.cwd, "x"))).toBeTrue();
  },
  { differs: "the release takes it for a denial" },
);

requirement(
  ["mcp-server.approval.error"],
  "a client that cannot answer",
  async () => {
    await using at = await connect(stage, TOUCH);
    const called = at.client.request("tools/call", { name: "codex", arguments: ASKING }, 1, 5_000);
    expect((await called).result).toMatchObject({ content: [{ text: "done" }] });
    expect(outputOf(at)).toContain("rejected by user");
  },
  { differs: "the release never answers the call" },
);

const STALLED: Scene = { responses: [rawChunks([sseBytes(created())], { end: "stall" })] };

requirement(["mcp-server.cancel.event"], "a cancelled call", async () => {
  await using at = await connect(stage, STALLED);
  const { client } = at;
  client.send({ jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
  await client.event("user_message");
  client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
  expect((await client.event("turn_aborted")).msg).toEqual({
    type: "turn_aborted",
    turn_id: "3",
    reason: "interrupted",
  });
});

requirement(
  ["mcp-server.cancel.answered"],
  "the answer of a cancelled call",
  async () => {
    await using at = await connect(stage, STALLED);
    const { client } = at;
    const called = client.request("tools/call", { name: "codex", arguments: { prompt: "go" } }, 3, 5_000);
    await client.event("user_message");
    client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
    expect((await called).result).toMatchObject({ isError: true });
  },
  { differs: "the release never answers the call" },
);

const ASKED_FIRST = {
  "rules/default.rules": 'prefix_rule(pattern=["touch"], decision="prompt", justification="why?")',
};
const ESCALATED = { cmd: "touch x", sandbox_permissions: "require_escalated" };

/** The reasons that a question about one call is told with: in its event, and in the question itself. */
async function reasonsOf(part: readonly SseEvent[], more: Scene & { policy?: string } = {}): Promise<unknown[]> {
  await using at = await connect(stage, { responses: [answer(part), answer(assistantText("done"))], ...more });
  at.client.answering = () => ({ result: { decision: "denied" } });
  await at.client.call("codex", { ...ASKING, "approval-policy": more.policy ?? "on-request" });
  const [told] = [...at.client.msgs("exec_approval_request"), ...at.client.msgs("apply_patch_approval_request")];
  const [question] = at.client.questions();
  expect([told?.type, question?.method]).toEqual([expect.any(String), "elicitation/create"]);
  return [told?.reason, question?.params?.codex_reason];
}

requirement(["mcp-server.approval.reason"], "reasons are those of rules, of the model and of failed runs", async () => {
  const run = (args: Record<string, unknown>) => functionCall("exec_command", args);
  const none = [undefined, undefined];
  expect(await reasonsOf(run({ cmd: "touch x" }), { policy: "untrusted" })).toEqual(none);
  const because = { cmd: "touch x", justification: "because" };
  expect(await reasonsOf(run(because), { policy: "untrusted" })).toEqual(["because", undefined]);
  expect(await reasonsOf(run({ cmd: "rm -rf x" }))).toEqual(none);
  expect(await reasonsOf(run(ESCALATED))).toEqual(none);
  expect(await reasonsOf(run({ ...ESCALATED, justification: "please" }))).toEqual(["please", undefined]);
  const ruled = "`/bin/bash -lc 'touch x'` requires approval: why?";
  expect(await reasonsOf(run(because), { homeFiles: ASKED_FIRST })).toEqual([ruled, undefined]);
  const failing = run({ cmd: "touch /etc/codex-compat-x" });
  const retry = "command failed; retry without sandbox?";
  expect(await reasonsOf(failing, { policy: "on-failure" })).toEqual([retry, undefined]);
  const patch = customToolCall(
    "apply_patch",
    "*** Begin Patch\n*** Add File: /etc/codex-compat-x\n+x\n*** End Patch\n",
  );
  expect(await reasonsOf(patch)).toEqual(none);
  expect(await reasonsOf(patch, { policy: "untrusted" })).toEqual(none);
});

requirement(["mcp-server.cancel.commands"], "commands that were left running end with a cancelled call", async () => {
  const cmd = "echo $$ > pid; exec sleep 300";
  const left = answer(functionCall("exec_command", { cmd, yield_time_ms: 250 }));
  await using at = await connect(stage, { responses: [left, rawChunks([sseBytes(created())], { end: "stall" })] });
  const { client, world } = at;
  const args = { prompt: "go", "approval-policy": "never", sandbox: "danger-full-access" };
  client.send({ jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "codex", arguments: args } });
  while (world.server.requests.length < 2) await Bun.sleep(20);
  client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
  await client.event("turn_aborted");
  expect(await isGone(Number(world.read("pid")))).toBeTrue();
});
