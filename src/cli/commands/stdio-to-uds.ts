import type { Command } from "commander";

/** Registers the hidden `codex stdio-to-uds SOCKET`. */
export function addStdioToUds(program: Command, exit: (code: number) => void): void {
  program
    .command("stdio-to-uds", { hidden: true })
    .description("connect standard input and output to a Unix socket")
    .argument("<socket>", "path of the socket")
    .action(async (path: string) => exit(await (await import("./stdio-to-uds-run.ts")).bridgeStdio(path)));
}
