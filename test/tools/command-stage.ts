import { SessionApprovals } from "#approvals/session-cache.ts";
import { NO_RULES } from "#execpolicy/rules.ts";
import { environment } from "#lib/env.ts";
import { type ChildEnvOptions, childEnvironment, DEFAULT_ENV_POLICY } from "#process/env-policy.ts";
import { LoginEnvironment } from "#process/login-env.ts";
import { SessionTable } from "#process/sessions.ts";
import type { Event } from "#protocol/events.ts";
import type { ApprovalPolicy, SandboxPolicy } from "#protocol/policies.ts";
import type { ModelInfo } from "#providers/model-catalog.ts";
import type { SandboxContext } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import type { CommandDeps } from "#tools/guarded-run.ts";
import type { Tool, ToolContext, ToolResult } from "#tools/tool.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** A model as the catalog describes the default one. */
export const MODEL: ModelInfo = {
  slug: "gpt-5.2-codex",
  known: true,
  contextWindow: 272_000,
  effectiveWindowPercent: 95,
  supportsReasoning: true,
  defaultEffort: "medium",
  supportsVerbosity: false,
  defaultVerbosity: undefined,
  parallelToolCalls: true,
  freeformApplyPatch: true,
  supportsImages: true,
  truncation: { mode: "tokens", limit: 10_000 },
};

export interface StageOptions {
  policy?: SandboxPolicy;
  approvalPolicy?: ApprovalPolicy;
  model?: ModelInfo;
  env?: Record<string, string>;
  bwrapPaths?: readonly string[];
}

/** A session's folder and engines, with everything that tools announce. */
export interface Stage extends AsyncDisposable {
  home: TempHome;
  deps: CommandDeps;
  context: ToolContext;
  events: Event[];
  abort: AbortController;
  /** Calls a tool with arguments as the model would write them (a string is sent as it is). */
  call(tool: Tool, args: unknown): Promise<ToolResult>;
  /** As `call`, for the output text alone. */
  text(tool: Tool, args: unknown): Promise<string>;
}

let calls = 0;

/** Danger-full-access and approval never unless told otherwise; HOME is an empty folder. */
export async function stage(options: StageOptions = {}): Promise<Stage> {
  const home = await tempHome();
  const sandboxContext: SandboxContext = {
    policy: options.policy ?? { type: "danger-full-access" },
    sessionCwd: home.cwd,
    tmpdir: undefined,
    codexHome: home.codexHome,
  };
  const sandbox = prepareSandbox(options.bwrapPaths === undefined ? {} : { bwrapPaths: options.bwrapPaths });
  const deps = commandDeps(home, sandbox, options.env ?? {});
  const events: Event[] = [];
  const abort = new AbortController();
  const context: ToolContext = {
    threadId: "thread",
    turnId: "turn",
    cwd: home.cwd,
    model: options.model ?? MODEL,
    approvalPolicy: options.approvalPolicy ?? "never",
    sandbox: sandboxContext,
    signal: abort.signal,
    // A chunk is only counted: a test that floods would otherwise hold the flood.
    emit: (event) => events.push(event.type === "command_output" ? { ...event, chunk: new Uint8Array() } : event),
    person: undefined,
    interrupt: () => abort.abort(new Error("interrupted")),
  };
  const call = (tool: Tool, args: unknown) => {
    const argumentsJson = typeof args === "string" ? args : JSON.stringify(args);
    const payload = { kind: "function", argumentsJson } as const;
    return tool.run({ name: tool.name, callId: `call_${++calls}`, payload }, context);
  };
  return {
    home,
    deps,
    context,
    events,
    abort,
    call,
    text: async (tool, args) => String((await call(tool, args)).output),
    async [Symbol.asyncDispose]() {
      await deps.sessions.terminateAll();
      await deps.environment.dispose();
      await home[Symbol.asyncDispose]();
    },
  };
}

function commandDeps(home: TempHome, sandbox: CommandDeps["sandbox"], env: Record<string, string>): CommandDeps {
  const shell = { kind: "bash", path: "/bin/bash" } as const;
  const envOptions: ChildEnvOptions = {
    policy: DEFAULT_ENV_POLICY,
    threadId: "thread",
    pathPrefix: undefined,
    credentialNames: ["CODEX_API_KEY", "OPENAI_API_KEY"],
  };
  const loginOptions = {
    shell,
    sandbox,
    env: childEnvironment({ ...environment(), HOME: home.root, ...env }, envOptions),
    envOptions,
    codexHome: home.codexHome,
    onNotice: (message: string) => {
      throw new Error(message);
    },
  };
  const login = new LoginEnvironment(loginOptions);
  const rules = { current: () => NO_RULES, allow: () => {} };
  return { sessions: new SessionTable(), sandbox, rules, approvals: new SessionApprovals(), shell, environment: login };
}

/** The events without chunks, times and call ids. */
export function commandEvents(events: readonly Event[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type === "command_started") return [{ started: event.command.join(" ") }];
    if (event.type === "command_finished") return [{ finished: event.output, exitCode: event.exitCode }];
    return [];
  });
}
