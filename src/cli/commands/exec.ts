import { type Command, Option } from "commander";
import { VERSION } from "#lib/version.ts";
import { addExecOptions, type ExecCliOptions } from "../exec-options.ts";

const EXAMPLES = `
Examples:
  codex exec "explain what this repository does"
  codex exec --sandbox workspace-write "fix the failing test"
  git diff | codex exec "write a commit message for this diff"
  codex exec --json "list the TODOs" | jq -r 'select(.type == "item.completed")'
  codex exec resume --last "now add a test for it"
  codex exec review --uncommitted`;

const RESUME_EXAMPLES = `
The id stands at the start of each run ("session id").
The options of codex exec hold here too.

Examples:
  codex exec resume --last "now add a test for it"
  codex exec resume --last --json "and mention it in the changelog"
  codex exec resume 019ab3f2-5d1e-7c40-9b8a-2f6d1e0c7a55 "go on"`;

const REVIEW_EXAMPLES = `
The options of codex exec hold here too.

Examples:
  codex exec review --uncommitted
  codex exec review --base main -o findings.md
  codex exec review --commit 1f0a93c --title "Read the file once"
  codex exec review "look at the error handling of src/upload"`;

/** Registers `codex exec` (alias `e`) with `resume` and `review`; `exit` receives the exit code. */
export function addExecCommand(program: Command, exit: (code: number) => void): void {
  const exec = addExecOptions(
    program
      .command("exec")
      .alias("e")
      .description("run one task without a terminal interface")
      .version(`codex-cli-exec ${VERSION}`, "-V, --version", "print the version")
      .argument("[prompt]", "what to do; `-` or nothing reads standard input")
      // Options may stand behind `resume` and `review` too, whatever the program says of the others.
      .enablePositionalOptions(false)
      .addHelpText("after", EXAMPLES),
  );
  const parse = exec.parseOptions.bind(exec);
  exec.parseOptions = (args) => parse(withoutEqualSigns(args));
  exec.action(async (prompt: string | undefined, options: ExecCliOptions) => {
    const { execCommand } = await import("./exec-run.ts");
    exit(await execCommand({ type: "start", prompt }, options));
  });

  exec
    .command("resume")
    .description("go on with an earlier session")
    .argument("[session]", "session id")
    .argument("[prompt]", "what to do; `-` or nothing reads standard input")
    .option("--last", "the most recent session of this folder")
    .option("--all", "with --last: of any folder")
    .addHelpText("after", RESUME_EXAMPLES)
    .action(async (session: string | undefined, prompt: string | undefined, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExecCliOptions & { last?: boolean; all?: boolean }>();
      const { execCommand } = await import("./exec-run.ts");
      // With --last there is no id to give: the one positional is the prompt.
      const shifted = options.last === true && prompt === undefined ? { prompt: session } : { session, prompt };
      exit(
        await execCommand(
          { type: "resume", ...shifted, last: options.last === true, all: options.all === true },
          options,
        ),
      );
    });

  exec
    .command("review")
    .description("review code changes")
    .argument("[prompt]", "your own review instructions; `-` reads standard input")
    .addOption(new Option("--uncommitted", "staged, unstaged and untracked changes").conflicts(["base", "commit"]))
    .addOption(new Option("--base <BRANCH>", "changes against this branch").conflicts("commit"))
    .option("--commit <SHA>", "changes of one commit")
    .option("--title <TITLE>", "with --commit: its title")
    .addHelpText("after", REVIEW_EXAMPLES)
    .action(async (prompt: string | undefined, _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExecCliOptions & ReviewCliOptions>();
      const mistake = reviewMistake(prompt, options);
      if (mistake !== undefined) command.error(mistake);
      const { execCommand } = await import("./exec-run.ts");
      exit(await execCommand({ type: "review", prompt, ...reviewFlags(options) }, options));
    });
}

/** `-m=gpt-5.2` is `-m gpt-5.2`, as Codex CLI reads it; else the sign would become a part of the value. */
function withoutEqualSigns(args: readonly string[]): string[] {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  return args.map((arg, index) => (index < end ? arg.replace(/^(-[A-Za-z])=/, "$1") : arg));
}

interface ReviewCliOptions {
  uncommitted?: boolean;
  base?: string;
  commit?: string;
  title?: string;
}

/** What makes the command line contradict itself: one thing is reviewed, and only a commit has a title. */
function reviewMistake(prompt: string | undefined, options: ReviewCliOptions): string | undefined {
  if (options.title !== undefined && options.commit === undefined) return "error: --title needs --commit <SHA>";
  const chosen = options.uncommitted
    ? "--uncommitted"
    : options.base
      ? "--base"
      : options.commit
        ? "--commit"
        : undefined;
  if (prompt === undefined || chosen === undefined) return undefined;
  return `error: ${chosen} and review instructions cannot be used together`;
}

function reviewFlags(options: ReviewCliOptions) {
  return {
    uncommitted: options.uncommitted === true,
    base: options.base,
    commit: options.commit,
    title: options.title,
  };
}
