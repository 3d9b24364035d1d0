import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SessionApprovals } from "#approvals/session-cache.ts";
import type { ToolApprovalMode } from "#config/mcp-servers.ts";
import { environment } from "#lib/env.ts";
import { McpServers } from "#mcp/servers.ts";
import type { ToolEffect } from "#mcp/tool-info.ts";
import type { ApprovalDecision, ApprovalRequest, ElicitationAnswer, ElicitationRequest } from "#protocol/approvals.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";
import { decideMcpCall } from "#tools/mcp-tool/consent.ts";
import { withMcpTools } from "#tools/mcp-tool/mcp-registry.ts";
import { createToolRegistry } from "#tools/registry.ts";
import type { Person } from "#tools/tool.ts";
import { rawServer } from "../support/mcp-settings.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { type Stage, stage } from "./command-stage.ts";

let home: TempHome;
let servers: McpServers;

beforeAll(async () => {
  home = await tempHome();
  const modes = { toolApprovalModes: new Map<string, ToolApprovalMode>([["boom", "approve"]]) };
  const settings = [
    rawServer("tiny", { name: "guarded", defaultToolsApprovalMode: "prompt", ...modes }),
    rawServer("tiny", { name: "free", toolTimeoutMs: 600 }),
  ];
  servers = new McpServers({ settings, codexHome: home.codexHome, cwd: home.cwd, env: environment() });
  servers.begin(() => {});
  await servers.settled({ onNote: () => {}, signal: new AbortController().signal });
});

afterAll(async () => {
  await servers.close();
  await home[Symbol.asyncDispose]();
});

/** A stage whose person decides in this way, and a tool of it. */
async function asking(person: Partial<Person>, approvalPolicy: ApprovalPolicy = "on-request") {
  const at = await stage({ approvalPolicy });
  const registry = withMcpTools(createToolRegistry([]), servers, new SessionApprovals());
  const nobody = () => Promise.reject(new Error("not asked"));
  Object.assign(at.context, { person: { approve: nobody, elicit: nobody, ...person } });
  return {
    at,
    call: (name: string, args: Record<string, unknown> = {}) => {
      const tool = registry.find(`mcp__${name}`);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      return at.text(tool, args);
    },
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

function approving(...decisions: ApprovalDecision["type"][]) {
  const requests: ApprovalRequest[] = [];
  const approve = async (request: ApprovalRequest) => {
    requests.push(request);
    return { type: decisions.shift() ?? "denied" } as ApprovalDecision;
  };
  return { requests, approve };
}

const outcome = (at: Stage) => at.events.findLast(({ type }) => type === "mcp_tool_finished");

describe("whether a call is asked about", () => {
  test.each<[ToolApprovalMode | undefined, ToolEffect, string]>([
    [undefined, "risky", "run"],
    ["approve", "risky", "run"],
    ["auto", "reads", "run"],
    ["auto", "contained", "run"],
    ["auto", "risky", "ask"],
    ["writes", "reads", "run"],
    ["writes", "contained", "ask"],
    ["prompt", "reads", "ask"],
  ])("mode %p, a tool that %s: %s", (defaultToolsApprovalMode, effect, expected) => {
    const settings = {
      toolApprovalModes: new Map<string, ToolApprovalMode>(),
      ...(defaultToolsApprovalMode && { defaultToolsApprovalMode }),
    };
    const decide = (policy: ApprovalPolicy) => decideMcpCall(settings, { name: "t", effect }, policy).type;
    expect((["untrusted", "on-failure", "on-request", "never"] as const).map(decide)).toEqual([
      ...(Array(3).fill(expected) as "run"[]),
      expected === "ask" ? "reject" : "run",
    ]);
  });

  test("a tool's own mode goes before its server's", () => {
    const settings = {
      toolApprovalModes: new Map([["t", "prompt" as const]]),
      defaultToolsApprovalMode: "approve" as const,
    };
    expect(decideMcpCall(settings, { name: "t", effect: "reads" }, "on-request").type).toBe("ask");
    expect(decideMcpCall(settings, { name: "u", effect: "reads" }, "on-request").type).toBe("run");
  });

  test("the hints of a server are read and kept with its list", async () => {
    const again = new McpServers({
      settings: servers.all.map(({ settings }) => settings),
      codexHome: home.codexHome,
      cwd: home.cwd,
      env: environment(),
    });
    for (const from of [servers, again]) {
      const effects = ["reads", "contained", "reaches", "echo"].map(
        (name) => from.tools.get(`mcp__free__${name}`)?.info.effect,
      );
      expect(effects).toEqual(["reads", "contained", "risky", "risky"]);
    }
  });
});

describe("a call that is asked about", () => {
  test("is made when approved, and not asked about again when that holds for the session", async () => {
    const { requests, approve } = approving("approved_for_session");
    await using asked = await asking({ approve });
    expect(await asked.call("guarded__echo", { text: "a" })).toContain("ECHO a");
    expect(await asked.call("guarded__echo", { text: "b" })).toContain("ECHO b");
    const reason = "the configuration asks about this tool";
    expect(requests).toEqual([
      {
        type: "mcp_tool",
        callId: expect.any(String),
        server: "guarded",
        tool: "echo",
        arguments: { text: "a" },
        reason,
      },
    ]);
  });

  test("is not made when denied; person and model read so", async () => {
    await using asked = await asking(approving("denied"));
    expect(await asked.call("guarded__echo", { text: "a" })).toBe("MCP tool call rejected by user");
    expect(outcome(asked.at)).toMatchObject({ result: null, error: "MCP tool call rejected by user" });
  });

  test("is refused under never, and where nobody is there", async () => {
    await using never = await asking({}, "never");
    const refusal = "MCP tool call requires approval, but approval policy is never";
    expect(await never.call("guarded__echo")).toBe(refusal);
    expect(await never.call("guarded__boom")).toContain("boom happened");
    await using alone = await asking({});
    Object.assign(alone.at.context, { person: undefined });
    expect(await alone.call("guarded__echo")).toContain("this run cannot ask the user for approval");
  });
});

describe("a question of a server", () => {
  const answer: ElicitationAnswer = { action: "accept", content: { name: "Ada" } };

  test("goes to the person, whose time to think does not count", async () => {
    const questions: ElicitationRequest[] = [];
    const elicit = async (question: ElicitationRequest) => {
      questions.push(question);
      await Bun.sleep(1200);
      return answer;
    };
    await using asked = await asking({ elicit });
    expect(await asked.call("free__ask")).toContain('{\\"action\\":\\"accept\\",\\"content\\":{\\"name\\":\\"Ada\\"}}');
    const requestedSchema = { type: "object", properties: { name: { type: "string" } } };
    expect(questions).toEqual([{ server: "free", message: "Who?", mode: { type: "form", requestedSchema } }]);
  });

  test("is declined and cancelled as the person says", async () => {
    for (const action of ["decline", "cancel"] as const) {
      await using asked = await asking({ elicit: async () => ({ action, content: null }) });
      expect(await asked.call("free__ask")).toContain(`{\\"action\\":\\"${action}\\"}`);
    }
  });

  test("is cancelled where nobody can be asked", async () => {
    await using asked = await asking({});
    Object.assign(asked.at.context, { person: undefined });
    expect(await asked.call("free__ask")).toContain('{\\"action\\":\\"cancel\\"}');
  });

  test("that the server withdraws is taken from the person", async () => {
    const withdrawn = Promise.withResolvers<void>();
    const elicit: Person["elicit"] = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          withdrawn.resolve();
          reject(signal.reason);
        });
      });
    await using asked = await asking({ elicit });
    expect(await asked.call("free__withdraw")).toContain("withdrawn");
    await withdrawn.promise;
  });
});

test("what a server tells of its progress becomes events", async () => {
  await using asked = await asking({});
  expect(await asked.call("free__steps")).toContain("stepped");
  const progress = asked.at.events.filter(({ type }) => type === "mcp_tool_progress");
  const callId = expect.any(String);
  expect(progress as unknown[]).toEqual([
    { type: "mcp_tool_progress", callId, progress: 1, total: 2, message: "half" },
    { type: "mcp_tool_progress", callId, progress: 2, total: null, message: null },
  ]);
});
