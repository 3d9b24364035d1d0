import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { ConfigFlags } from "#config/load.ts";
import type { ApprovalDecision, ApprovalRequest } from "#protocol/approvals.ts";
import type { Event } from "#protocol/events.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";
import { answer, assistantText, customToolCall, functionCall, type SseEvent } from "../support/model-script.ts";
import { startSession, type TestSession } from "../support/session.ts";
import { tempHome } from "../support/temp-home.ts";

const WORKSPACE: ConfigFlags = {
  sandbox_mode: "workspace-write",
  sandbox_workspace_write: {
    writable_roots: [],
    network_access: false,
    allow_loopback: false,
    exclude_slash_tmp: true,
    exclude_tmpdir_env_var: true,
    deny_read: [],
  },
};

interface Stage extends AsyncDisposable {
  session: TestSession;
  /** A folder the sandbox does not let be written. */
  outside: string;
  requests: ApprovalRequest[];
  /** What the model's calls were answered with. */
  outputs(): string[];
}

type Replies = readonly (ApprovalDecision | ((stage: Stage) => ApprovalDecision | Promise<ApprovalDecision>))[];

/** A session whose person gives these answers in turn; the model makes these calls, a round after the other. */
async function stage(
  policy: ApprovalPolicy,
  replies: Replies,
  rounds: (outside: string) => readonly SseEvent[][],
  config: ConfigFlags = WORKSPACE,
): Promise<Stage> {
  const home = await tempHome();
  const outside = join(home.root, "outside");
  mkdirSync(outside);
  const calls = rounds(outside);
  const session = await startSession({
    home,
    canAsk: true,
    config: { ...config, approval_policy: policy },
    responses: (_, index) => answer(calls[index] ?? assistantText("done")),
  });
  const requests: ApprovalRequest[] = [];
  const made: Stage = {
    session,
    outside,
    requests,
    outputs: () =>
      session.events.flatMap((event) => {
        if (event.type !== "raw_response_item" || !("output" in event.item)) return [];
        return [String(event.item.output)];
      }),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
  void answerAll(made, replies);
  return made;
}

async function answerAll(made: Stage, replies: Replies): Promise<void> {
  const seen = new Set<string>();
  for (const reply of replies) {
    const isNew = (event: Event) => event.type === "approval_requested" && !seen.has(event.requestId);
    const event = await made.session.until(isNew);
    if (event.type !== "approval_requested") return;
    seen.add(event.requestId);
    made.requests.push(event.request);
    const decision = typeof reply === "function" ? await reply(made) : reply;
    made.session.submit({ type: "approval_answer", requestId: event.requestId, decision });
  }
}

const run = (cmd: string, more: Record<string, unknown> = {}, id = "c1") =>
  functionCall("exec_command", { cmd, login: false, ...more }, id);
const add = (path: string, id = "p1") =>
  customToolCall("apply_patch", `*** Begin Patch\n*** Add File: ${path}\n+hi\n*** End Patch`, id);
const REJECTED = 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }';
const yes: ApprovalDecision = { type: "approved" };
const no: ApprovalDecision = { type: "denied" };
const always: ApprovalDecision = { type: "approved_for_session" };

describe("a command under untrusted", () => {
  test("runs when approved, with a question that says all there is to say", async () => {
    await using made = await stage("untrusted", [yes], () => [run("touch made")]);
    await made.session.say("go");
    expect(existsSync(join(made.session.home.cwd, "made"))).toBe(true);
    expect(made.requests).toEqual([
      {
        type: "command",
        callId: "c1",
        command: [expect.stringContaining("sh"), "-c", "touch made"],
        cwd: made.session.home.cwd,
        reason: "the command is not known to be safe",
        escalated: false,
        tty: false,
        proposedRule: ["touch", "made"],
      },
    ]);
    expect(made.session.events.filter(({ type }) => type === "question_closed")).toHaveLength(1);
  });

  test("is not run when denied, and the model reads so", async () => {
    await using made = await stage("untrusted", [no, no, no], () => [
      run("touch made"),
      functionCall("shell", { command: ["touch", "made"] }),
      add("made"),
    ]);
    await made.session.say("go");
    expect(made.outputs()).toEqual([REJECTED, "exec command rejected by user", "patch rejected by user"]);
    expect(existsSync(join(made.session.home.cwd, "made"))).toBe(false);
    expect(made.session.events.at(-1)?.type).toBe("turn_completed");
  });

  test("ends the turn when that is the answer", async () => {
    await using made = await stage("untrusted", [{ type: "abort" }], () => [run("touch made")]);
    await made.session.say("go");
    expect(made.session.events.at(-1)?.type).toBe("turn_aborted");
    expect(made.session.server.requests).toHaveLength(1);
    expect(existsSync(join(made.session.home.cwd, "made"))).toBe(false);
  });

  test("approved for the session is not asked about again, another folder or word is", async () => {
    await using made = await stage("untrusted", [always, yes, yes], () => [
      run("touch made"),
      run("touch made"),
      run("touch made2"),
      run("touch made", { workdir: "sub" }),
    ]);
    mkdirSync(join(made.session.home.cwd, "sub"));
    await made.session.say("go");
    expect(made.requests.map((request) => request.type === "command" && [request.command[2], request.cwd])).toEqual([
      ["touch made", made.session.home.cwd],
      ["touch made2", made.session.home.cwd],
      ["touch made", join(made.session.home.cwd, "sub")],
    ]);
  });

  test("a rule is written for good and answers the next question", async () => {
    const decision: ApprovalDecision = { type: "approved_with_rule", prefix: ["touch"] };
    await using made = await stage("untrusted", [decision], () => [run("touch made"), run("touch made2")]);
    await made.session.say("go");
    expect(made.requests).toHaveLength(1);
    expect(existsSync(join(made.session.home.cwd, "made2"))).toBe(true);
    const rules = readFileSync(join(made.session.home.codexHome, "rules/default.rules"), "utf8");
    expect(rules).toBe('prefix_rule(pattern=["touch"], decision="allow")\n');
  });

  test("a rule too broad is not written, with a warning; the command runs this once", async () => {
    const decision: ApprovalDecision = { type: "approved_with_rule", prefix: ["env"] };
    await using made = await stage("untrusted", [decision], () => [run("env A=1 touch made")]);
    await made.session.say("go");
    expect(existsSync(join(made.session.home.cwd, "made"))).toBe(true);
    expect(existsSync(join(made.session.home.codexHome, "rules"))).toBe(false);
    expect(made.session.events).toContainEqual({
      type: "warning",
      message: 'Cannot always allow ["env"]: it would allow nearly every command',
    });
  });

  test("a rule that the command does not begin with is not written", async () => {
    const decision: ApprovalDecision = { type: "approved_with_rule", prefix: ["make"] };
    await using made = await stage("untrusted", [decision], () => [run("touch made")]);
    await made.session.say("go");
    expect(existsSync(join(made.session.home.cwd, "made"))).toBe(true);
    expect(existsSync(join(made.session.home.codexHome, "rules"))).toBe(false);
    expect(made.session.events.filter(({ type }) => type === "warning")).toHaveLength(1);
  });

  test("in a folder that became another one meanwhile is not run", async () => {
    const swap = (made: Stage) => {
      rmSync(join(made.session.home.cwd, "sub"), { recursive: true });
      symlinkSync(made.outside, join(made.session.home.cwd, "sub"));
      return yes;
    };
    await using made = await stage("untrusted", [swap], () => [run("touch made", { workdir: "sub" })], {
      sandbox_mode: "danger-full-access",
    });
    mkdirSync(join(made.session.home.cwd, "sub"));
    await made.session.say("go");
    expect(made.outputs()[0]).toContain("is another folder than when the user was asked");
    expect(existsSync(join(made.outside, "made"))).toBe(false);
  });

  test("with a terminal is another one than without", async () => {
    await using made = await stage("untrusted", [always, no], () => [
      run("touch made"),
      run("touch made", { tty: true }),
    ]);
    await made.session.say("go");
    expect(made.requests).toMatchObject([{ tty: false }, { tty: true }]);
  });

  test("leaves the sandbox only after a second question", async () => {
    await using made = await stage("untrusted", [yes, no], (outside) => [run(`touch ${outside}/made`)]);
    await made.session.say("go");
    expect(made.requests.map((request) => request.type === "command" && [request.reason, request.escalated])).toEqual([
      ["the command is not known to be safe", false],
      ["command failed; retry without sandbox?", true],
    ]);
    expect(made.outputs()).toEqual([
      expect.stringMatching(/Read-only file system\n\(It was not run again without the sandbox: rejected by user\.\)$/),
    ]);
    expect(existsSync(join(made.outside, "made"))).toBe(false);
  });
});

describe("leaving the sandbox", () => {
  test("on-failure: asked when the sandbox stopped it, and not for other failures", async () => {
    await using made = await stage("on-failure", [yes], (outside) => [run("exit 3"), run(`touch ${outside}/made`)]);
    await made.session.say("go");
    expect(made.requests).toMatchObject([{ reason: "command failed; retry without sandbox?", escalated: true }]);
    expect(existsSync(join(made.outside, "made"))).toBe(true);
    expect(made.outputs().slice(1)).toEqual([expect.stringContaining("Process exited with code 0")]);
  });

  test("on-request: asked when the model asks, with its words and the rule it proposes", async () => {
    const asks = { sandbox_permissions: "require_escalated", justification: "May I?", prefix_rule: ["touch"] };
    await using made = await stage("on-request", [yes], (outside) => [
      run(`touch ${outside}/no`),
      run(`touch ${outside}/made`, asks),
    ]);
    await made.session.say("go");
    expect(made.requests).toMatchObject([{ reason: "May I?", escalated: true, proposedRule: ["touch"] }]);
    expect([existsSync(join(made.outside, "no")), existsSync(join(made.outside, "made"))]).toEqual([false, true]);
  });

  test("of several commands a rule is proposed for the one that needs it, and none where two do", async () => {
    await using made = await stage("untrusted", [no, no], () => [run("ls && touch b"), run("touch a; touch b")]);
    await made.session.say("go");
    expect(made.requests).toMatchObject([{ proposedRule: ["touch", "b"] }, { proposedRule: null }]);
  });

  test("what is known to be safe needs neither a way out nor a question", async () => {
    await using made = await stage("on-request", [], () => [run("ls", { sandbox_permissions: "require_escalated" })]);
    await made.session.say("go");
    expect(made.outputs()).toEqual([expect.stringContaining("Process exited with code 0")]);
    expect(made.requests).toEqual([]);
  });

  test("an interruption withdraws the question, and a late answer does nothing", async () => {
    await using made = await stage("untrusted", [], () => [run("touch made")]);
    const turn = made.session.say("go");
    const asked = await made.session.until(({ type }) => type === "approval_requested");
    made.session.submit({ type: "interrupt" });
    await turn;
    if (asked.type !== "approval_requested") throw new Error("not asked");
    made.session.submit({ type: "approval_answer", requestId: asked.requestId, decision: yes });
    const ends = made.session.events.filter(({ type }) => type === "question_closed" || type === "turn_aborted");
    expect(ends.map(({ type }) => type)).toEqual(["question_closed", "turn_aborted"]);
    expect(existsSync(join(made.session.home.cwd, "made"))).toBe(false);
  });
});

describe("a patch", () => {
  test("outside the folder is asked about under on-request and then written", async () => {
    await using made = await stage("on-request", [yes], (outside) => [add(join(outside, "made"))]);
    await made.session.say("go");
    expect(made.requests).toMatchObject([
      { type: "patch", changes: [{ path: join(made.outside, "made"), kind: "add" }] },
    ]);
    expect(readFileSync(join(made.outside, "made"), "utf8")).toBe("hi\n");
    const patches = made.session.events.filter(({ type }) => type.startsWith("patch_"));
    expect(patches.map(({ type }) => type)).toEqual(["patch_started", "patch_finished"]);
  });

  test("approved for the session: the same file is not asked about again", async () => {
    await using made = await stage("untrusted", [always, no], () => [add("a"), add("a"), add("b")]);
    await made.session.say("go");
    expect(made.requests).toHaveLength(2);
    expect(made.outputs().slice(2)).toEqual(["patch rejected by user"]);
  });

  test("that leads elsewhere once it is approved is asked about again, with where it leads now", async () => {
    const swap = (made: Stage) => {
      rmSync(join(made.session.home.cwd, "sub"), { recursive: true });
      symlinkSync(made.outside, join(made.session.home.cwd, "sub"));
      return yes;
    };
    await using made = await stage("untrusted", [swap, no], () => [add("sub/a")]);
    mkdirSync(join(made.session.home.cwd, "sub"));
    await made.session.say("go");
    expect(made.requests).toMatchObject([
      { escalated: false, outside: [] },
      { escalated: true, outside: [join(made.outside, "a")] },
    ]);
    expect(made.outputs()).toEqual(["patch rejected by user"]);
    expect(existsSync(join(made.outside, "a"))).toBe(false);
  });

  test("that waits for its answer does not keep another session's patch waiting", async () => {
    await using waiting = await stage("untrusted", [], () => [add("a")]);
    const turn = waiting.session.say("go");
    await waiting.session.until(({ type }) => type === "approval_requested");
    await using other = await stage("on-request", [], () => [add("a")], { sandbox_mode: "danger-full-access" });
    await other.session.say("go");
    expect(existsSync(join(other.session.home.cwd, "a"))).toBe(true);
    waiting.session.submit({ type: "interrupt" });
    await turn;
  });
});

test("stopping a review at a question stops the turn", async () => {
  await using made = await stage("untrusted", [{ type: "abort" }], () => [run("touch made")]);
  made.session.submit({ type: "review", target: { type: "custom", instructions: "look" } });
  await made.session.until(({ type }) => type === "turn_aborted");
  expect(made.session.events.some(({ type }) => type === "turn_failed" || type === "error")).toBe(false);
});

test("the model's reason stands beside the policy's, never in its place", async () => {
  const asks = { sandbox_permissions: "require_escalated", justification: "Trust me." };
  await using made = await stage("on-request", [no], () => [run("rm -rf made", asks)]);
  await made.session.say("go");
  expect(made.requests).toMatchObject([{ reason: "the command may destroy files. The model says: Trust me." }]);
});

test("what a review runs is asked about too", async () => {
  await using made = await stage("untrusted", [yes], () => [run("touch made")]);
  const ended = ({ type }: Event) => type === "turn_completed";
  made.session.submit({ type: "review", target: { type: "custom", instructions: "look" } });
  await made.session.until(ended);
  expect(made.requests).toMatchObject([{ type: "command", callId: "c1" }]);
  expect(existsSync(join(made.session.home.cwd, "made"))).toBe(true);
});

test("where nobody can be asked the model is told why it was not run", async () => {
  await using home = await tempHome();
  await using session = await startSession({
    home,
    config: { ...WORKSPACE, approval_policy: "untrusted" },
    responses: [answer(run("touch made")), answer(assistantText("done"))],
  });
  await session.say("go");
  const output = String(session.server.requests[1]?.body.input.at(-1)?.output);
  expect(output).toContain("this run cannot ask the user for approval: the command is not known to be safe");
});
