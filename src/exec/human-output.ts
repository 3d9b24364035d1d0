import { relative } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { printableTexts } from "#lib/printable.ts";
import { shellJoin } from "#lib/shell-join.ts";
import type { Event } from "#protocol/events.ts";
import type { FileChange } from "#protocol/file-change.ts";
import { webSearchQuery } from "#protocol/items.ts";
import type { McpCallResult } from "#protocol/mcp.ts";
import type { PlanUpdate } from "#protocol/plan.ts";
import type { SessionSummary } from "#runtime/summary.ts";
import type { ExecOutput } from "./output.ts";
import type { Palette } from "./palette.ts";

/** What the header tells about the session. */
export interface SessionHeader extends SessionSummary {
  version: string;
  sessionId: string;
  prompt: string;
}

/** Lines of a command's output shown to a person; the model and `--json` get more. */
const SHOWN_OUTPUT_LINES = 20;
/** And of a tool's answer, which may be one long line. */
const SHOWN_OUTPUT_CHARS = 20_000;
/** A chatty server must not fill the screen. */
const PROGRESS_EVERY_MS = 1000;

/** Many and large, and not for people. */
const UNSHOWN: ReadonlySet<Event["type"]> = new Set([
  "agent_message_delta",
  "command_output",
  "raw_response_item",
  "reasoning_delta",
  "reasoning_raw_delta",
]);

export interface HumanOutputOptions {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  palette: Palette;
  header: SessionHeader;
  hideReasoning: boolean;
  showRawReasoning: boolean;
  /** Standard output is no terminal: the final answer goes there as the model wrote it. */
  answerIsRaw: boolean;
}

/** A session as text for people: progress on standard error, the final answer on standard output. */
export class HumanOutput implements ExecOutput {
  readonly #stderr: (text: string) => void;
  readonly #stdout: (text: string) => void;
  readonly #palette: Palette;
  readonly #options: HumanOutputOptions;
  #tokens = 0;
  #progressAtMs = Number.NEGATIVE_INFINITY;
  /** The command whose line is still open for its outcome. */
  #openCommand: string | undefined;

  constructor(options: HumanOutputOptions) {
    this.#stderr = options.stderr;
    this.#stdout = options.stdout;
    this.#palette = options.palette;
    this.#options = options;
  }

  /** Nothing a model, a command or a server wrote reaches the terminal as anything but text. */
  handle(raw: Event): void {
    if (UNSHOWN.has(raw.type)) return;
    const event = printableTexts(raw);
    switch (event.type) {
      case "thread_started":
        return this.#header();
      case "warning":
        return this.#say(`warning: ${event.message}`);
      case "hook_started":
        return this.#say(`hook: ${event.event}: ${event.message}`);
      case "hook_blocked":
        return this.#say(`hook: ${event.event} blocked: ${event.reason}`);
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
        return this.#commandStarted(event);
      case "command_finished":
        return this.#commandFinished(event);
      case "patch_started":
        return this.#patchStarted(event);
      case "patch_finished":
        return this.#patchFinished(event);
      case "mcp_server_starting":
        return this.#say(`mcp: ${event.server} starting`);
      case "mcp_server_ready":
        return this.#say(`mcp: ${event.server} ready`);
      case "mcp_server_failed":
        return this.#say(`mcp: ${event.server} failed: ${event.message}`);
      case "mcp_startup_complete":
        return this.#say(startupLine(event));
      case "mcp_tool_started":
        return this.#say(`${this.#palette.label("tool")} ${mcpCallText(event)}`);
      case "mcp_tool_progress":
        return this.#mcpProgress(event);
      case "mcp_tool_finished":
        return this.#mcpFinished(event);
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
        return this.#completed(
          this.#options.answerIsRaw && "lastAgentMessage" in raw ? raw.lastAgentMessage : event.lastAgentMessage,
        );
      case "turn_aborted":
        return this.#say("task interrupted");
      default:
        return;
    }
  }

  #header(): void {
    const header = printableTexts(this.#options.header);
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

  #commandStarted(event: Extract<Event, { type: "command_started" }>): void {
    this.#endLine();
    this.#stderr(`${this.#palette.label("exec")}\n${shellJoin(event.command)} in ${event.cwd}`);
    this.#openCommand = event.callId;
  }

  #commandFinished(event: Extract<Event, { type: "command_finished" }>): void {
    const isOpen = this.#openCommand === event.callId;
    if (isOpen) this.#openCommand = undefined;
    const head = isOpen ? "" : `${shellJoin(event.command)} in ${event.cwd}`;
    const duration = `${Math.round(event.durationMs)}ms`;
    const outcome = commandOutcome(event.exitCode, duration, this.#palette);
    const lines = event.output.split("\n").slice(0, SHOWN_OUTPUT_LINES).join("\n").trimEnd();
    this.#say(`${head}${outcome}:${lines === "" ? "" : `\n${this.#palette.dim(lines)}`}`);
  }

  #patchStarted(event: Extract<Event, { type: "patch_started" }>): void {
    const lines = event.changes.map((change) => {
      const letter = { add: "A", update: "M", delete: "D" }[change.kind];
      const target = change.movePath === undefined ? "" : ` -> ${change.movePath}`;
      const hunks = change.kind === "update" ? `\n${change.diff.trimEnd()}` : "";
      return `${letter} ${change.path}${target}${hunks}`;
    });
    this.#say(`${this.#palette.label("file update")}\n${lines.join("\n")}`);
  }

  #patchFinished(event: Extract<Event, { type: "patch_finished" }>): void {
    const code = event.success ? 0 : 1;
    const text = `apply_patch(auto_approved=true) exited ${code} in ${Math.round(event.durationMs)}ms:`;
    const diffs = event.changes.map((change) => gitDiff(change, this.#options.header.workdir)).join("");
    this.#say(`${event.success ? this.#palette.green(text) : this.#palette.red(text)}\n${event.output.trimEnd()}`);
    if (event.success && diffs !== "") this.#say(`file update:\n${diffs.trimEnd()}`);
  }

  #mcpProgress({ progress, total, message }: Extract<Event, { type: "mcp_tool_progress" }>): void {
    if (monotonicMs() - this.#progressAtMs < PROGRESS_EVERY_MS) return;
    this.#progressAtMs = monotonicMs();
    const share = total === null ? `${progress}` : `${progress}/${total}`;
    this.#say(this.#palette.dim(`  ${share}${message === null ? "" : ` ${message}`}`));
  }

  #mcpFinished(event: Extract<Event, { type: "mcp_tool_finished" }>): void {
    const isGood = event.error === null && event.result?.isError !== true;
    const title = `${mcpCallText(event)} ${isGood ? "success" : "failed"} in ${durationText(event.durationMs)}:`;
    const details = event.result === null ? (event.error ?? "") : resultText(event.result);
    const lines = details.split("\n").slice(0, SHOWN_OUTPUT_LINES).join("\n").slice(0, SHOWN_OUTPUT_CHARS);
    this.#say(`${isGood ? this.#palette.green(title) : this.#palette.red(title)}\n${this.#palette.dim(lines)}`);
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
    this.#endLine();
    this.#stderr(`${text}\n`);
  }

  /** Something else comes between a command and its outcome. */
  #endLine(): void {
    if (this.#openCommand !== undefined) this.#stderr("\n");
    this.#openCommand = undefined;
  }
}

/** One file's change the way `git diff` shows it, with paths relative to the working folder. */
function gitDiff(change: FileChange, workdir: string): string {
  const old = relative(workdir, change.path);
  const now = relative(workdir, change.movePath ?? change.path);
  const mode = { add: "new file mode 100644\n", delete: "deleted file mode 100644\n", update: "" }[change.kind];
  const from = change.kind === "add" ? "/dev/null" : `a/${old}`;
  const to = change.kind === "delete" ? "/dev/null" : `b/${now}`;
  const renamed = old === now ? "" : `rename from ${old}\nrename to ${now}\n`;
  return `diff --git a/${old} b/${now}\n${mode}${renamed}${change.diff === "" ? "" : `--- ${from}\n+++ ${to}\n${change.diff}`}`;
}

function commandOutcome(exitCode: number | null, duration: string, palette: Palette): string {
  if (exitCode === 0) return palette.green(` succeeded in ${duration}`);
  if (exitCode === null) return palette.dim(` not finished after ${duration}`);
  return palette.red(` exited ${exitCode} in ${duration}`);
}

/** `server.tool({"text":"hey"})`; a call without arguments has nothing between the brackets. */
function mcpCallText(call: { server: string; tool: string; arguments: unknown }): string {
  const args = call.arguments === null ? "" : JSON.stringify(call.arguments);
  return `${call.server}.${call.tool}(${args})`;
}

function resultText({ content, structuredContent, isError }: McpCallResult): string {
  const structured = structuredContent === null ? {} : { structuredContent };
  return JSON.stringify({ content, ...structured, ...(isError ? { isError } : {}) }, null, 2);
}

function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(2)}s`;
}

function startupLine({ ready, failed }: { ready: readonly string[]; failed: readonly string[] }): string {
  const parts = [
    ...(ready.length > 0 ? [`ready: ${ready.join(", ")}`] : []),
    ...(failed.length > 0 ? [`failed: ${failed.join(", ")}`] : []),
  ];
  return `mcp startup: ${parts.join("; ")}`;
}
