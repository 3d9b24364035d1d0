import type { Command } from "commander";
import { collect } from "../repeatable.ts";
import type { ExecpolicyCheckOptions } from "./execpolicy-run.ts";

const EXAMPLE = `
Example:
  codex execpolicy check --pretty -r ~/.codex/rules/default.rules git push`;

/** Registers the hidden `codex execpolicy check`. */
export function addExecpolicyCommand(program: Command, exit: (code: number) => void): void {
  const execpolicy = program
    .command("execpolicy", { hidden: true })
    .description("work with rules files")
    .enablePositionalOptions()
    .addHelpText("after", EXAMPLE);
  execpolicy
    .command("check")
    .description("print what rules files say about a command, as JSON")
    .passThroughOptions()
    .argument("<command...>", "the command, word by word")
    .requiredOption("-r, --rules <FILE>", "rules file; may be given again", collect)
    .option("--pretty", "indent the JSON")
    .option("--resolve-host-executables", "let an absolute path count as the program's name")
    .action(async (words: string[], options: ExecpolicyCheckOptions) =>
      exit((await import("./execpolicy-run.ts")).checkCommand(words, options)),
    );
}
