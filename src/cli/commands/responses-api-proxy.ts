import { type Command, InvalidArgumentError } from "commander";
import type { ProxyOptions } from "./responses-api-proxy-run.ts";

const DEFAULT_UPSTREAM = "https://api.openai.com/v1/responses";

/** Registers the hidden `codex responses-api-proxy`. */
export function addResponsesApiProxy(program: Command, exit: (code: number) => void): void {
  program
    .command("responses-api-proxy", { hidden: true })
    .description("forward POST /v1/responses with an API key that the caller never sees")
    .option("--port <PORT>", "port on 127.0.0.1 (default: any free one)", parsePort)
    .option("--server-info <FILE>", "write port and process id to this file")
    .option("--http-shutdown", "let GET /shutdown end the proxy")
    .option("--upstream-url <URL>", "where requests go", DEFAULT_UPSTREAM)
    .addHelpText("after", "\nExample:\n  printenv OPENAI_API_KEY | codex responses-api-proxy --server-info proxy.json")
    .action(async (options: ProxyOptions) =>
      exit(await (await import("./responses-api-proxy-run.ts")).runProxy(options)),
    );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError("expected 0 to 65535.");
  return port;
}
