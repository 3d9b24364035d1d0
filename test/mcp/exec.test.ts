import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { completedItems, outputOf, useStage, type World } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { isGone, pidIn } from "../support/processes.ts";

const stage = useStage();
const RAW = join(import.meta.dir, "../support/mcp-server-raw.ts");
const WAIT = 60_000;

/** Arguments of `exec` that configure one server. */
function serverArgs(behaviour: string, options: { log?: string; more?: string } = {}): string[] {
  const args = [RAW, behaviour, ...(options.log === undefined ? [] : [options.log])];
  const table = `{command=${JSON.stringify(process.execPath)},args=${JSON.stringify(args)}${options.more ?? ""}}`;
  return ["-c", `mcp_servers.tiny=${table}`];
}

/** How often a server that logs was started. */
function starts(log: string): number {
  return existsSync(log) ? (readFileSync(log, "utf8").match(/"method":"initialize"/g) ?? []).length : 0;
}

function toolNames(world: World, request: number): string[] {
  return (world.server.requests[request]?.body.tools ?? []).map((tool) => String(tool.name));
}

test(
  "the second session knows the tools without starting the server, and starts it for a call",
  async () => {
    const world = await stage.world({
      responses: [
        answer(assistantText("one")),
        answer(assistantText("two")),
        answer(functionCall("mcp__tiny__echo", { text: "hey" })),
        answer(assistantText("three")),
      ],
    });
    const log = join(world.root, "log");
    const args = serverArgs("tiny", { log });
    expect((await world.run({ args })).code).toBe(0);
    expect(starts(log)).toBe(1);
    expect((await world.run({ args })).code).toBe(0);
    expect(starts(log)).toBe(1);
    expect(toolNames(world, 1)).toEqual(toolNames(world, 0));
    expect(toolNames(world, 1)).toContain("mcp__tiny__echo");
    const called = await world.run({ args });
    expect(starts(log)).toBe(2);
    expect(completedItems(called, "mcp_tool_call")).toMatchObject([{ tool: "echo", status: "completed" }]);
  },
  WAIT,
);

test(
  "a changed list is the next session's",
  async () => {
    const world = await stage.world({
      responses: [
        answer(functionCall("mcp__tiny__change", {})),
        // Time for the list to be asked for and stored.
        answer(functionCall("mcp__tiny__fresh", {}, "call_2")),
        answer(functionCall("exec_command", { cmd: "sleep 0.5" }, "call_3")),
        answer(assistantText("one")),
        answer(assistantText("two")),
      ],
    });
    await world.run({ args: serverArgs("tiny") });
    await world.run({ args: serverArgs("tiny") });
    expect(toolNames(world, 4).filter((name) => name.startsWith("mcp__"))).toEqual(["mcp__tiny__fresh"]);
  },
  WAIT,
);

test.each([
  ["garbage", "exec yes"],
  ["messages", `exec yes '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}'`],
])(
  "a server that never stops writing %s fails in its time, and the turn goes on",
  async (_, script) => {
    const world = await stage.world({ responses: [answer(assistantText("without it"))] });
    const table = `{command="/bin/sh",args=["-c",${JSON.stringify(script)}],startup_timeout_sec=1}`;
    const run = await world.run({ args: ["-c", `mcp_servers.flood=${table}`], json: false });
    expect(run.stderr).toContain("MCP client for `flood` timed out after 1 seconds");
    expect(run).toMatchObject({ code: 0, timedOut: false });
    expect(run.stdout).toContain("without it");
  },
  WAIT,
);

test(
  "SIGINT ends a run that waits for a server",
  async () => {
    const world = await stage.world({});
    const run = world.start({ args: serverArgs("silent", { more: ",startup_timeout_sec=50" }) });
    await run.stdoutMatches((stdout) => stdout.includes("turn.started"));
    run.kill("SIGINT");
    const { code, elapsedMs } = await run.done;
    expect(code).toBe(130);
    expect(elapsedMs).toBeLessThan(40_000);
    expect(world.server.requests).toEqual([]);
  },
  WAIT,
);

test(
  "SIGINT ends a run that waits for a required server, and the server",
  async () => {
    const world = await stage.world({});
    const table = `{command="/bin/sh",args=["-c","echo $$ > pid; exec sleep 300"],startup_timeout_sec=50,required=true}`;
    const run = world.start({ args: ["-c", `mcp_servers.hangs=${table}`] });
    const pid = await pidIn(join(world.cwd, "pid"));
    run.kill("SIGINT");
    expect(await run.done).toMatchObject({ code: 130, stdout: "", stderr: "", timedOut: false });
    expect(await isGone(pid)).toBe(true);
    expect(world.server.requests).toEqual([]);
  },
  WAIT,
);

test(
  "whoever waits is told what for",
  async () => {
    const run = await stage.play({ args: serverArgs("silent", { more: ",startup_timeout_sec=1.5" }) });
    expect(run.code).toBe(0);
    expect(run.stderr).toBe("Waiting for MCP servers: tiny (up to 1.5 s, only until their tools are known)\n");
  },
  WAIT,
);

test(
  "an answer of 50 MB is bounded in every place it goes",
  async () => {
    const run = await stage.play({
      responses: [answer(functionCall("mcp__tiny__big", {})), answer(assistantText("done"))],
      args: serverArgs("tiny"),
      timeoutMs: 50_000,
    });
    expect(run.code).toBe(0);
    expect(run.stdout.length).toBeLessThan(1_200_000);
    expect(outputOf(run).length).toBeLessThan(60_000);
    expect(readFileSync(run.world.rolloutPaths()[0] ?? "", "utf8").length).toBeLessThan(1_000_000);
  },
  WAIT,
);

test(
  "servers are gone after a run, and after a run that was killed",
  async () => {
    const world = await stage.world({
      responses: [
        answer(functionCall("mcp__tiny__env", {})),
        answer(assistantText("done")),
        answer(functionCall("mcp__tiny__env", {})),
        answer(functionCall("mcp__tiny__slow", {}, "call_2")),
      ],
    });
    const args = serverArgs("stubborn");
    const pidOf = (stdout: string) => Number(/\\"pid\\":(\d+)/.exec(stdout)?.[1]);
    const first = await world.run({ args });
    expect(await isGone(pidOf(first.stdout))).toBe(true);
    const killed = world.start({ args });
    await killed.stdoutMatches((stdout) => pidOf(stdout) > 1 && stdout.includes('"tool":"slow"'));
    killed.kill("SIGKILL");
    const { stdout } = await killed.done;
    expect(await isGone(pidOf(stdout))).toBe(true);
  },
  WAIT,
);
