import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Connected, connect } from "../compat/mcp-server-stage.ts";
import { type Scene, useStage } from "../compat/stage.ts";
import type { Answering } from "../support/mcp-client.ts";
import { answer, assistantText, customToolCall, functionCall } from "../support/model-script.ts";

const stage = useStage();
const ASKING = { prompt: "do it", "approval-policy": "untrusted", sandbox: "workspace-write" };

/** The model wants these commands, a round after the other. */
function commands(...list: readonly string[]): Scene {
  const rounds = list.map((cmd, index) => answer(functionCall("exec_command", { cmd }, `call_${index + 1}`)));
  return { responses: [...rounds, answer(assistantText("done"))] };
}

async function play(scene: Scene, answering: Answering): Promise<Connected & { isError: boolean }> {
  await using at = await connect(stage, scene);
  at.client.answering = answering;
  const { isError } = await at.client.call("codex", ASKING);
  return { ...at, isError: isError === true };
}

describe("answers that are a yes", () => {
  const decisions: readonly unknown[] = [
    { decision: "approved" },
    { decision: "approved_for_session" },
    { action: "accept" },
    { action: "accept", content: {} },
    { action: "accept", content: { decision: "approved" } },
  ];
  test.each(decisions.map((result) => [JSON.stringify(result), result]))("%s", async (_, result) => {
    const { world, isError } = await play(commands("touch x"), () => ({ result }));
    expect(existsSync(join(world.cwd, "x"))).toBeTrue();
    expect(isError).toBeFalse();
  });
});

test("an answer to our number as text is an answer", async () => {
  const { world } = await play(
    commands("touch x"),
    ({ id }) => ({ id: String(id), result: { action: "accept" } }) as ReturnType<Answering>,
  );
  expect(existsSync(join(world.cwd, "x"))).toBeTrue();
});

describe("answers that are a no", () => {
  const answers: readonly unknown[] = [
    { result: { decision: "denied" } },
    { result: { decision: "nonsense" } },
    { result: { decision: { approved_execpolicy_amendment: { proposed_execpolicy_amendment: [] } } } },
    { result: { decision: { approved_execpolicy_amendment: "touch" } } },
    { result: { action: "decline" } },
    { result: { action: "decline", decision: "approved" } },
    { result: { action: "cancel" } },
    { result: { action: "accept", content: { decision: "denied" } } },
    { result: { content: { decision: "approved" } } },
    { result: {} },
    { result: "yes" },
    { result: [true] },
    { error: { code: -32601, message: "Method not found" } },
    { error: "declined" },
    { error: null },
    {},
    { jsonrpc: undefined, result: { action: "accept" } },
  ];
  test.each(answers.map((one) => [JSON.stringify(one), one]))("%s", async (_, one) => {
    const { world, isError } = await play(commands("touch x"), () => one as ReturnType<Answering>);
    expect(existsSync(join(world.cwd, "x"))).toBeFalse();
    expect(isError).toBeFalse();
    expect(JSON.stringify(world.server.requests[1]?.body.input.at(-1))).toContain("rejected by user");
  });
});

test("approved for the session, the same command is not asked about again, another one is", async () => {
  const { client } = await play(commands("touch x", "touch x", "touch y"), () => ({
    result: { decision: "approved_for_session" },
  }));
  expect(client.questions().map(({ params }) => params?.codex_command)).toEqual([
    ["/bin/bash", "-lc", "touch x"],
    ["/bin/bash", "-lc", "touch y"],
  ]);
});

test("approved with a rule, it is written down and holds at once", async () => {
  const amendment = { approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["touch", "x"] } };
  const { client, world } = await play(commands("touch x", "touch x"), () => ({ result: { decision: amendment } }));
  expect(client.questions()).toHaveLength(1);
  const rules = join(world.codexHome, "rules");
  const text = readdirSync(rules)
    .map((name) => readFileSync(join(rules, name), "utf8"))
    .join("");
  expect(text).toContain('["touch", "x"]');
});

test("a patch that is approved with a rule is written, and no rule", async () => {
  const patch = "*** Begin Patch\n*** Add File: x\n+hi\n*** End Patch\n";
  const scene = { responses: [answer(customToolCall("apply_patch", patch)), answer(assistantText("done"))] };
  const amendment = { approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["touch"] } };
  const { client, world } = await play(scene, () => ({ result: { decision: amendment } }));
  expect(client.questions()).toHaveLength(1);
  expect(readFileSync(join(world.cwd, "x"), "utf8")).toBe("hi\n");
  expect(existsSync(join(world.codexHome, "rules"))).toBeFalse();
});

test("an abort ends the turn, and the call is answered", async () => {
  const { client, world, isError } = await play(commands("touch x"), () => ({ result: { decision: "abort" } }));
  expect(isError).toBeTrue();
  expect(client.msgs("turn_aborted")).toHaveLength(1);
  expect(world.server.requests).toHaveLength(1);
  expect(existsSync(join(world.cwd, "x"))).toBeFalse();
});

test("a question whose turn is cancelled is taken back, and a late answer does nothing", async () => {
  await using at = await connect(stage, commands("touch x"));
  const { client, world } = at;
  client.answering = () => undefined;
  const called = client.request("tools/call", { name: "codex", arguments: ASKING }, 3);
  const question = await client.until(({ method }) => method === "elicitation/create");
  client.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } });
  expect((await called).result).toMatchObject({ isError: true });
  const takenBack = await client.until(({ method }) => method === "notifications/cancelled");
  expect(takenBack.params).toMatchObject({ requestId: question.id });
  client.send({ jsonrpc: "2.0", id: question.id, result: { decision: "approved" } });
  expect((await client.request("ping")).result).toEqual({});
  expect(existsSync(join(world.cwd, "x"))).toBeFalse();
});

test("an answered question is not taken back", async () => {
  const { client } = await play(commands("touch x"), () => ({ result: { decision: "approved" } }));
  expect(client.messages.filter(({ method }) => method === "notifications/cancelled")).toEqual([]);
});

test("the model's words are one line each, and steer no terminal", async () => {
  const call = { cmd: "touch x\n\u001b[2J\u202eok", sandbox_permissions: "require_escalated" };
  const lie = "fine\nIt would run in the sandbox.\u001b[1A\u0007";
  await using at = await connect(stage, {
    responses: [answer(functionCall("exec_command", { ...call, justification: lie })), answer(assistantText("done"))],
  });
  await at.client.call("codex", { prompt: "do it", sandbox: "read-only" });
  const [asked, told] = [
    `Allow Codex to run \`/bin/bash -lc 'touch x\u2424\ufffdok'\` in \`${at.world.cwd}\`?`,
    "It would run without the sandbox. Reason: fine\u2424It would run in the sandbox.\ufffd",
  ];
  expect(at.client.questions()[0]?.params?.message).toBe(`${asked}\n${told}`);
});

test("who lets a command out of the sandbox is told so, with the model's reason", async () => {
  const call = { cmd: "touch x", sandbox_permissions: "require_escalated", justification: "I need it" };
  await using at = await connect(stage, {
    responses: [answer(functionCall("exec_command", call)), answer(assistantText("done"))],
  });
  at.client.answering = () => ({ result: { decision: "approved" } });
  await at.client.call("codex", { prompt: "do it", sandbox: "read-only" });
  expect(at.client.questions()[0]?.params).toMatchObject({
    message: `Allow Codex to run \`/bin/bash -lc 'touch x'\` in \`${at.world.cwd}\`?\nIt would run without the sandbox. Reason: I need it`,
  });
  expect(at.client.msgs("exec_approval_request")[0]?.reason).toBe("I need it");
  expect(existsSync(join(at.world.cwd, "x"))).toBeTrue();
});
