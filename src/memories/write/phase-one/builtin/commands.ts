import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import { shellJoin } from "#lib/shell-join.ts";

/** What a tool call does, as far as it matters here. */
export type Action =
  | { type: "run"; command: string; workdir: string | undefined }
  /** Goes on with a command that was still running. */
  | { type: "poll"; session: string }
  | { type: "edit"; files: string[] };

/** How a command ended; undefined codes are commands whose end is not recorded. */
export type Outcome =
  | { type: "exited"; code: number; output: string }
  | { type: "running"; session: string }
  | { type: "unknown" };

/** What a call of a known tool does; undefined for tools that neither run nor edit. */
export function actionOf(tool: string, input: string): Action | undefined {
  switch (tool) {
    case "apply_patch":
      return { type: "edit", files: patchedFiles(patchText(input)) };
    case "exec_command":
    case "shell":
    case "shell_command":
    case "local_shell":
    case "container.exec":
      return runAction(parseJsonObject(input));
    case "write_stdin": {
      const session = parseJsonObject(input)?.session_id;
      return session === undefined ? undefined : { type: "poll", session: String(session) };
    }
    default:
      return undefined;
  }
}

/** A function tool wraps the patch in JSON, a custom tool does not. */
function patchText(input: string): string {
  const wrapped = input.startsWith("{") ? parseJsonObject(input) : undefined;
  const patch = wrapped?.input ?? wrapped?.patch;
  return typeof patch === "string" ? patch : input;
}

function runAction(args: Record<string, unknown> | undefined): Action | undefined {
  const command = commandText(args?.cmd ?? args?.command);
  if (args === undefined || command === undefined) return undefined;
  if (/^\s*(?:cd \S+ && )?apply_patch\b/.test(command)) return { type: "edit", files: patchedFiles(command) };
  const workdir = args.workdir ?? args.working_directory;
  return { type: "run", command, workdir: typeof workdir === "string" && workdir !== "" ? workdir : undefined };
}

const SHELL = /(?:^|\/)(?:ba|z|da|k)?sh$/;

function commandText(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim();
  if (!Array.isArray(value)) return undefined;
  const argv = value.filter((word): word is string => typeof word === "string");
  const [program = "", flag = "", script] = argv;
  if (SHELL.test(program) && /^-[a-z]*c$/.test(flag) && script !== undefined) return script.trim();
  return argv.length === 0 ? undefined : shellJoin(argv);
}

/** Paths a patch adds, changes, deletes or moves to. */
function patchedFiles(patch: string): string[] {
  const files = [...patch.matchAll(/^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+)$/gm)];
  return [...new Set(files.map((match) => (match[1] ?? "").trim()).filter((path) => path !== ""))];
}

const OUTPUT_MARK = /(?:^|\n)Output:(?:\n|$)/;
const STORED_END = /"metadata":\{"exit_code":(-?\d+)[^{}]*\}\}\s*$/;

/**
 * How a command's output says it ended. Only what the program itself wrote counts: the header before `Output:`, or
 * the metadata of the stored JSON; a command can print anything it likes.
 */
export function outcomeOf(text: string): Outcome {
  if (text.startsWith("{")) return storedOutcome(text);
  const mark = OUTPUT_MARK.exec(text);
  if (mark === null) return { type: "unknown" };
  const header = text.slice(0, mark.index);
  const output = text.slice(mark.index + mark[0].length);
  const code = /^(?:Process exited with code|Exit code:) (-?\d+)$/m.exec(header)?.[1];
  if (code !== undefined) return { type: "exited", code: Number(code), output };
  const session = /^Process running with session ID (\d+)$/m.exec(header)?.[1];
  return session === undefined ? { type: "unknown" } : { type: "running", session };
}

function storedOutcome(text: string): Outcome {
  const stored = parseJsonObject(text);
  if (stored === undefined) {
    // An output that was too long to decode whole is no JSON any more, but its end is.
    const code = STORED_END.exec(text)?.[1];
    return code === undefined ? { type: "unknown" } : { type: "exited", code: Number(code), output: text };
  }
  const code = isObject(stored.metadata) ? stored.metadata.exit_code : undefined;
  const output = typeof stored.output === "string" ? stored.output : "";
  return typeof code === "number" ? { type: "exited", code, output } : { type: "unknown" };
}

/** Whether the output of a patch says that it was applied. */
export function isApplied(text: string): boolean {
  const outcome = outcomeOf(text);
  if (outcome.type === "exited") return outcome.code === 0;
  return text.startsWith("Success") || text.startsWith("Done!");
}

const SHELL_EDIT =
  /(?:^|[;&|]\s*)(?:sed\s+(?:-\S+\s+)*-i|perl\s+-\S*i|git\s+(?:apply|checkout --|restore|revert)|patch\b|cat\s*>|cat\s*<<|tee\s)|\s--(?:fix|write)\b|(?:^|[;&|]\s*)(?:black|prettier|gofmt\s+-w|cargo\s+fmt|ruff\s+format|dart\s+format)\b/;

/** Whether a command that passed changed source files. */
export function editsFiles(command: string): boolean {
  return SHELL_EDIT.test(command);
}

/** Commands that ask and do not judge: their exit code says nothing about the work. */
const LOOKUP =
  /^\s*(?:(?:cd|export)\s[^;&]*(?:&&|;)\s*)*(?:ls|cat|head|tail|rg|grep|egrep|find|fd|which|type|echo|printf|pwd|wc|diff|test|\[|stat|file|sed -n|awk|jq|git (?:status|diff|log|show|grep|branch|rev-parse|ls-files|blame)|ps|pgrep|kill|sleep|man|env)\b/;

/** Whether a command's failure and later success mean that something was mended. */
export function isCheck(command: string): boolean {
  return !LOOKUP.test(command);
}

export type CommandKind = "test" | "lint" | "build" | "run";

const KINDS: readonly (readonly [CommandKind, RegExp])[] = [
  [
    "test",
    /\b(?:test|tests|pytest|jest|vitest|mocha|rspec|ctest|unittest|tox|nox|phpunit|check|playwright|nextest|valgrind)\b/,
  ],
  [
    "lint",
    /\b(?:lint|eslint|biome|ruff|flake8|pylint|mypy|pyright|clippy|vet|golangci-lint|rubocop|shellcheck|prettier|fmt|format|gofmt|black|tsc|typecheck|validate|stylelint|checkstyle)\b/,
  ],
  [
    "build",
    /\b(?:build|compile|make|cmake|ninja|meson|bazel|gradle|gradlew|mvn|webpack|vite|rollup|tsup|package|install|bundle|docker)\b/,
  ],
  ["run", /\b(?:run|start|serve|dev|up|exec|node|python3?|bun|deno|ruby|php|java|cargo|go|flask|uvicorn|rails)\b/],
];

/** What a command is for; undefined when it is none of these. */
export function kindOf(command: string): CommandKind | undefined {
  if (!isCheck(command)) return undefined;
  return KINDS.find(([, pattern]) => pattern.test(command))?.[0];
}

/** What makes a chain more than commands that each had to pass in the same folder. */
const NOT_A_PLAIN_CHAIN = /[;|()<>`$\n'"\\{}]|(?<!&)&(?!&)|(?:^|&&)\s*(?:(?:cd|pushd|popd)\b|!)/;

/** The commands of `a && b`, each of which passed when the whole did; none for anything else. */
export function chained(command: string): string[] {
  if (!command.includes("&&") || NOT_A_PLAIN_CHAIN.test(command)) return [];
  return command.split("&&").map((part) => part.trim());
}
