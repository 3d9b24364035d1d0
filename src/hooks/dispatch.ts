import { sleep } from "#lib/abort.ts";
import { Semaphore } from "#lib/semaphore.ts";
import { log } from "#telemetry/log.ts";
import type { CommandHook, HookEvent } from "./config.ts";
import { matcherAccepts } from "./match.ts";
import { emptyVerdict, type HookVerdict, mergeVerdicts, verdictOf } from "./output.ts";
import { type EventFacts, hookInput, matchedName, type SessionFacts } from "./payloads.ts";
import { runHook } from "./run-hook.ts";

/** Hooks with `async = true` that run at the same time; others wait. */
const MAX_ASYNC = 8;
/** How long they may go on when the session is over. */
const ASYNC_GRACE_MS = 1000;

/** Runs the hooks of one session. */
export class HookDispatcher {
  readonly #hooks: readonly CommandHook[];
  readonly #session: SessionFacts;
  readonly #env: Readonly<Record<string, string>>;
  readonly #asyncSlots = new Semaphore(MAX_ASYNC);
  readonly #asyncRuns = new Set<Promise<void>>();
  readonly #ending = new AbortController();

  /** `env` is the whole environment of the hooks, credentials already removed. */
  constructor(hooks: readonly CommandHook[], session: SessionFacts, env: Readonly<Record<string, string>>) {
    this.#hooks = hooks;
    this.#session = session;
    this.#env = env;
  }

  has(event: HookEvent): boolean {
    return this.#hooks.some((hook) => hook.event === event);
  }

  /** Runs all matching hooks at once and says what they want together. Rejects with the signal's reason. */
  async fire(facts: EventFacts, signal: AbortSignal): Promise<HookVerdict> {
    const name = matchedName(facts);
    const matching = this.#hooks.filter((hook) => hook.event === facts.event && matcherAccepts(hook.matcher, name));
    if (matching.length === 0) return emptyVerdict();
    const input = hookInput(this.#session, facts);
    for (const hook of matching) if (hook.isAsync) this.#runAside(hook, input);
    const awaited = matching.filter((hook) => !hook.isAsync);
    return mergeVerdicts(await Promise.all(awaited.map((hook) => this.#run(hook, input, signal))));
  }

  /** Ends hooks nobody waited for, after a moment in which they may end by themselves. */
  async close(): Promise<void> {
    if (this.#asyncRuns.size > 0) {
      await Promise.race([Promise.all(this.#asyncRuns), sleep(ASYNC_GRACE_MS)]);
    }
    this.#ending.abort(new Error("the session is over"));
    await Promise.all(this.#asyncRuns);
  }

  async #run(hook: CommandHook, input: string, signal: AbortSignal): Promise<HookVerdict> {
    const { command, timeoutMs } = hook;
    const run = await runHook({ command, input, timeoutMs, cwd: this.#session.cwd, env: this.#env }, signal);
    const exit = run.type === "exited" ? String(run.code) : run.reason;
    log("hooks", "debug", "hook", { event: hook.event, command, exit });
    return verdictOf(hook, run);
  }

  #runAside(hook: CommandHook, input: string): void {
    const { signal } = this.#ending;
    const run = this.#asyncSlots
      .run(() => this.#run(hook, input, signal))
      .then(
        () => {},
        (error) => {
          if (!signal.aborted) throw error;
        },
      );
    this.#asyncRuns.add(run);
    void run.finally(() => this.#asyncRuns.delete(run));
  }
}
