import { resolve } from "node:path";
import type { Settings } from "#config/resolve.ts";
import { CodexError } from "#lib/errors.ts";
import { Semaphore } from "#lib/semaphore.ts";
import type { Event } from "#protocol/events.ts";
import type { Runtime } from "#runtime/create.ts";
import type { StartedThread } from "#runtime/options.ts";
import type { QuestionIds } from "./approval-elicitation.ts";
import { EventMap } from "./event-map.ts";
import type { EventMsg } from "./event-msg.ts";
import type { RequestId } from "./json-rpc.ts";
import { Progress } from "./progress.ts";
import { Questions } from "./questions.ts";
import { sessionConfig } from "./session-config.ts";
import { type Call, ORIGINATOR, type SessionDeps } from "./session-deps.ts";
import type { CodexArguments } from "./tool-arguments.ts";
import { answered, failed, type ToolResult } from "./tool-result.ts";

const INTERRUPTED = "The turn was interrupted before it was done.";

/** The turn that runs, and who waits for its end. */
interface ActiveTurn {
  call: Call;
  prompt: string;
  /** Empty until it begins. */
  id: string;
  progress: Progress | undefined;
  finish: (result: ToolResult) => void;
}

/** What a turn begins with; without a `turnId` the thread makes one up. */
interface Said {
  prompt: string;
  turnId?: string;
}

/** One conversation: a runtime of its own, since each has its own settings, and one turn at a time. */
export class Session {
  readonly #deps: SessionDeps;
  readonly #runtime: Runtime;
  readonly #oneAtATime = new Semaphore(1);
  readonly #questions: Questions;
  #started: StartedThread | undefined;
  #map: EventMap | undefined;
  #held: Event[] | undefined = [];
  #turn: ActiveTurn | undefined;
  /** The call that what happens is told to; the last one while none runs. */
  #requestId: RequestId;

  private constructor(deps: SessionDeps, runtime: Runtime, call: Call) {
    this.#deps = deps;
    this.#runtime = runtime;
    this.#requestId = call.requestId;
    this.#questions = new Questions({
      peer: deps.peer,
      capabilities: () => deps.client().capabilities,
      submit: (op) => this.#started?.thread.submit(op),
    });
  }

  /**
   * Loads the configuration and starts the thread. Throws a CodexError with the text the call is answered with, also
   * when it was cancelled meanwhile.
   */
  static async open(deps: SessionDeps, call: Call, args: CodexArguments): Promise<Session> {
    const cwd = resolve(deps.cwd, args.cwd ?? ".");
    const { codexHome, overrides, memoryNotes } = deps;
    const [config, { createRuntime }] = await Promise.all([
      sessionConfig({ codexHome, cwd, overrides, args }),
      import("#runtime/create.ts"),
    ]);
    const runtime = await createRuntime({
      settings: config.settings,
      codexHome,
      cwd,
      source: "mcp",
      originator: ORIGINATOR,
      client: deps.client().name,
      canAsk: true,
      tellsTurnDiffs: true,
      outlivesTurns: true,
      ephemeral: false,
      record: undefined,
      replay: undefined,
      memoryNotes,
    });
    const session = new Session(deps, runtime, call);
    try {
      await session.#start(config.settings, cwd, config.warnings, call.signal);
    } catch (error) {
      await runtime.shutdown();
      throw call.signal.aborted ? new CodexError("interrupted", INTERRUPTED) : error;
    }
    return session;
  }

  get threadId(): string {
    return this.#started?.thread.id ?? "";
  }

  /** What the client reads before anything else of a session goes first, whatever came first here. */
  async #start(settings: Settings, cwd: string, warnings: readonly string[], signal: AbortSignal): Promise<void> {
    const started = await this.#runtime.startThread({ type: "new" }, (event) => this.#hear(event), { signal });
    this.#started = started;
    const { showRawAgentReasoning: showRawReasoning } = settings;
    const map = new EventMap({ threadId: started.thread.id, cwd, showRawReasoning });
    this.#map = map;
    const held = this.#held ?? [];
    this.#held = undefined;
    const begun = held.find((event) => event.type === "thread_started");
    this.#tell("", configuredMsg(started.thread.id, begun?.rolloutPath ?? null, settings, cwd));
    for (const message of [...warnings, ...started.notices]) this.#tell("", { type: "warning", message });
    for (const event of held) this.#hear(event);
    // Those that wait for a server are told of it when there is one.
    if (!settings.mcpServers.some(({ enabled }) => enabled)) {
      this.#tell("", { type: "mcp_startup_complete", ready: [], failed: [], cancelled: [] });
    }
  }

  /** The turn that the session was opened for: its id is the call's, as in the release. See `reply`. */
  begin(call: Call, prompt: string): Promise<ToolResult> {
    return this.#say(call, { prompt, turnId: String(call.requestId) });
  }

  /** Runs a turn, after those that were asked for before, and resolves to the call's result. Never rejects. */
  reply(call: Call, prompt: string): Promise<ToolResult> {
    return this.#say(call, { prompt });
  }

  #say(call: Call, said: Said): Promise<ToolResult> {
    const turn = this.#oneAtATime.run(() => this.#run(call, said));
    const cancelledInQueue = new Promise<ToolResult>((answer) => {
      const onAbort = () => {
        if (this.#turn?.call !== call) answer(this.#interrupted());
      };
      call.signal.addEventListener("abort", onAbort, { once: true });
    });
    return Promise.race([turn, cancelledInQueue]);
  }

  #run(call: Call, { prompt, ...id }: Said): Promise<ToolResult> {
    if (call.signal.aborted || this.#started === undefined) return Promise.resolve(this.#interrupted());
    const { thread } = this.#started;
    const { progressToken } = call;
    const progress = progressToken === undefined ? undefined : new Progress(this.#deps.peer, progressToken);
    this.#requestId = call.requestId;
    return new Promise((finish) => {
      this.#turn = { call, prompt, id: "", progress, finish };
      call.signal.addEventListener("abort", () => thread.submit({ type: "interrupt" }), { once: true });
      thread.submit({ type: "user_turn", input: [{ type: "text", text: prompt }], ...id });
    });
  }

  get hasTurn(): boolean {
    return this.#turn !== undefined;
  }

  /** See `Runtime.rest`. */
  rest(): Promise<void> {
    return this.#runtime.rest();
  }

  /** Ends the turn, the commands and the thread. */
  async close(): Promise<void> {
    await this.#runtime.shutdown();
  }

  /** See `Runtime.learn`; one session of the process is enough. */
  learn(): Promise<void> {
    return this.#runtime.learn();
  }

  #hear(event: Event): void {
    if (this.#held !== undefined) {
      this.#held.push(event);
      return;
    }
    if (event.type === "turn_started" && this.#turn !== undefined) {
      this.#turn.id = event.turnId;
      this.#map?.beginTurn(event.turnId, this.#turn.prompt);
    }
    const turnId = isOfStartUp(event) ? "" : (this.#map?.turnOf(event) ?? this.#turn?.id ?? "");
    for (const message of this.#map?.messages(event) ?? []) this.#tell(turnId, message);
    this.#turn?.progress?.follow(event);
    this.#react(event);
  }

  #react(event: Event): void {
    switch (event.type) {
      case "turn_started":
        // Cancelled before there was a turn to interrupt.
        if (this.#turn?.call.signal.aborted) this.#started?.thread.submit({ type: "interrupt" });
        return;
      case "approval_requested":
        void this.#questions.askApproval(event.requestId, event.request, this.#questionIds());
        return;
      case "elicitation_requested":
        void this.#questions.passOn(event.requestId, event.request, this.#questionIds());
        return;
      case "question_closed":
        return this.#questions.close(event.requestId);
      case "turn_completed":
        return this.#finish(answered(this.threadId, event.lastAgentMessage ?? ""));
      case "turn_failed":
        return this.#finish(failed(event.message, this.threadId));
      case "turn_aborted":
        return this.#finish(this.#interrupted());
      default:
        return;
    }
  }

  #questionIds(): QuestionIds {
    return { threadId: this.threadId, callId: String(this.#requestId), turnId: this.#turn?.id ?? "" };
  }

  #finish(result: ToolResult): void {
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.progress?.stop();
    turn?.finish(result);
  }

  #interrupted(): ToolResult {
    return failed(INTERRUPTED, this.threadId);
  }

  #tell(turnId: string, msg: EventMsg): void {
    const _meta = { requestId: this.#requestId, threadId: this.threadId };
    const params = { _meta, id: turnId, msg };
    if (msg.type.endsWith("_delta")) this.#deps.peer.notifyIfHeard("codex/event", params);
    else this.#deps.peer.notify("codex/event", params);
  }
}

/** What the servers of a session do belongs to no turn. */
function isOfStartUp({ type }: Event): boolean {
  return type.startsWith("mcp_server_") || type === "mcp_startup_complete";
}

function configuredMsg(threadId: string, rolloutPath: string | null, settings: Settings, cwd: string): EventMsg {
  return {
    type: "session_configured",
    session_id: threadId,
    model: settings.model,
    model_provider_id: settings.provider.id,
    approval_policy: settings.approvalPolicy,
    sandbox_policy: settings.sandboxPolicy,
    cwd,
    ...(settings.reasoningEffort === undefined ? {} : { reasoning_effort: settings.reasoningEffort }),
    history_log_id: 0,
    history_entry_count: 0,
    rollout_path: rolloutPath,
  };
}
