import { reviewPrompt } from "#agent/prompts/review-prompt.ts";
import reviewRubric from "#agent/prompts/review-rubric.md" with { type: "text" };
import type { ThreadSettings } from "#agent/settings.ts";
import type { ReviewChild } from "#agent/tasks/review/run.ts";
import { mergeBase } from "#git/merge-base.ts";
import { AsyncQueue } from "#lib/async-queue.ts";
import { environment } from "#lib/env.ts";
import { uuidv7 } from "#lib/ids.ts";
import type { Event } from "#protocol/events.ts";
import type { ReviewTarget } from "#protocol/review.ts";
import { RolloutRecorder } from "#rollout/recorder.ts";
import { assembleThread, sessionMeta, type ThreadParts } from "./assemble-thread.ts";
import { NO_MEMORY } from "./thread-memory.ts";
import { configuredModel } from "./thread-settings.ts";

/**
 * The reviewing thread: its own instructions, model (`review_model`), rollout and history; the same
 * folder, sandbox and context as the thread that asked for it.
 */
export function startReviewChild(parent: ThreadParts): ReviewChild {
  const settings = reviewSettings(parent);
  const recorder = reviewRecorder(parent, settings);
  const events = new AsyncQueue<Event>();
  const { thread, close } = assembleThread({
    ...parent,
    settings,
    recorder,
    past: null,
    memory: NO_MEMORY,
    emit: (event) => events.push(event),
  });
  parent.engines.pending.add(
    thread.closed.then(close).then(() => {
      events.close();
    }),
  );
  return {
    submit: (op) => thread.submit(op),
    events,
    promptFor: (target) => promptFor(target, settings.cwd),
  };
}

async function promptFor(target: ReviewTarget, cwd: string): Promise<string> {
  const base = target.type === "baseBranch" ? await mergeBase(cwd, target.branch, { env: environment() }) : undefined;
  return reviewPrompt(target, base);
}

function reviewSettings(parent: ThreadParts): ThreadSettings {
  const { reviewModel } = parent.engines.options.settings;
  const model =
    reviewModel === undefined ? parent.settings.model : configuredModel(reviewModel, parent.engines.options.settings);
  return {
    ...parent.settings,
    threadId: uuidv7(),
    source: { subagent: "review" },
    model,
    baseInstructions: reviewRubric,
    subagent: "review",
  };
}

function reviewRecorder(parent: ThreadParts, settings: ThreadSettings): RolloutRecorder {
  const { engines, git } = parent;
  if (engines.options.ephemeral) return RolloutRecorder.ephemeral();
  const meta = sessionMeta(engines, settings, git, settings.source);
  return RolloutRecorder.create({ codexHome: engines.options.codexHome, meta });
}
