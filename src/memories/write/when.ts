import type { SessionSource } from "#protocol/rollout-item.ts";

/** What decides whether a session starts the pipeline at all. */
export interface StartFacts {
  source: SessionSource;
  ephemeral: boolean;
  /** `generate_memories`. */
  generate: boolean;
}

/**
 * How a session may run the pipeline: in the background of a process that stays, for a moment at the end of one that
 * does not, or never (sub-agents, reviews, the consolidation itself, ephemeral sessions, memories turned off).
 */
export function startKind({ source, ephemeral, generate }: StartFacts): "background" | "at_end" | "never" {
  if (typeof source === "object" || ephemeral || !generate) return "never";
  return source === "exec" || source === "mcp" ? "at_end" : "background";
}
