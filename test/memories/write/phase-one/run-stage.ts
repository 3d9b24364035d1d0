import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { artifactImporter } from "#memories/write/artifacts/import.ts";
import {
  type JobEnd,
  type ModelAccess,
  type PhaseOneOptions,
  type PhaseOneReport,
  runPhaseOne,
} from "#memories/write/phase-one/run.ts";
import type { StageOneStatus } from "#state/claims.ts";
import { openState } from "#state/open.ts";
import type { StateStore } from "#state/store.ts";
import { type TempHome, tempHome } from "../../../support/temp-home.ts";
import { line, meta, said, typed } from "./rollout-lines.ts";

/** The time at which runs happen: the sessions of `session` have rested for a day. */
export const NOW = Date.parse("2026-11-02T12:00:00.000Z") / 1000;
export const SECRET = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
export const WISH = "Always run the linter before you finish.";
export const USEFUL: readonly string[] = [said("user", WISH), typed(WISH), said("assistant", "I will.")];
export const EMPTY: readonly string[] = [said("user", "hi"), typed("hi"), said("assistant", "Hello.")];
const NO_MODELS: ModelAccess = { served: [], routeFor: () => undefined };
/** Rules under which every session of a stage may be claimed. */
export const ANY_RULES = {
  now: NOW,
  minIdleSeconds: 0,
  maxAgeSeconds: 30 * 86_400,
  sources: ["cli"],
  providers: { type: "any" as const },
};

export function threadId(number: number): string {
  return `019a0000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}

const STAMP = "2026-11-01T10:00:00.000Z";

/** A home with a database and sessions to learn from. */
export class Stage implements AsyncDisposable {
  readonly home: TempHome;
  readonly store: StateStore;

  private constructor(home: TempHome, store: StateStore) {
    this.home = home;
    this.store = store;
  }

  static async open(): Promise<Stage> {
    const home = await tempHome({ git: true });
    const artifacts = artifactImporter(home.codexHome);
    return new Stage(home, await openState({ codexHome: home.codexHome, artifacts, report: () => {} }));
  }

  /** Writes the session of thread `number`, a minute newer for each. */
  session(number: number, lines: readonly string[], provider = "mock"): string {
    const stamp = new Date(Date.parse(STAMP) + number * 60_000).toISOString();
    const head = meta({ id: threadId(number), cwd: this.home.cwd, model_provider: provider }, stamp);
    const turn = line("turn_context", { cwd: this.home.cwd, model: "gpt-5.2-codex" });
    const text = `${[head, turn, ...lines].map((one) => one.replaceAll(STAMP, stamp)).join("\n")}\n`;
    const folder = join(this.home.codexHome, "sessions/2026/11/01");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `rollout-2026-11-01T10-${String(number).padStart(2, "0")}-00-${threadId(number)}.jsonl`);
    writeFileSync(path, text);
    utimesSync(path, NOW - 80_000, NOW - 80_000);
    return path;
  }

  async run(options: Partial<PhaseOneOptions> = {}): Promise<{ ends: JobEnd[]; report: PhaseOneReport }> {
    await this.store.threads.backfill();
    return this.runIndexed(options);
  }

  /** As `run`, with the index as it is. */
  async runIndexed(options: Partial<PhaseOneOptions> = {}): Promise<{ ends: JobEnd[]; report: PhaseOneReport }> {
    const ends: JobEnd[] = [];
    const report = await runPhaseOne({
      store: this.store,
      worker: "tester",
      rules: { minIdleSeconds: 12 * 3600, maxAgeSeconds: 30 * 86_400, sources: ["cli"] },
      extractor: "builtin",
      models: NO_MODELS,
      mayCallModels: true,
      dailyTokenBudget: 1_000_000,
      limit: 64,
      now: () => NOW,
      report: (end) => ends.push(end),
      signal: new AbortController().signal,
      ...options,
    });
    return { ends, report };
  }

  status(): Promise<StageOneStatus> {
    return this.store.stageOne.status({ ...ANY_RULES, minIdleSeconds: 43_200 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.home[Symbol.asyncDispose]();
  }
}
