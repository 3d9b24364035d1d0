import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ArtifactImporter } from "#state/artifact-importer.ts";
import type { ClaimRules } from "#state/claims.ts";
import { openState, stateDatabasePath } from "#state/open.ts";
import type { NewStageOneOutput } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";

export const HOUR = 3600;
export const DAY = 24 * HOUR;
/** The fixed now of the tests: 2027-01-15T08:00:00Z, no UTC midnight. */
export const T = 1_800_000_000;

export const NOTHING_TO_IMPORT: ArtifactImporter = {
  present: () => false,
  read: () => ({ outputs: [], consolidated: false }),
};

/** The rules of the default configuration at `T`. */
export function rules(changes: Partial<ClaimRules> = {}): ClaimRules {
  return {
    now: T,
    minIdleSeconds: 12 * HOUR,
    maxAgeSeconds: 30 * DAY,
    sources: ["cli", "vscode"],
    providers: { type: "any" },
    ...changes,
  };
}

/** The n-th thread id; larger n sort later. */
export function threadId(n: number): string {
  return `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

export function output(changes: Partial<NewStageOneOutput> = {}): NewStageOneOutput {
  return {
    rawMemory: "raw",
    rolloutSummary: "summary",
    rolloutSlug: null,
    rolloutPath: "/rollout.jsonl",
    cwd: "/work",
    project: "/work",
    gitBranch: "main",
    provider: "openai",
    model: "gpt-test",
    extractor: "builtin",
    evidence: "[]",
    ...changes,
  };
}

export interface RolloutOptions {
  updatedAt: number;
  source?: unknown;
  provider?: string;
  archived?: boolean;
  message?: string;
  memoryMode?: string;
  /** Lines after the first message, as JSON values or raw text. */
  lines?: (string | object)[];
}

/** A throw-away CODEX_HOME with rollouts and the real store over it. */
export interface TestHome {
  path: string;
  notices: string[];
  open(artifacts?: ArtifactImporter): Promise<StateStore>;
  /** Writes a rollout whose last line has the time `updatedAt`; returns its path. */
  addRollout(id: string, options: RolloutOptions): string;
  databasePath: string;
  remove(): void;
}

export function testHome(): TestHome {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "codex-state-test-")));
  const notices: string[] = [];
  return {
    path,
    notices,
    databasePath: stateDatabasePath(path),
    open: (artifacts = NOTHING_TO_IMPORT) =>
      openState({ codexHome: path, artifacts, report: (notice) => notices.push(notice) }),
    addRollout: (id, options) => {
      const file = rolloutFile(path, id, options.archived ?? false);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, rolloutText(id, options));
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export function rolloutFile(home: string, id: string, archived = false): string {
  const name = `rollout-2026-12-01T10-00-00-${id}.jsonl`;
  return archived ? join(home, "archived_sessions", name) : join(home, "sessions", "2026", "12", "01", name);
}

export function rolloutText(id: string, options: RolloutOptions): string {
  const { updatedAt, source = "cli", provider = "openai", message = "please help", memoryMode, lines = [] } = options;
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();
  const meta = { id, timestamp: at(updatedAt - 60), cwd: "/work", originator: "test", cli_version: "0", source };
  const records: object[] = [
    {
      timestamp: at(updatedAt - 60),
      type: "session_meta",
      payload: { ...meta, model_provider: provider, ...(memoryMode !== undefined && { memory_mode: memoryMode }) },
    },
    ...(message === ""
      ? []
      : [{ timestamp: at(updatedAt - 50), type: "event_msg", payload: { type: "user_message", message } }]),
    {
      timestamp: at(updatedAt - 40),
      type: "turn_context",
      payload: { turn_id: "t", cwd: "/work", model: "gpt-test" },
    },
  ];
  const last = { timestamp: at(updatedAt), type: "event_msg", payload: { type: "task_complete", turn_id: "t" } };
  const texts = [...records, ...lines, last].map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  return `${texts.join("\n")}\n`;
}
