import { readFileSync } from "node:fs";
import { type ConfigFlags, loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import type { Event } from "#protocol/events.ts";
import type { Op } from "#protocol/ops.ts";
import type { SessionSource } from "#protocol/rollout-item.ts";
import { createRuntime } from "#runtime/create.ts";
import type { ThreadStart } from "#runtime/resume-point.ts";
import { type ModelServer, type ResponseScript, startModelServer } from "./model-server.ts";
import { type TempHome, tempHome } from "./temp-home.ts";

/** A thread of the real runtime, in this process, whose model is a scripted server. */
export interface TestSession extends AsyncDisposable {
  home: TempHome;
  server: ModelServer;
  events: Event[];
  threadId: string;
  submit(op: Op): void;
  /** Sends a text and waits for the end of its turn. */
  say(text: string): Promise<void>;
  /** Waits until an event matches; looks at past events too. */
  until(matches: (event: Event) => boolean): Promise<Event>;
  /** Parsed lines of the thread's rollout. */
  rollout(): { type: string; payload: Record<string, unknown> }[];
}

export interface TestSessionOptions {
  responses: ResponseScript;
  config?: ConfigFlags;
  start?: ThreadStart;
  /** Whether questions are put to the test, which answers with `submit`; default false. */
  canAsk?: boolean;
  /** Who holds the session: "cli" is somebody at an interface; default "exec". */
  source?: SessionSource;
  /** Goes on in the home of another session. */
  home?: TempHome;
}

const TURN_END: ReadonlySet<Event["type"]> = new Set(["turn_completed", "turn_failed", "turn_aborted"]);

/** Starts one. Use as `await using session = await startSession(…)`. */
export async function startSession(options: TestSessionOptions): Promise<TestSession> {
  const server = await startModelServer({ responses: options.responses, checkRequests: false });
  const home = options.home ?? (await tempHome());
  const runtime = await createRuntime({
    settings: await testSettings(home, server.baseUrl, options.config ?? {}),
    codexHome: home.codexHome,
    cwd: home.cwd,
    source: options.source ?? "exec",
    originator: "codex_exec",
    canAsk: options.canAsk ?? false,
    ephemeral: false,
    record: undefined,
    replay: undefined,
  });
  const events: Event[] = [];
  let waiting: (() => void)[] = [];
  const { thread } = await runtime.startThread(options.start ?? { type: "new" }, (event) => {
    events.push(event);
    for (const wake of waiting.splice(0)) wake();
  });
  const until = async (matches: (event: Event) => boolean, from = 0): Promise<Event> => {
    for (let index = from; ; index++) {
      while (index >= events.length) await new Promise<void>((resolve) => waiting.push(resolve));
      const event = events[index];
      if (event !== undefined && matches(event)) return event;
    }
  };
  return {
    home,
    server,
    events,
    threadId: thread.id,
    submit: (op) => thread.submit(op),
    say: async (text) => {
      const from = events.length;
      thread.submit({ type: "user_turn", input: [{ type: "text", text }] });
      await until((event) => TURN_END.has(event.type), from);
    },
    until,
    rollout: () => readRolloutLines(events),
    [Symbol.asyncDispose]: async () => {
      waiting = [];
      await runtime.shutdown();
      await server.close();
      if (options.home === undefined) await home[Symbol.asyncDispose]();
    },
  };
}

async function testSettings(home: TempHome, baseUrl: string, config: ConfigFlags) {
  const loaded = await loadConfig({
    codexHome: home.codexHome,
    cwd: home.cwd,
    systemFolder: `${home.root}/no-system`,
    overrides: [
      { path: ["model_provider"], rawValue: "mock" },
      { path: ["model_providers", "mock", "name"], rawValue: "mock" },
      { path: ["model_providers", "mock", "base_url"], rawValue: JSON.stringify(baseUrl) },
      { path: ["model_providers", "mock", "stream_max_retries"], rawValue: "2" },
      { path: ["model_providers", "mock", "request_max_retries"], rawValue: "0" },
    ],
    flags: { approval_policy: "never", sandbox_mode: "danger-full-access", ...config },
  });
  return resolveSettings(loaded);
}

function readRolloutLines(events: readonly Event[]): { type: string; payload: Record<string, unknown> }[] {
  const started = events.find((event) => event.type === "thread_started");
  if (started?.type !== "thread_started" || started.rolloutPath === null) throw new Error("no rollout");
  const lines = readFileSync(started.rolloutPath, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as { type: string; payload: Record<string, unknown> });
}
