import type { Command } from "commander";
import type { OverrideOptions } from "../overrides.ts";
import { addOverrideOptions } from "../repeatable.ts";

const EXAMPLE = `
Example, with the MCP inspector as the client:
  npx @modelcontextprotocol/inspector codex mcp-server`;

/** Registers `codex mcp-server`; `exit` receives the exit code. */
export function addMcpServerCommand(program: Command, exit: (code: number) => void): void {
  addOverrideOptions(program.command("mcp-server"))
    .description("be an MCP server: other programs start sessions over standard input and output")
    .addHelpText("after", EXAMPLE)
    .action(async (options: OverrideOptions) =>
      exit(await (await import("./mcp-server-run.ts")).mcpServerCommand(options)),
    );
}
