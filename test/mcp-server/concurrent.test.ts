import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../compat/mcp-server-stage.ts";
import { listFiles, readRollout, useStage } from "../compat/stage.ts";
import { answer, assistantText, customToolCall, functionCall, type ScriptedResponse } from "../support/model-script.ts";
import type { CapturedRequest } from "../support/model-server.ts";

const stage = useStage();
const SESSIONS = 20;

/** The number of the session a request is of: every prompt carries it. */
function sessionOf(request: CapturedRequest): string {
  const said = /"task (\d+)"/.exec(request.rawBody)?.[1];
  if (said === undefined) throw new Error("a request without a task");
  return said;
}

/** Each session is answered by its own script: a command, a patch, then words, all with its number. */
function scripted(request: CapturedRequest): ScriptedResponse {
  const n = sessionOf(request);
  const outputs = request.body.input.filter(({ type }) => String(type).endsWith("_output")).length;
  if (outputs === 0) return answer(functionCall("exec_command", { cmd: `cat who; echo c${n} > by-command` }));
  const patch = `*** Begin Patch\n*** Add File: by-patch\n+p${n}\n*** End Patch\n`;
  if (outputs === 1) return answer(customToolCall("apply_patch", patch, "call_2"));
  return answer(assistantText(`answer ${n}`));
}

test("twenty sessions at once know nothing of each other", async () => {
  await using at = await connect(stage, { responses: scripted });
  const { client, world } = at;
  const numbers = Array.from({ length: SESSIONS }, (_, n) => String(n));
  for (const n of numbers) {
    mkdirSync(join(world.cwd, n));
    writeFileSync(join(world.cwd, n, "who"), `I am ${n}`);
    writeFileSync(join(world.cwd, n, "AGENTS.md"), `rules of ${n}`);
  }
  // Half of them ask, with the answer depending on whose question it is.
  client.answering = ({ params }) => {
    const own = Number(/\/work\/(\d+)/.exec(JSON.stringify(params))?.[1]);
    return { result: { decision: own % 4 === 0 ? "denied" : "approved" } };
  };
  const results = await Promise.all(
    numbers.map((n) =>
      client.call(
        "codex",
        {
          prompt: `task ${n}`,
          cwd: n,
          model: Number(n) % 3 === 0 ? "gpt-5.1-codex" : "gpt-5.2-codex",
          sandbox: "workspace-write",
          "approval-policy": Number(n) % 2 === 0 ? "untrusted" : "never",
          config: { model_reasoning_effort: Number(n) % 5 === 0 ? "low" : "high" },
        },
        `call-${n}`,
      ),
    ),
  );
  const threads = new Map(numbers.map((n, index) => [n, results[index]?.structuredContent?.threadId ?? ""]));
  expect(new Set(threads.values()).size).toBe(SESSIONS);
  for (const n of numbers) {
    expect(results[Number(n)]?.content[0]?.text).toBe(`answer ${n}`);
    const isDenied = Number(n) % 4 === 0;
    const contentOf = (file: string) => {
      const path = join(world.cwd, n, file);
      return listFiles(join(world.cwd, n)).includes(path) ? readFileSync(path, "utf8") : null;
    };
    expect(contentOf("by-command")).toBe(isDenied ? null : `c${n}\n`);
    expect(contentOf("by-patch")).toBe(isDenied ? null : `p${n}\n`);
    const events = client.events().filter(({ _meta }) => _meta.requestId === `call-${n}`);
    expect(new Set(events.map(({ _meta }) => _meta.threadId))).toEqual(new Set([threads.get(n) ?? ""]));
    expect(events[0]?.msg).toMatchObject({ session_id: threads.get(n), cwd: join(world.cwd, n) });
    const questions = client.questions().filter(({ params }) => params?.threadId === threads.get(n));
    expect(questions).toHaveLength(Number(n) % 2 === 0 ? 2 : 0);
  }
  for (const request of world.server.requests) {
    const n = sessionOf(request);
    expect(request.headers.session_id).toBe(String(threads.get(n)));
    expect(request.body.model).toBe(Number(n) % 3 === 0 ? "gpt-5.1-codex" : "gpt-5.2-codex");
    expect(request.body.reasoning).toMatchObject({ effort: Number(n) % 5 === 0 ? "low" : "high" });
    expect([...request.rawBody.matchAll(/rules of (\d+)/g)].map(([, own]) => own)).toEqual([n]);
    for (const [, own] of request.rawBody.matchAll(/I am (\d+)/g)) expect(own).toBe(n);
  }
  expect(world.server.requests).toHaveLength(SESSIONS * 3);
  expect(world.server.violations).toEqual([]);
  const rollouts = world.rolloutPaths().map((path) => readRollout(path));
  expect(rollouts.map(([meta]) => meta?.payload.id).sort()).toEqual([...threads.values()].sort());
  for (const lines of rollouts) {
    const text = JSON.stringify(lines);
    expect(new Set([...text.matchAll(/task (\d+)/g)].map(([, n]) => n)).size).toBe(1);
  }
  expect(client.garbage).toEqual([]);
  // More than ten listeners for one event of the process would be complained about.
  expect(client.stderr).toBe("");
}, 60_000);
