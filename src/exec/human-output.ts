import { shellJoin } from "#lib/shell-join.ts";
import type { Event } from "#protocol/events.ts";
import type { PlanUpdate } from "#protocol/plan.ts";
import { webSearchQuery } from "./json-output.ts";
import type { ExecOutput } from "./output.ts";
import type { Palette } from "./palette.ts";

/** What the header tells about the session. */
export interface SessionHeader {
  version: string;
  workdir: string;
  model: string;
  provider: string;
  approval: string;
  sandbox: string;
  effort: string;
  summaries: string;
  sessionId: string;
  prompt: string;
}

/** Lines of a command's output shown to a person; the model and `--json` get more. */
const SHOWN_OUTPUT_LINES = 20;

/** A session as text for people: progress on standard error, the final answer on standard output. */
export class HumanOutput implements ExecOutput {
  readonly #stderr: (text: string) => void;
  readonly #stdout: (text: string) => void;
  readonly #palette: Palette;
  readonly #options: { header: SessionHeader; hideReasoning: boolean; showRawReasoning: boolean };
  #tokens = 0;

  constructor(options: {
    stdout: (text: string) => void;
    stderr: (text: string) => void;
    palette: Palette;
    header: SessionHeader;
    hideReasoning: boolean;
    showRawReasoning: boolean;
  }) {
    this.#stderr = options.stderr;
    this.#stdout = options.stdout;
    this.#palette = options.palette;
    this.#options = options;
  }

  handle(event: Event): void {
    switch (event.type) {
      case "thread_started":
        return this.#header();
      case "warning":
        return this.#say(`warning: ${event.message}`);
      case "stream_error":
        return this.#say(event.message);
      case "error":
        return this.#say(`${this.#palette.red("ERROR:")} ${event.message}`);
      case "agent_message":
        return this.#say(`${this.#palette.label("codex")}\n${event.text}`);
      case "reasoning":
        return this.#reasoning(event.summary, event.raw);
      case "web_search_started":
        return this.#say("🌐 Searching the web...");
      case "web_search":
        return this.#say(`🌐 Searched: ${webSearchQuery(event.action)}`);
      case "command_started":
        return this.#say(`${this.#palette.label("exec")}\n${shellJoin(event.command)} in ${event.cwd}`);
      case "command_finished":
        return this.#commandFinished(event);
      case "patch_started":
        return this.#patchStarted(event);
      case "patch_finished":
        return this.#patchFinished(event);
      case "plan_updated":
        return this.#plan(event.update);
      case "context_compacted":
        return this.#say("context compacted");
      case "entered_review":
        return this.#say(`${this.#palette.label("review")}\n${event.hint}`);
      case "token_count":
        if (event.info !== null) {
          const { input_tokens, cached_input_tokens, output_tokens } = event.info.total_token_usage;
          this.#tokens = input_tokens - cached_input_tokens + output_tokens;
        }
        return;
      case "turn_completed":
        return this.#completed(event.lastAgentMessage);
      case "turn_aborted":
        return this.#say("task interrupted");
      default:
        return;
    }
  }

  #header(): void {
    const { header } = this.#options;
    const bold = this.#palette.bold;
    this.#say(
      [
        `OpenAI Codex v${header.version} (research preview)`,
        "--------",
        `${bold("workdir:")} ${header.workdir}`,
        `${bold("model:")} ${header.model}`,
        `${bold("provider:")} ${header.provider}`,
        `${bold("approval:")} ${header.approval}`,
        `${bold("sandbox:")} ${header.sandbox}`,
        `${bold("reasoning effort:")} ${header.effort}`,
        `${bold("reasoning summaries:")} ${header.summaries}`,
        `${bold("session id:")} ${header.sessionId}`,
        "--------",
        this.#palette.user("user"),
        header.prompt,
      ].join("\n"),
    );
  }

  #reasoning(summary: readonly string[], raw: readonly string[]): void {
    if (this.#options.hideReasoning) return;
    const texts = this.#options.showRawReasoning ? [...summary, ...raw] : summary;
    for (const text of texts) this.#say(`${this.#palette.label("thinking")}\n${text}`);
  }

  #commandFinished(event: Extract<Event, { type: "command_finished" }>): void {
    const head = `${shellJoin(event.command)} in ${event.cwd}`;
    const duration = `${Math.round(event.durationMs)}ms`;
    const outcome = commandOutcome(event.exitCode, duration, this.#palette);
    const lines = event.output.split("\n").slice(0, SHOWN_OUTPUT_LINES).join("\n").trimEnd();
    this.#say(`${head}${outcome}:${lines === "" ? "" : `\n${this.#palette.dim(lines)}`}`);
  }

  #patchStarted(event: Extract<Event, { type: "patch_started" }>): void {
    const lines = event.changes.map((change) => {
      const letter = { add: "A", update: "M", delete: "D" }[change.kind];
      const target = change.movePath === undefined ? "" : ` -> ${change.movePath}`;
      return `${letter} ${change.path}${target}`;
    });
    this.#say(`${this.#palette.label("file update")}\n${lines.join("\n")}`);
  }

  #patchFinished(event: Extract<Event, { type: "patch_finished" }>): void {
    const code = event.success ? 0 : 1;
    const text = `apply_patch(auto_approved=true) exited ${code} in ${Math.round(event.durationMs)}ms:`;
    const diffs = event.changes.map((change) => change.diff).join("");
    this.#say(`${event.success ? this.#palette.green(text) : this.#palette.red(text)}\n${event.output.trimEnd()}`);
    if (event.success && diffs !== "") this.#say(`file update:\n${diffs.trimEnd()}`);
  }

  #plan(update: PlanUpdate): void {
    const marks = { completed: "✓", in_progress: "→", pending: "•" } as const;
    const lines = update.plan.map((step) => `  ${marks[step.status]} ${step.step}`);
    const head = update.explanation === undefined ? [] : [update.explanation];
    this.#say([this.#palette.label("Plan update"), ...head, ...lines].join("\n"));
  }

  #completed(message: string | null): void {
    const total = this.#tokens.toString().replaceAll(/\B(?=(\d{3})+$)/g, ",");
    this.#say(`${this.#palette.label("tokens used")}\n${total}`);
    if (message !== null) this.#stdout(`${message}\n`);
  }

  #say(text: string): void {
    this.#stderr(`${text}\n`);
  }
}

function commandOutcome(exitCode: number | null, duration: string, palette: Palette): string {
  if (exitCode === 0) return palette.green(` succeeded in ${duration}`);
  if (exitCode === null) return palette.dim(` still running after ${duration}`);
  return palette.red(` exited ${exitCode} in ${duration}`);
}
