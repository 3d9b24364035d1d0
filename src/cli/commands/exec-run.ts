import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { CodexError, messageOf, osErrorText } from "#lib/errors.ts";
import { dropLoaderVariables, protectMemory } from "#lib/hardening.ts";
import { codexHome } from "#lib/home.ts";
import { writeWarning } from "#lib/stdio.ts";
import type { Op, UserInput } from "#protocol/ops.ts";
import { type ReviewTarget, reviewHint } from "#protocol/review.ts";
import type { ThreadStart } from "#runtime/resume-point.ts";
import { isBypass, loadExecConfig } from "../exec-config.ts";
import type { ExecCliOptions } from "../exec-options.ts";

/** Which form of `codex exec` was called. */
export type ExecCommandLine =
  | { type: "start"; prompt: string | undefined }
  | {
      type: "resume";
      session?: string | undefined;
      prompt?: string | undefined;
      last: boolean;
      all: boolean;
    }
  | {
      type: "review";
      prompt: string | undefined;
      uncommitted: boolean;
      base: string | undefined;
      commit: string | undefined;
      title: string | undefined;
    };

/** When memory is closed to other processes, in milliseconds after the runtime is there. */
const PROTECT_AFTER_MS = 50;

type ReviewLine = Extract<ExecCommandLine, { type: "review" }>;

/** Runs `codex exec …` and resolves to its exit code. Throws CodexError for what the command line or machine lacks. */
export async function execCommand(line: ExecCommandLine, options: ExecCliOptions): Promise<number> {
  dropLoaderVariables();
  const cwd = resolveCwd(options.cd);
  const home = codexHome();
  const target = line.type === "review" ? await reviewTarget(line) : undefined;
  const config = await loadExecConfig({ codexHome: home, cwd, options });
  for (const warning of config.warnings) writeWarning(warning);
  const { createRuntime, isInsideRepository } = await import("#runtime/create.ts");
  if (!isBypass(options) && options.skipGitRepoCheck !== true && !isInsideRepository(cwd)) {
    throw new CodexError(
      "untrusted_directory",
      "Not inside a trusted directory and --skip-git-repo-check was not specified.",
    );
  }
  const outputSchema = options.outputSchema === undefined ? undefined : readSchema(options.outputSchema);
  const op = target ?? (await userTurn(line.prompt, options, outputSchema));
  const runtime = await createRuntime({
    settings: config.settings,
    codexHome: home,
    cwd,
    source: "exec",
    originator: "codex_exec",
    canAsk: false,
    bypassHookTrust: options.dangerouslyBypassHookTrust === true,
    ephemeral: options.ephemeral === true,
    record: options.record === undefined ? undefined : resolve(options.record),
    replay: options.replay === undefined ? undefined : resolve(options.replay),
  });
  // By then the request is on its way: loading libc must not delay it.
  setTimeout(() => void protectMemory(), PROTECT_AFTER_MS).unref();
  const { runExec } = await import("#exec/run.ts");
  return runExec(runtime, {
    start: threadStart(line),
    op,
    shownPrompt: op.type === "review" ? reviewHint(op.target) : promptText(op.input),
    json: options.json === true || options.experimentalJson === true,
    color: options.color,
    hideReasoning: config.settings.hideAgentReasoning,
    showRawReasoning: config.settings.showRawAgentReasoning,
    lastMessageFile: options.outputLastMessage,
  });
}

function resolveCwd(folder: string | undefined): string {
  const cwd = resolve(folder ?? ".");
  try {
    if (!statSync(cwd).isDirectory()) throw new CodexError("cwd", `Not a directory (os error 20): "${cwd}"`);
  } catch (error) {
    if (error instanceof CodexError) throw error;
    throw new CodexError("cwd", `${osErrorText(error)}: "${cwd}"`, { cause: error });
  }
  return cwd;
}

async function userTurn(
  prompt: string | undefined,
  options: ExecCliOptions,
  outputSchema: Record<string, unknown> | undefined,
): Promise<Extract<Op, { type: "user_turn" }>> {
  const { readPrompt } = await import("#exec/stdin-prompt.ts");
  const text = await readPrompt(prompt);
  const images = (options.image ?? []).map((path): UserInput => ({ type: "local_image", path: resolve(path) }));
  return {
    type: "user_turn",
    input: [...images, { type: "text", text }],
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

function readSchema(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CodexError("output_schema", `Failed to read output schema file ${path}: ${osErrorText(error)}`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new CodexError("output_schema", `Output schema file ${path} is not valid JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function threadStart(line: ExecCommandLine): ThreadStart {
  if (line.type !== "resume") return { type: "new" };
  if (line.last) return { type: "resume_last", anyFolder: line.all };
  if (line.session !== undefined) return { type: "resume", session: line.session };
  return { type: "resume_last", anyFolder: line.all };
}

async function reviewTarget(line: ReviewLine): Promise<Extract<Op, { type: "review" }>> {
  return { type: "review", target: await reviewSubject(line) };
}

async function reviewSubject(line: ReviewLine): Promise<ReviewTarget> {
  if (line.uncommitted) return { type: "uncommittedChanges" };
  if (line.base !== undefined) return { type: "baseBranch", branch: line.base };
  if (line.commit !== undefined) {
    return { type: "commit", sha: line.commit, ...(line.title === undefined ? {} : { title: line.title }) };
  }
  if (line.prompt === "-") {
    const { readPrompt } = await import("#exec/stdin-prompt.ts");
    return { type: "custom", instructions: await readPrompt(line.prompt) };
  }
  if (line.prompt !== undefined) return { type: "custom", instructions: line.prompt };
  throw new CodexError(
    "review_target",
    "Specify --uncommitted, --base, --commit, or provide custom review instructions",
  );
}

function promptText(input: readonly UserInput[]): string {
  return input.map((part) => (part.type === "text" ? part.text : "")).join("");
}
