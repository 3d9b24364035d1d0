import { loadDotenv } from "#config/dotenv.ts";
import { dropLoaderVariables, protectMemory } from "#lib/hardening.ts";
import { codexHome } from "#lib/home.ts";
import { runMcpServer } from "#mcp-server/run.ts";
import { type OverrideOptions, parseOverrides } from "../overrides.ts";

/** When memory is closed to other processes, in milliseconds after the start: the first answer comes before. */
const PROTECT_AFTER_MS = 50;

/** Runs `codex mcp-server` and resolves to its exit code. Throws CodexError for what the command line lacks. */
export async function mcpServerCommand(options: OverrideOptions): Promise<number> {
  dropLoaderVariables();
  const home = codexHome();
  loadDotenv(home);
  setTimeout(() => void protectMemory(), PROTECT_AFTER_MS).unref();
  return runMcpServer({ codexHome: home, cwd: process.cwd(), overrides: parseOverrides(options) });
}
