import { test } from "bun:test";
import { MEMORY_REQUIREMENTS, type MemoryRequirementId } from "./memory-requirements.ts";

const KNOWN: ReadonlySet<string> = new Set(MEMORY_REQUIREMENTS.map(({ id }) => id));

/** A test that proves the assertions it cites: it must fail when one of them is broken. */
export function memoryRequirement(
  ids: readonly MemoryRequirementId[],
  name: string,
  body: () => Promise<void> | void,
  timeoutMs = 30_000,
): void {
  for (const id of ids) if (!KNOWN.has(id)) throw new Error(`Test "${name}" cites "${id}", which is no requirement`);
  test(`${name} [${ids.join(" ")}]`, body, timeoutMs);
}
