import type { Command } from "commander";
import { collect } from "../repeatable.ts";
import type { HooksOptions } from "./hooks-run.ts";

const EXAMPLES = `
Examples:
  codex hooks list
  codex hooks trust 1f0a93c42b7d
  codex hooks trust --all`;

/** Registers `codex hooks …`; `exit` receives the exit code. */
export function addHooksCommand(program: Command, exit: (code: number) => void): void {
  const hooks = program
    .command("hooks")
    .description("programs of yours that run at events of a session")
    .option("-c, --config <KEY=VALUE>", "override a configuration key (repeatable; value is TOML)", collect)
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES);
  hooks
    .command("list")
    .description("the hooks that are configured here, and which of them may run")
    .option("--json", "print JSON")
    .action(async (_own: unknown, command: Command) =>
      exit(await (await import("./hooks-run.ts")).listHooks(command.optsWithGlobals<HooksOptions>())),
    );
  decision(hooks, "trust", "let hooks of this project run, as they are now", exit);
  decision(hooks, "untrust", "take the approval of hooks back", exit);
}

function decision(hooks: Command, name: "trust" | "untrust", description: string, exit: (code: number) => void): void {
  hooks
    .command(name)
    .description(description)
    .argument("[hook...]", "hash, the first characters of one, or the hook's command")
    .option("--all", "every hook of this project")
    .option("--json", "print JSON")
    .action(async (names: string[], _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<HooksOptions>();
      if ((names.length === 0) === (options.all !== true)) command.error("error: name hooks, or give --all");
      exit(await (await import("./hooks-run.ts")).decideHooks(names, name === "trust", options));
    });
}
