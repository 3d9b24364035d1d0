import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type {
  ConsolidationRequest,
  ConsolidationStatus,
  ModelConsolidator,
} from "#memories/write/phase-two/consolidation-agent.ts";
import { type PhaseTwoOptions, type PhaseTwoOutcome, runPhaseTwo } from "#memories/write/phase-two/run.ts";
import { T, threadId } from "../../../state/home.ts";
import type { SeededHome } from "../fixture.ts";

/** One start's consolidation with the defaults of the tests: built-in, at `T`. */
export function consolidate(home: SeededHome, changes: Partial<PhaseTwoOptions> = {}): Promise<PhaseTwoOutcome> {
  return runPhaseTwo({
    store: home.store,
    codexHome: home.path,
    worker: "test",
    consolidator: { type: "builtin" },
    maxInputs: 1024,
    signal: new AbortController().signal,
    now: () => T,
    ...changes,
  });
}

/** What an agent of the tests has in its folder. */
export interface AgentFolder {
  request: ConsolidationRequest;
  has(name: string): boolean;
  read(name: string): string;
  write(name: string, content: string | Uint8Array): void;
}

/** A model whose whole turn is a function over its folder. It may be shown the threads of "openai". */
export function model(
  turn: (folder: AgentFolder) => ConsolidationStatus | Promise<ConsolidationStatus | undefined> | undefined,
  changes: Partial<ModelConsolidator> = {},
): ModelConsolidator {
  return {
    type: "model",
    required: false,
    provider: "openai",
    model: "gpt-test",
    seesAll: false,
    dailyTokenBudget: 1_000_000,
    agent: async (request) => {
      const at = (name: string) => join(request.folder, name);
      const folder: AgentFolder = {
        request,
        has: (name) => existsSync(at(name)),
        read: (name) => readFileSync(at(name), "utf8"),
        write: (name, content) => {
          mkdirSync(dirname(at(name)), { recursive: true });
          writeFileSync(at(name), content);
        },
      };
      return (await turn(folder)) ?? { status: "completed" };
    },
    ...changes,
  };
}

/** Makes the job due again without a change of the inputs' set, and forgets back-off. */
export function makeDue(home: SeededHome): void {
  home.sql("UPDATE memory_meta SET value = value + 1 WHERE key = 'input_generation'");
  home.sql("UPDATE memory_meta SET value = '' WHERE key = 'consolidated_set'");
  home.sql(
    "UPDATE jobs SET status = 'pending', retry_at = NULL, retry_remaining = 3 WHERE kind = 'memory_consolidate_global'",
  );
}

/** A model that writes an entry and two skills of one version, one of them only in the first and one only in the second. */
export function skillWriter(version: "first" | "second"): ModelConsolidator {
  return model(({ request, write }) => {
    rmSync(join(request.folder, "skills"), { recursive: true, force: true });
    write("MEMORY.md", `# Memory\n\n## Summary\n\n- ${version} [${threadId(1)}]\n`);
    for (const name of ["both", version])
      write(`skills/${name}/SKILL.md`, `---\nname: ${name}\ndescription: d\n---\n\n${version}\n`);
  });
}
