import { shellScript } from "#approvals/script-commands.ts";
import type { PreparedScript } from "#process/login-env.ts";
import { namedShell, shellArgv } from "#process/shell.ts";
import {
  type ArgumentType,
  choice,
  flag,
  integer,
  list,
  optional,
  parseArguments,
  required,
  struct,
  text,
} from "../argument-errors.ts";
import type { CommandDeps } from "../guarded-run.ts";
import { failure, wrongPayload } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import { runShell, type ShellCall } from "./run-shell.ts";
import { structuredJson, structuredText } from "./structured-output.ts";

const COMMON_FIELDS = {
  workdir: optional(text),
  timeout_ms: optional(integer("u64")),
  sandbox_permissions: optional(choice(["use_default", "require_escalated"])),
  prefix_rule: optional(list(text)),
  justification: optional(text),
};
const ALIASES = { aliases: { timeout: "timeout_ms" } };
const SHELL_ARGUMENTS = struct("ShellToolCallParams", { command: required(list(text)), ...COMMON_FIELDS }, ALIASES);
const SHELL_COMMAND_ARGUMENTS = struct(
  "ShellCommandToolCallParams",
  { command: required(text), login: optional(flag), ...COMMON_FIELDS },
  ALIASES,
);

type CommonArguments = {
  workdir?: string | undefined;
  timeout_ms?: number | undefined;
  sandbox_permissions?: string | undefined;
  prefix_rule?: string[] | undefined;
  justification?: string | undefined;
};

/** `shell` and its older name `container.exec`: a command as words. Accepted, never offered. */
export function createShellTool(deps: CommandDeps, name: "shell" | "container.exec"): Tool {
  return functionTool(name, SHELL_ARGUMENTS, deps, (args, call, context) => ({
    ...commonParts(args, call),
    argv: args.command,
    prepare: () => prepareWords(args.command, context, deps),
    format: structuredJson,
  }));
}

/** `shell_command`: a command line for the user's shell. Accepted, never offered. */
export function createShellCommandTool(deps: CommandDeps): Tool {
  return functionTool("shell_command", SHELL_COMMAND_ARGUMENTS, deps, (args, call, context) => {
    const { shell, environment } = deps;
    const login = args.login ?? true;
    const { signal, sandbox } = context;
    return {
      ...commonParts(args, call),
      argv: shellArgv(shell, args.command, { login }),
      prepare: () => environment.prepare({ script: args.command, shell, login, context: sandbox, signal }),
      format: structuredText,
    };
  });
}

/** How a command given as words is started: a login script goes through the captured environment. */
export async function prepareWords(
  argv: readonly string[],
  context: ToolContext,
  deps: CommandDeps,
): Promise<PreparedScript> {
  const { signal, sandbox } = context;
  const script = argv[1] === "-lc" ? shellScript(argv) : undefined;
  const shell = namedShell(script === undefined ? "" : (argv[0] ?? ""), deps.shell);
  const prepared = await deps.environment.prepare({
    script: script ?? "",
    shell,
    login: script !== undefined,
    context: sandbox,
    signal,
  });
  return script === undefined ? { argv: [...argv], env: prepared.env } : prepared;
}

function commonParts(
  args: CommonArguments,
  call: ToolCall,
): Pick<ShellCall, "callId" | "workdir" | "timeoutMs" | "escalation"> {
  return {
    callId: call.callId,
    workdir: args.workdir,
    timeoutMs: args.timeout_ms,
    escalation: {
      asked: args.sandbox_permissions === "require_escalated",
      justification: args.justification,
      prefixRule: args.prefix_rule,
    },
  };
}

function functionTool<T>(
  name: string,
  type: ArgumentType<T>,
  deps: CommandDeps,
  shellCall: (args: T, call: ToolCall, context: ToolContext) => ShellCall,
): Tool {
  return {
    name,
    spec: () => null,
    parallel: true,
    run: async (call: ToolCall, context: ToolContext): Promise<ToolResult> => {
      if (call.payload.kind !== "function") return wrongPayload(name);
      const parsed = parseArguments(call.payload.argumentsJson, type);
      if ("error" in parsed) return failure(parsed.error);
      return runShell(shellCall(parsed.value, call, context), context, deps);
    },
  };
}
