import { initialContext } from "#agent/context/initial.ts";
import type { ThreadSettings } from "#agent/settings.ts";
import { AsyncQueue } from "#lib/async-queue.ts";
import { uuidv7 } from "#lib/ids.ts";
import type {
  ConsolidationAgent,
  ConsolidationRequest,
  ConsolidationStatus,
} from "#memories/write/phase-two/consolidation-agent.ts";
import type { Event } from "#protocol/events.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import { RolloutRecorder } from "#rollout/recorder.ts";
import { assembleThread } from "./assemble-thread.ts";
import { BoundedClient } from "./bounded-client.ts";
import type { Engines } from "./engines.ts";
import { emptyNotes } from "./memory-notes.ts";
import type { RuntimeOptions } from "./options.ts";
import { startReviewChild } from "./review-child.ts";
import { threadConsents } from "./thread-consents.ts";
import { NO_MEMORY } from "./thread-memory.ts";
import { rootThreadSettings } from "./thread-settings.ts";

/** Only the working folder can be written, no temporary folder, no network. */
const FOLDER_ONLY: SandboxPolicy = {
  type: "workspace-write",
  network_access: false,
  exclude_tmpdir_env_var: true,
  exclude_slash_tmp: true,
};

/** Runs consolidations as hidden threads of this process: nothing is stored, shown or asked. */
export function consolidationAgent(engines: Engines): ConsolidationAgent {
  return async (request) => {
    request.signal.throwIfAborted();
    const client = new BoundedClient(engines.model.client, request);
    const end = await runThread(hiddenEngines(engines, request.folder, client), request);
    request.signal.throwIfAborted();
    return statusOf(end, client);
  };
}

/** The engines of this process for a thread that has nothing but its folder and its model. */
function hiddenEngines(engines: Engines, folder: string, client: BoundedClient): Engines {
  const options: RuntimeOptions = {
    ...engines.options,
    cwd: folder,
    ephemeral: true,
    settings: {
      ...engines.options.settings,
      approvalPolicy: "never",
      sandboxPolicy: FOLDER_ONLY,
      webSearch: "disabled",
      mcpServers: [],
      notify: undefined,
      developerInstructions: undefined,
      memories: { ...engines.options.settings.memories, use: false, generate: false },
    },
  };
  return {
    ...engines,
    options,
    model: { ...engines.model, client },
    mcp: undefined,
    pending: new Set(),
    memoryNotes: emptyNotes(),
  };
}

async function runThread(engines: Engines, request: ConsolidationRequest): Promise<Event | undefined> {
  const events = new AsyncQueue<Event>();
  const settings: ThreadSettings = {
    ...rootThreadSettings(engines.options, { id: uuidv7(), agentsMd: null }),
    source: { subagent: "memory_consolidation" },
    subagent: "memory_consolidation",
  };
  const { thread, close } = assembleThread({
    engines,
    settings,
    recorder: RolloutRecorder.ephemeral(),
    git: undefined,
    emit: (event) => events.push(event),
    past: null,
    contextWith: () => context(engines, settings),
    memory: NO_MEMORY,
    hooks: undefined,
    questions: undefined,
    consents: threadConsents(engines.options),
    startReview: startReviewChild,
  });
  const interrupt = () => thread.submit({ type: "interrupt" });
  request.signal.addEventListener("abort", interrupt, { once: true });
  try {
    thread.submit({ type: "user_turn", input: [{ type: "text", text: request.prompt }] });
    for await (const event of events) if (END.has(event.type)) return event;
    return undefined;
  } finally {
    request.signal.removeEventListener("abort", interrupt);
    await close();
  }
}

const END: ReadonlySet<Event["type"]> = new Set(["turn_completed", "turn_failed", "turn_aborted"]);

function context(engines: Engines, settings: ThreadSettings) {
  return initialContext({
    memories: null,
    sandboxPolicy: settings.sandbox.policy,
    approvalPolicy: settings.approvalPolicy,
    cwd: settings.cwd,
    tmpdir: settings.sandbox.tmpdir,
    developerInstructions: undefined,
    agentsMd: null,
    shell: engines.shell.path,
  });
}

function statusOf(end: Event | undefined, client: BoundedClient): ConsolidationStatus {
  const { stopped } = client;
  if (stopped?.type === "over_budget") return { status: "over_budget", retryAt: stopped.retryAt };
  if (stopped?.type === "bound") return { status: "failed", error: `the model was ${stopped.message}` };
  if (end?.type === "turn_completed") return { status: "completed" };
  const why = end?.type === "turn_failed" ? end.message : "it was interrupted";
  return { status: "failed", error: `the model's turn failed: ${why}` };
}
