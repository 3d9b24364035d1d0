import { sleep } from "#lib/abort.ts";
import { wellFormedJson } from "#lib/jsonl.ts";
import { Semaphore } from "#lib/semaphore.ts";
import { OrphanWatch } from "#process/orphan-watch.ts";
import { killSessions } from "#process/process-group.ts";
import { log } from "#telemetry/log.ts";
import type { Hook, HookEvent } from "./config.ts";
import { ContextFiles, removeOldContexts } from "./context-file.ts";
import { matcherAccepts } from "./match.ts";
import { ObservedTasks } from "./observed-tasks.ts";
import { emptyVerdict, type HookVerdict, isSuppressed, mergeVerdicts, verdictOf } from "./output.ts";
import { type EventFacts, hookInput, matchedName, type SessionFacts } from "./payloads.ts";
import { type HookRun, runHook } from "./run-hook.ts";
import { type CallMcpTool, runMcpHook } from "./run-mcp-hook.ts";

/** Hooks with `async = true` that run at the same time; others wait. */
const MAX_ASYNC = 8;
/** Looking for what hooks left behind reads all of /proc, so it is done for several at once. */
const SWEEP_AFTER_MS = 250;
/** How long what nobody waited for may go on when the session is over. */
const ASYNC_GRACE_MS = 1000;
/** Characters of a hook's output in the log. */
const LOGGED_CHARS = 1000;

export interface DispatcherOptions {
  hooks: readonly Hook[];
  session: SessionFacts;
  /** The whole environment of the hooks, credentials already removed. */
  env: Readonly<Record<string, string>>;
  callMcpTool: CallMcpTool;
}

/** Told of each hook that begins and has something to show. */
type OnStatus = (event: HookEvent, message: string) => void;

/** Runs the hooks of one session. */
export class HookDispatcher {
  readonly #options: DispatcherOptions;
  readonly #contextFiles = new ContextFiles();
  /** Begun with the first hook: what earlier sessions left is looked for once. */
  #tidying: Promise<void> | undefined;
  readonly #asyncSlots = new Semaphore(MAX_ASYNC);
  /** What nobody waits for. */
  readonly #unawaited = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  /** Sessions of hooks that have ended and may have left processes behind. */
  readonly #left = new Set<number>();
  #sweep: Timer | undefined;
  /** Ends running hooks with this process. */
  readonly #orphans = new OrphanWatch();
  /** The hooks of model requests. */
  readonly #observed = new ObservedTasks();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  has(event: HookEvent): boolean {
    return this.#options.hooks.some((hook) => hook.event === event);
  }

  /** Runs all matching hooks at once and says what they want together. Rejects with the signal's reason. */
  async fire(facts: EventFacts, signal: AbortSignal, onStatus: OnStatus): Promise<HookVerdict> {
    if (!this.has(facts.event)) return emptyVerdict();
    await this.#observed.settle();
    return this.#fire(facts, signal, onStatus);
  }

  /** Tells hooks that can change nothing. Nobody waits for them: see `ObservedTasks`. */
  observe(facts: EventFacts, onStatus: OnStatus, onEnd: (verdict: HookVerdict) => void): void {
    if (!this.has(facts.event)) return;
    const { signal } = this.#ending;
    const tell = async () => onEnd(await this.#fire(facts, signal, onStatus));
    // The hooks of model requests may hang, and an interruption is told of all the same.
    if (facts.event === "Interrupt") void this.#aside(this.#observed.settle().then(tell));
    else void this.#aside(this.#observed.add(tell));
  }

  async #fire(facts: EventFacts, signal: AbortSignal, onStatus: OnStatus): Promise<HookVerdict> {
    const name = matchedName(facts);
    const { hooks, session } = this.#options;
    const matching = hooks.filter((hook) => hook.event === facts.event && matcherAccepts(hook.matcher, name));
    if (matching.length === 0) return emptyVerdict();
    this.#tidying ??= removeOldContexts();
    const input = hookInput(session, facts);
    const { signal: ending } = this.#ending;
    for (const hook of matching) {
      if (hook.statusMessage !== undefined) onStatus(hook.event, hook.statusMessage);
      if (hook.isAsync) void this.#aside(this.#asyncSlots.run(() => this.#run(hook, input, ending)));
    }
    const awaited = matching.filter((hook) => !hook.isAsync);
    return mergeVerdicts(await Promise.all(awaited.map((hook) => this.#run(hook, input, signal))));
  }

  /**
   * Ends hooks nobody waited for, after a moment in which they may end by themselves, and with `last`, the hooks of
   * the end itself, whatever any hook left behind.
   */
  async close(last: Promise<unknown>): Promise<void> {
    if (this.#unawaited.size > 0) await Promise.race([Promise.all(this.#unawaited), sleep(ASYNC_GRACE_MS)]);
    this.#ending.abort(new Error("the session is over"));
    await Promise.all([last, ...this.#unawaited]);
    clearTimeout(this.#sweep);
    this.#killLeft();
    this.#orphans.close();
    if (this.#options.session.transcriptPath === null) this.#contextFiles.remove();
    await this.#tidying;
  }

  #killLeft(): void {
    this.#sweep = undefined;
    if (this.#left.size > 0) killSessions(this.#left);
    this.#left.clear();
  }

  async #run(hook: Hook, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<HookVerdict> {
    const run = await this.#start(hook, input, signal);
    const exit = run.type === "exited" ? String(run.code) : run.reason;
    const output = run.type === "exited" && !isSuppressed(hook, run) ? run.stdout.slice(0, LOGGED_CHARS) : "";
    log("hooks", "debug", "hook", { key: hook.key, exit, output });
    return verdictOf(hook, run, (text, tokens) => this.#contextFiles.shorten(text, tokens));
  }

  #start(hook: Hook, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<HookRun> {
    const { handler, timeoutMs } = hook;
    const { session, env, callMcpTool } = this.#options;
    if (handler.type === "mcp_tool") return runMcpHook(handler, input, { call: callMcpTool, timeoutMs }, signal);
    const { command } = handler;
    const onStart = (group: number) => this.#orphans.add(group);
    const onLeft = (left: number) => {
      this.#orphans.remove(left);
      this.#left.add(left);
      this.#sweep ??= setTimeout(() => this.#killLeft(), SWEEP_AFTER_MS);
    };
    return runHook(
      { command, input: wellFormedJson(input), timeoutMs, cwd: session.cwd, env, onStart, onLeft },
      signal,
    );
  }

  /** Resolves when it has ended, also by the end of the session. */
  #aside(work: Promise<unknown>): Promise<void> {
    const { signal } = this.#ending;
    const run: Promise<void> = work.then(
      () => {},
      (error) => {
        if (!signal.aborted) throw error;
      },
    );
    this.#unawaited.add(run);
    void run.finally(() => this.#unawaited.delete(run));
    return run;
  }
}
