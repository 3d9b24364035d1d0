import type { CommandDeps } from "../guarded-run.ts";
import { runShell } from "../shell/run-shell.ts";
import { prepareWords } from "../shell/shell.ts";
import { structuredJson } from "../shell/structured-output.ts";
import { wrongPayload } from "../text-result.ts";
import type { Tool } from "../tool.ts";

/** `local_shell_call` items, the hosted form of `shell`. Accepted, never offered. */
export function createLocalShellTool(deps: CommandDeps): Tool {
  return {
    name: "local_shell",
    spec: () => null,
    parallel: true,
    run: async ({ callId, payload }, context) => {
      if (payload.kind !== "local_shell") return wrongPayload("local_shell");
      const { command: argv, workdir, timeoutMs } = payload;
      const call = {
        callId,
        argv,
        prepare: () => prepareWords(argv, context, deps),
        workdir: workdir ?? undefined,
        timeoutMs: timeoutMs ?? undefined,
        escalation: { asked: false, justification: undefined, prefixRule: undefined },
        format: structuredJson,
      };
      return runShell(call, context, deps);
    },
  };
}
