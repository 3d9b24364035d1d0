import { resolve } from "node:path";
import type { ThreadSettings } from "#agent/settings.ts";
import { BARE_PATCH_MESSAGE, interceptPatch } from "#apply-patch/heredoc.ts";
import { waitAtMost } from "#lib/abort.ts";
import { environment } from "#lib/env.ts";
import { writeNote } from "#lib/stdio.ts";
import { type ChildEnvOptions, childEnvironment } from "#process/env-policy.ts";
import { LoginEnvironment } from "#process/login-env.ts";
import { SessionTable } from "#process/sessions.ts";
import { withoutProxy } from "#sandbox/network-access.ts";
import { createPatchRunner, type RunVerifiedPatch } from "#tools/apply-patch/run-patch.ts";
import { createApplyPatchTool } from "#tools/apply-patch/tool.ts";
import { createExecCommandTool } from "#tools/exec-command/exec-command.ts";
import type { CommandDeps, InterceptPatch } from "#tools/guarded-run.ts";
import { createLocalShellTool } from "#tools/local-shell/local-shell.ts";
import { createToolRegistry, type ToolRegistry } from "#tools/registry.ts";
import { createRequestUserInputTool } from "#tools/request-user-input/request-user-input.ts";
import { createShellCommandTool, createShellTool } from "#tools/shell/shell.ts";
import type { Tool } from "#tools/tool.ts";
import { createUpdatePlanTool } from "#tools/update-plan/update-plan.ts";
import { createViewImageTool } from "#tools/view-image/view-image.ts";
import { createWebSearchTool } from "#tools/web-search/web-search.ts";
import { createWriteStdinTool } from "#tools/write-stdin/write-stdin.ts";
import { credentialNames } from "./credential-names.ts";
import type { Engines } from "./engines.ts";
import { patchInSandbox } from "./patch-in-sandbox.ts";
import type { ThreadConsents } from "./thread-consents.ts";

/** The tools of one thread and the commands they keep alive. */
export interface ThreadTools {
  registry: ToolRegistry;
  /** Reports commands that outlive the turn. */
  finishTurn(): void;
  /** Ends every command, those of earlier turns too. */
  endCommands(): Promise<void>;
  /** Ends every command and removes what was written for the session. */
  close(): Promise<void>;
}

/**
 * When the login profile is run ahead of the first command: late enough that a session whose model answers
 * at once without a command does not pay for it.
 */
const PREFETCH_DELAY_MS = 0;

/** How long an interruption waits for commands to end; those that can be killed take 0.2 s. */
const COMMANDS_END_MS = 1000;

export function createThreadTools(engines: Engines, settings: ThreadSettings, consents: ThreadConsents): ThreadTools {
  const { approvals, rules } = consents;
  const sessions = new SessionTable();
  const login = loginEnvironment(engines, settings);
  const prefetch = setTimeout(() => login.prefetch(withoutProxy(settings.sandbox)), PREFETCH_DELAY_MS);
  const spawnSelf = patchInSandbox(engines);
  const commands: CommandDeps = {
    sessions,
    sandbox: engines.sandbox,
    rules,
    approvals,
    shell: engines.shell,
    environment: login,
    interceptPatch: patchInterceptor(createPatchRunner({ spawnSelf, approvals })),
  };
  const { webSearch, viewImageTool, features } = engines.options.settings;
  const shell = features.shell_tool ? shellTools(commands) : { offered: [], accepted: [] };
  const search =
    settings.subagent === "review"
      ? undefined
      : createWebSearchTool({ mode: webSearch, sandboxPolicy: settings.sandbox.policy });
  const registry = createToolRegistry([
    ...shell.offered,
    ...(engines.mcp?.resourceTools ?? []),
    createUpdatePlanTool(),
    createApplyPatchTool({ spawnSelf, approvals }),
    ...(search === undefined ? [] : [search]),
    ...(viewImageTool ? [createViewImageTool()] : []),
    ...shell.accepted,
    createRequestUserInputTool(),
  ]);
  return {
    registry: engines.mcp?.withTools(registry, approvals) ?? registry,
    finishTurn: () => sessions.finishTurn(),
    endCommands: () => waitAtMost(sessions.terminateAll(), COMMANDS_END_MS),
    close: async () => {
      clearTimeout(prefetch);
      await Promise.all([sessions.terminateAll(), login.dispose()]);
    },
  };
}

/** Whatever runs a command of the model; with `features.shell_tool` off nothing does, under no name. */
function shellTools(commands: CommandDeps): { offered: Tool[]; accepted: Tool[] } {
  return {
    offered: [createExecCommandTool(commands), createWriteStdinTool(commands)],
    accepted: [
      createShellTool(commands, "shell"),
      createShellTool(commands, "container.exec"),
      createShellCommandTool(commands),
      createLocalShellTool(commands),
    ],
  };
}

function loginEnvironment(engines: Engines, settings: ThreadSettings): LoginEnvironment {
  const { options } = engines;
  const envOptions: ChildEnvOptions = {
    policy: options.settings.shellEnvironment,
    threadId: settings.threadId,
    pathPrefix: engines.arg0Folder ?? undefined,
    credentialNames: credentialNames(options.settings),
  };
  return new LoginEnvironment({
    shell: engines.shell,
    sandbox: engines.sandbox,
    env: childEnvironment(environment(), envOptions),
    envOptions,
    codexHome: options.codexHome,
    onNotice: writeNote,
  });
}

/** A command that is nothing but a patch goes to the patch engine instead of a shell. */
function patchInterceptor(runPatch: RunVerifiedPatch): InterceptPatch {
  return async ({ argv, workdir, callId, context }) => {
    const found = interceptPatch(argv);
    if (found === null) return null;
    if (found.type === "bare_patch") return { output: BARE_PATCH_MESSAGE, success: false };
    const folder = found.workdir === null ? workdir : resolve(workdir, found.workdir);
    return runPatch({ patch: found.patch, workdir: folder, context, callId });
  };
}
