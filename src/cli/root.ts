import { Command, CommanderError } from "commander";
import { writeStderr } from "#lib/stdio.ts";
import { VERSION } from "#lib/version.ts";
import { addOverrideOptions } from "./repeatable.ts";

type Register = (program: Command, exit: (code: number) => void) => void;

interface CommandEntry {
  /** The first words that ask for it. */
  words: readonly string[];
  load: () => Promise<Register>;
  /** Where it takes `-c`, `--enable` and `--disable`; nowhere when it reads no configuration. */
  overrides?: "behind the word" | "at the end";
}

const COMMANDS: readonly CommandEntry[] = [
  {
    words: ["exec", "e"],
    load: async () => (await import("./commands/exec.ts")).addExecCommand,
    overrides: "behind the word",
  },
  {
    words: ["memories", "debug"],
    load: async () => (await import("./commands/memories/register.ts")).addMemoriesCommand,
    overrides: "at the end",
  },
  {
    words: ["mcp"],
    load: async () => (await import("./commands/mcp/register.ts")).addMcpCommand,
    overrides: "behind the word",
  },
  {
    words: ["mcp-server"],
    load: async () => (await import("./commands/mcp-server.ts")).addMcpServerCommand,
    overrides: "behind the word",
  },
  {
    words: ["hooks"],
    load: async () => (await import("./commands/hooks.ts")).addHooksCommand,
    overrides: "behind the word",
  },
  { words: ["execpolicy"], load: async () => (await import("./commands/execpolicy.ts")).addExecpolicyCommand },
  {
    words: ["sandbox", "debug"],
    load: async () => (await import("./commands/sandbox/register.ts")).addSandboxCommand,
    overrides: "behind the word",
  },
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
  const { overrides, rest } = leadingOverrides(args);
  const [word = "", ...words] = rest;
  const asked = COMMANDS.filter((entry) => entry.words.includes(word));
  if (asked.length === 0) {
    const text = (await import("./not-here.ts")).notHere(rest);
    if (text !== undefined) writeStderr(text);
    if (text !== undefined && word !== "") return USAGE_EXIT;
  }
  const program = createProgram(asked.length === 0 ? undefined : word);
  // Only help and mistakes need them all: describing every option of every command takes longer than most commands.
  for (const { load } of asked.length === 0 ? COMMANDS : asked) {
    const register = await load();
    register(program, (code) => {
      exitCode = code;
    });
  }
  try {
    const behind = asked.some((entry) => entry.overrides === "behind the word");
    const atEnd = !behind && asked.some((entry) => entry.overrides === "at the end");
    const line = [word, ...(behind ? overrides : []), ...words, ...(atEnd ? overrides : [])];
    await program.parseAsync(asked.length === 0 ? [...args] : line, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE_EXIT;
  }
  return exitCode;
}

function createProgram(word: string | undefined): Command {
  const hint = word === undefined ? "codex --help lists the commands" : `codex ${word} --help tells more`;
  return (
    addOverrideOptions(new Command("codex"), "override a configuration key, before or behind the command")
      .description("A coding agent for your terminal.")
      .version(`codex-cli ${VERSION}`, "-V, --version", "print the version")
      .helpOption("-h, --help", "print help")
      // Some options leave 34 columns of 80 for what is said about them; unwrapped, a terminal breaks within words.
      .configureHelp({ sortOptions: true, minWidthToWrap: 24 })
      // Else `codex sandbox git --version` would print our version.
      .enablePositionalOptions()
      .showHelpAfterError(`(${hint})`)
      .exitOverride()
  );
}

const OVERRIDE = /^(?:-c|--config|--enable|--disable)$/;
const OVERRIDE_WITH_VALUE = /^(?:-c.|--(?:config|enable|disable)=)/;

/** Overrides before the command, which is where scripts for Codex CLI may have them, and what stands behind them. */
function leadingOverrides(args: readonly string[]): { overrides: string[]; rest: readonly string[] } {
  let end = 0;
  for (let at = args[end]; at !== undefined; at = args[end]) {
    if (OVERRIDE_WITH_VALUE.test(at)) end += 1;
    else if (OVERRIDE.test(at) && args[end + 1] !== undefined) end += 2;
    else break;
  }
  return { overrides: args.slice(0, end), rest: args.slice(end) };
}
