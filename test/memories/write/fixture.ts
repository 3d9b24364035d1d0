import { Database } from "bun:sqlite";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderRawMemories, renderSummary } from "#memories/write/artifacts/render.ts";
import type { StageOneOutput } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";
import { T, type TestHome, testHome, threadId } from "../../state/home.ts";

/** The n-th row: written n seconds after `T - 1000`, so that larger n are newer. */
export function row(n: number, changes: Partial<StageOneOutput> = {}): StageOneOutput {
  return {
    threadId: threadId(n),
    sourceUpdatedAt: T - 1000 + n,
    rawMemory: `## Preferences\n\n- Keep answer ${n} short\n`,
    rolloutSummary: `Session ${n} went well.`,
    rolloutSlug: null,
    rolloutPath: `/elsewhere/rollout-${n}.jsonl`,
    cwd: "/work/app",
    project: "/work/app",
    gitBranch: "main",
    provider: "openai",
    model: "gpt-test",
    extractor: "builtin",
    evidence: "[]",
    generatedAt: T,
    usageCount: 0,
    lastUsage: null,
    selectedSourceUpdatedAt: null,
    ...changes,
  };
}

/** A home whose database holds exactly these rows, without any file of theirs. */
export interface SeededHome extends AsyncDisposable {
  home: TestHome;
  path: string;
  root: string;
  store: StateStore;
  /** A path below the memory root. */
  at(name: string): string;
  read(name: string): string;
  write(name: string, content: string | Uint8Array): void;
  exists(name: string): boolean;
  sql(statement: string): void;
  meta(key: string): string;
}

export async function seeded(
  rows: readonly StageOneOutput[],
  options: { consolidated?: boolean } = {},
): Promise<SeededHome> {
  const home = testHome();
  const { consolidated = false } = options;
  const store = await home.open({ present: () => true, read: () => ({ outputs: rows, consolidated }) });
  const root = join(home.path, "memories");
  const at = (name: string) => join(root, name);
  return {
    home,
    path: home.path,
    root,
    store,
    at,
    read: (name) => readFileSync(at(name), "utf8"),
    write: (name, content) => {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), content);
    },
    exists: (name) => existsSync(at(name)),
    sql: (statement) => withDatabase(home, (db) => void db.run(statement)),
    meta: (key) =>
      withDatabase(home, (db) =>
        String(db.query<{ value: unknown }, [string]>("SELECT value FROM memory_meta WHERE key = ?").get(key)?.value),
      ),
    async [Symbol.asyncDispose]() {
      await store.close();
      home.remove();
    },
  };
}

function withDatabase<R>(home: TestHome, use: (db: Database) => R): R {
  const db = new Database(home.databasePath);
  try {
    db.run("PRAGMA busy_timeout = 10000");
    return use(db);
  } finally {
    db.close();
  }
}

/** Every file below a folder with its content, links and folders named as such. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string, prefix: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const name = prefix + entry.name;
      if (entry.isDirectory()) walk(join(path, entry.name), `${name}/`);
      else found[name] = entry.isSymbolicLink() ? "(link)" : readFileSync(join(path, entry.name), "latin1");
    }
  };
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) walk(folder, "");
  return found;
}

/** The artifact files these rows must give, newest first as passed. */
export function expectedArtifacts(rows: readonly StageOneOutput[], codexHome: string): Record<string, string> {
  const files = rows.map((one) => [
    `rollout_summaries/${one.threadId}.md`,
    renderSummary(one, codexHome).toString("latin1"),
  ]);
  return Object.fromEntries([...files, ["raw_memories.md", renderRawMemories(rows).toString("latin1")]]);
}

/** Runs the child script until it is killed at a step, or to its end. */
export async function runChild(args: readonly string[]): Promise<{ killed: boolean; stdout: string }> {
  const script = fileURLToPath(import.meta.resolve("./child.ts"));
  const child = Bun.spawn([process.execPath, script, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  if (child.signalCode === "SIGKILL") return { killed: true, stdout };
  if (child.exitCode !== 0) throw new Error(`the child failed: ${stderr}`);
  return { killed: false, stdout };
}
