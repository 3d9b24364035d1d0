import { type Command, Option } from "commander";
import { addOverrideOptions, collect } from "../../repeatable.ts";
import type { AddOptions } from "./add.ts";
import type { McpOptions } from "./configured.ts";
import type { LoginFlags } from "./login.ts";
import { withProgramApart } from "./program-words.ts";

const EXAMPLES = `
Examples:
  codex mcp add docs -- npx -y docs-server --port 4000
  codex mcp add tracker --url https://example.com/mcp --bearer-token-env-var TRACKER_TOKEN
  codex mcp test docs
  codex mcp list --json`;

type Exit = (code: number) => void;

/** Registers `codex mcp …`; `exit` receives the exit code. */
export function addMcpCommand(program: Command, exit: Exit): void {
  const mcp = addOverrideOptions(program.command("mcp"))
    .description("servers that give the model more tools")
    // They may stand behind `list` and the others, too.
    .enablePositionalOptions(false)
    .addHelpText("after", EXAMPLES);
  const parseOptions = mcp.parseOptions.bind(mcp);
  mcp.parseOptions = (words) => parseOptions(withProgramApart(words));
  addReaders(mcp, exit);
  addWriters(mcp, exit);
  addLogins(mcp, exit);
}

function addReaders(mcp: Command, exit: Exit): void {
  mcp
    .command("list")
    .description("the configured servers")
    .option("--json", "print JSON")
    .action(async (_own: unknown, command: Command) =>
      exit(await (await import("./list.ts")).listServers(command.optsWithGlobals<McpOptions>())),
    );
  named(mcp, "get", "the settings of one server")
    .option("--json", "print JSON")
    .action(async (name: string, _own: unknown, command: Command) =>
      exit(await (await import("./get.ts")).getServer(name, command.optsWithGlobals<McpOptions>())),
    );
  named(mcp, "test", "start a server, list its tools and say how long it took")
    .option("--json", "print JSON")
    .action(async (name: string, _own: unknown, command: Command) =>
      exit(await (await import("./test-server.ts")).testServer(name, command.optsWithGlobals<McpOptions>())),
    );
}

function addWriters(mcp: Command, exit: Exit): void {
  named(mcp, "add", "write a server into config.toml; one of the same name is replaced")
    .argument("[command...]", "the program to start and its arguments, best after `--`")
    .option("--url <URL>", "address of a server that speaks streamable HTTP")
    .option("--bearer-token-env-var <NAME>", "with --url: variable that holds its bearer token")
    .option("--env <KEY=VALUE>", "environment variable of the program (repeatable)", collect)
    .option("--oauth-client-id <ID>", "with --url: client registered with the authorization server")
    .option("--oauth-client-secret <SECRET>", "its secret, if it has one")
    .option("--oauth-resource <RESOURCE>", "with --url: resource to name when logging in")
    .addOption(registrationOption())
    .action(async (name: string, argv: string[], options: AddOptions, command: Command) => {
      const { addServer, addProblem } = await import("./add.ts");
      const problem = addProblem(argv, options);
      if (problem !== undefined) command.error(`error: ${problem}`);
      exit(await addServer(name, argv, command.optsWithGlobals<AddOptions & McpOptions>()));
    });
  named(mcp, "remove", "take a server out of config.toml").action(async (name: string) =>
    exit(await (await import("./remove.ts")).removeServer(name)),
  );
  named(mcp, "enable", "use a server again").action(async (name: string, _own: unknown, command: Command) =>
    exit(await (await import("./switch.ts")).switchServer(name, true, command.optsWithGlobals<McpOptions>())),
  );
  named(mcp, "disable", "keep a server without using it").action(
    async (name: string, _own: unknown, command: Command) =>
      exit(await (await import("./switch.ts")).switchServer(name, false, command.optsWithGlobals<McpOptions>())),
  );
}

function addLogins(mcp: Command, exit: Exit): void {
  named(mcp, "login", "log in to a server with OAuth")
    .option("--scopes <SCOPES>", "scopes to ask for, separated by commas")
    .option("--no-browser", "only print the address; the one the browser ends at can be pasted")
    .addOption(registrationOption())
    .action(async (name: string, _own: unknown, command: Command) =>
      exit(await (await import("./login.ts")).loginTo(name, command.optsWithGlobals<McpOptions & LoginFlags>())),
    );
  named(mcp, "logout", "forget the login of a server").action(async (name: string, _own: unknown, command: Command) =>
    exit(await (await import("./login.ts")).logout(name, command.optsWithGlobals<McpOptions>())),
  );
}

function registrationOption(): Option {
  return new Option("--oauth-client-registration <HOW>", "dcr registers a client even where one is configured").choices(
    ["auto", "cimd", "dcr"],
  );
}

function named(mcp: Command, command: string, description: string): Command {
  return mcp.command(command).description(description).argument("<name>", "name of the server");
}
