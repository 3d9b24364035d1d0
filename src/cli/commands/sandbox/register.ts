import { Command, Option } from "commander";
import { SANDBOX_MODES } from "#protocol/policies.ts";
import { addOverrideOptions, collect } from "../../repeatable.ts";
import type { SandboxCliOptions, SandboxKind } from "./options.ts";

type Exit = (code: number) => void;

const EXAMPLES = `
Examples:
  codex sandbox -- make test
  codex sandbox linux --full-auto -- npm install
  codex sandbox -s workspace-write -C ~/project -- bash
  codex sandbox doctor`;

/**
 * Registers `codex sandbox [linux|macos|windows] CMD…`, `codex sandbox doctor` and the older names
 * `codex debug landlock|seatbelt`. What follows the command's first word belongs to the command.
 */
export function addSandboxCommand(program: Command, exit: Exit): void {
  const sandbox = program
    .command("sandbox")
    .description("run a command as the model's commands are run")
    .enablePositionalOptions()
    .addHelpText("after", EXAMPLES);
  addRunOptions(sandbox, undefined, exit).argument("[command...]", "program and arguments");
  for (const kind of ["linux", "macos", "windows"] as const) addKind(sandbox, { name: kind, kind }, exit);
  sandbox.commands.find((command) => command.name() === "linux")?.alias("landlock");
  sandbox.commands.find((command) => command.name() === "macos")?.alias("seatbelt");
  sandbox
    .command("doctor")
    .description("try on this machine what the sandbox promises")
    .option("--json", "print one JSON document")
    .option("-c, --config <KEY=VALUE>", "override a configuration key (repeatable; value is TOML)", collect)
    .action(async (_own: unknown, self: Command) =>
      exit(await (await import("./doctor.ts")).sandboxDoctor(self.optsWithGlobals())),
    );
  const debug = program.commands.find((command) => command.name() === "debug") ?? newDebugCommand(program);
  debug.enablePositionalOptions();
  addKind(debug, { name: "landlock", kind: "linux" }, exit);
  addKind(debug, { name: "seatbelt", kind: "macos" }, exit);
}

function newDebugCommand(program: Command): Command {
  return program.command("debug", { hidden: true });
}

const SYSTEM = { linux: "Linux", macos: "macOS", windows: "Windows" } as const;

function addKind(parent: Command, { name, kind }: { name: string; kind: keyof typeof SYSTEM }, exit: Exit): void {
  const command = new Command(name).description(`the same on ${SYSTEM[kind]} only`).copyInheritedSettings(parent);
  addRunOptions(command, kind, exit).argument("<command...>", "program and arguments");
  parent.addCommand(command);
  command.passThroughOptions();
}

/** The options stand before the command, so `codex sandbox ls -C x` gives `-C x` to `ls`. */
function addRunOptions(command: Command, kind: SandboxKind, exit: Exit): Command {
  if (kind === undefined) command.passThroughOptions();
  return addOverrideOptions(command)
    .addOption(new Option("-s, --sandbox <MODE>", "what the command may touch").choices(SANDBOX_MODES))
    .option("--full-auto", "let it write in the workspace (same as --sandbox workspace-write)")
    .option("-C, --cd <DIR>", "run it in this folder, which is the workspace")
    .option("--add-dir <DIR>", "another folder it may write to (repeatable)", collect)
    .option("--log-denials", "macOS: list what was refused after the command")
    .action(async (words: string[], _own: unknown, self: Command) => {
      if (words.length === 0) return self.help({ error: true });
      const options = self.optsWithGlobals<SandboxCliOptions>();
      exit(await (await import("./run.ts")).runInSandbox(kind, words, options));
    });
}
