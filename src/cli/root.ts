import { Command, CommanderError } from "commander";
import { VERSION } from "#lib/version.ts";

type Register = (program: Command, exit: (code: number) => void) => void;

/** The commands, by the first words that ask for one. */
const COMMANDS: readonly { words: readonly string[]; load: () => Promise<Register> }[] = [
  { words: ["exec", "e"], load: async () => (await import("./commands/exec.ts")).addExecCommand },
  {
    words: ["memories", "debug"],
    load: async () => (await import("./commands/memories/register.ts")).addMemoriesCommand,
  },
  { words: ["mcp"], load: async () => (await import("./commands/mcp/register.ts")).addMcpCommand },
  { words: ["mcp-server"], load: async () => (await import("./commands/mcp-server.ts")).addMcpServerCommand },
  { words: ["hooks"], load: async () => (await import("./commands/hooks.ts")).addHooksCommand },
  { words: ["execpolicy"], load: async () => (await import("./commands/execpolicy.ts")).addExecpolicyCommand },
  { words: ["sandbox", "debug"], load: async () => (await import("./commands/sandbox/register.ts")).addSandboxCommand },
  { words: ["debug"], load: async () => (await import("./commands/debug-notification.ts")).addDebugNotification },
  { words: ["stdio-to-uds"], load: async () => (await import("./commands/stdio-to-uds.ts")).addStdioToUds },
  {
    words: ["responses-api-proxy"],
    load: async () => (await import("./commands/responses-api-proxy.ts")).addResponsesApiProxy,
  },
];

/** Exit code of a usage error, as Codex CLI's. */
const USAGE_EXIT = 2;

/** Parses the command line and runs the command; resolves to the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const [word = ""] = args;
  const asked = COMMANDS.filter(({ words }) => words.includes(word));
  const program = createProgram(asked.length === 0 ? undefined : word);
  // Only help and mistakes need them all: describing every option of every command takes longer than most commands.
  for (const { load } of asked.length === 0 ? COMMANDS : asked) {
    const register = await load();
    register(program, (code) => {
      exitCode = code;
    });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE_EXIT;
  }
  return exitCode;
}

function createProgram(word: string | undefined): Command {
  const hint = word === undefined ? "codex --help lists the commands" : `codex ${word} --help tells more`;
  return (
    new Command("codex")
      .description("A coding agent for your terminal.")
      .version(`codex-cli ${VERSION}`, "-V, --version", "print the version")
      .helpOption("-h, --help", "print help")
      .configureHelp({ sortOptions: true })
      // Else `codex sandbox git --version` would print our version.
      .enablePositionalOptions()
      .showHelpAfterError(`(${hint})`)
      .exitOverride()
  );
}
