import { Command, CommanderError } from "commander";
import { VERSION } from "#lib/version.ts";
import { addDebugNotification } from "./commands/debug-notification.ts";
import { addExecCommand } from "./commands/exec.ts";
import { addExecpolicyCommand } from "./commands/execpolicy.ts";
import { addHooksCommand } from "./commands/hooks.ts";
import { addMcpCommand } from "./commands/mcp/register.ts";
import { addMcpServerCommand } from "./commands/mcp-server.ts";
import { addMemoriesCommand } from "./commands/memories/register.ts";
import { addResponsesApiProxy } from "./commands/responses-api-proxy.ts";
import { addSandboxCommand } from "./commands/sandbox/register.ts";
import { addStdioToUds } from "./commands/stdio-to-uds.ts";

/** Exit code of a usage error, as Codex CLI's. */
const USAGE_EXIT = 2;

/** Parses the command line and runs the command; resolves to the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("codex")
    .description("A coding agent for your terminal.")
    .version(`codex-cli ${VERSION}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .configureHelp({ sortOptions: true })
    // Else `codex sandbox git --version` would print our version.
    .enablePositionalOptions()
    .showHelpAfterError("(codex --help lists the commands)")
    .exitOverride();
  const exit = (code: number) => {
    exitCode = code;
  };
  addExecCommand(program, exit);
  addMemoriesCommand(program, exit);
  addMcpCommand(program, exit);
  addMcpServerCommand(program, exit);
  addHooksCommand(program, exit);
  addExecpolicyCommand(program, exit);
  addSandboxCommand(program, exit);
  addDebugNotification(program, exit);
  addStdioToUds(program, exit);
  addResponsesApiProxy(program, exit);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE_EXIT;
  }
  return exitCode;
}
