import { type Command, Option } from "commander";
import { collect } from "../../repeatable.ts";
import type { MemoriesOptions } from "./context.ts";
import type { ResetOptions } from "./reset.ts";
import type { RunOptions } from "./run.ts";

const EXAMPLES = `
Examples:
  codex memories status
  codex memories run --wait
  codex memories run --session 019ab3f2-… --extractor builtin
  codex memories list
  codex memories why --json`;

/** Registers `codex memories …` and the hidden `codex debug clear-memories`; `exit` receives the exit code. */
export function addMemoriesCommand(program: Command, exit: (code: number) => void): void {
  const memories = program
    .command("memories")
    .description("what was learnt from earlier sessions")
    .addHelpText("after", EXAMPLES);
  addReaders(memories, exit);
  addWorkers(memories, exit);
  const debug = program.command("debug", { hidden: true });
  addReset(debug.command("clear-memories"), exit);
}

function addReaders(memories: Command, exit: (code: number) => void): void {
  shared(memories.command("status"), "how many sessions were read, which wait and why").action(
    async (options: MemoriesOptions) => exit(await (await import("./status.ts")).memoriesStatus(options)),
  );
  shared(memories.command("list"), "the sessions something was kept of, newest first").action(
    async (options: MemoriesOptions) => exit(await (await import("./list.ts")).memoriesList(options)),
  );
  shared(
    memories.command("show").argument("<id>", "session id, or its beginning"),
    "what was kept of a session",
  ).action(async (id: string, options: MemoriesOptions) =>
    exit(await (await import("./show.ts")).memoriesShow(id, options)),
  );
  shared(
    memories.command("why").argument("[session]", "session id; the newest session that was given memories"),
    "what a session was given, what was cut, and where it came from",
  ).action(async (session: string | undefined, options: MemoriesOptions) =>
    exit(await (await import("./why.ts")).memoriesWhy(session, options)),
  );
  shared(memories.command("path"), "print the memory folder").action(async (options: MemoriesOptions) =>
    exit((await import("./path.ts")).memoriesPath(options)),
  );
  shared(memories.command("doctor"), "check files, database and configuration").action(
    async (options: MemoriesOptions) => exit(await (await import("./doctor.ts")).memoriesDoctor(options)),
  );
}

function addWorkers(memories: Command, exit: (code: number) => void): void {
  shared(memories.command("run"), "read sessions that are due and merge what was learnt")
    .option("--wait", "go on until nothing is left that can be done now")
    .option("--session <ID>", "only this session, whatever its source, idle time and age")
    .addOption(new Option("--extractor <WHO>", "who reads and merges").choices(["auto", "model", "builtin"]))
    .action(async (options: RunOptions) => exit(await (await import("./run.ts")).memoriesRun(options)));
  shared(memories.command("rebuild"), "write the memory files again from the database").action(
    async (options: MemoriesOptions) => exit(await (await import("./rebuild.ts")).memoriesRebuild(options)),
  );
  addReset(memories.command("reset"), exit);
}

function addReset(command: Command, exit: (code: number) => void): void {
  shared(command, "forget everything that was learnt")
    .option("--yes", "do not ask")
    .action(async (options: ResetOptions) => exit(await (await import("./reset.ts")).memoriesReset(options)));
}

function shared(command: Command, description: string): Command {
  return command
    .description(description)
    .option("--json", "print one JSON document")
    .option("-c, --config <KEY=VALUE>", "override a configuration key (repeatable)", collect);
}
