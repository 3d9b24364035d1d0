import type { Command } from "commander";
import type { OverrideOptions } from "../overrides.ts";

const EXAMPLE = `
Example, with the MCP inspector as the client:
  npx @modelcontextprotocol/inspector codex mcp-server`;

/** Registers `codex mcp-server`; `exit` receives the exit code. */
export function addMcpServerCommand(program: Command, exit: (code: number) => void): void {
  program
    .command("mcp-server")
    .description("be an MCP server: other programs start sessions over standard input and output")
    .option("-c, --config <KEY=VALUE>", "override a configuration key (repeatable; value is TOML)", collect)
    .option("--enable <FEATURE>", "turn a feature on (repeatable)", collect)
    .option("--disable <FEATURE>", "turn a feature off (repeatable)", collect)
    .addHelpText("after", EXAMPLE)
    .action(async (options: OverrideOptions) =>
      exit(await (await import("./mcp-server-run.ts")).mcpServerCommand(options)),
    );
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
