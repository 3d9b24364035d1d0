/** A worker of the crash histories: does one store operation per message, and dies where it is told to. */
import { Database, Statement } from "bun:sqlite";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openState, stateDatabasePath } from "#state/open.ts";
import type { StateStore } from "#state/store.ts";
import { NOTHING_TO_IMPORT, output } from "../home.ts";
import { historyRules, type Operation, type Outcome, type Request, STAGE_ONE } from "./operations.ts";

let home = "";
let store: StateStore | undefined;
let audit: Database | undefined;

async function openHome(path: string): Promise<StateStore> {
  if (store !== undefined && path === home) return store;
  await store?.close();
  audit?.close();
  home = path;
  store = await openState({ codexHome: path, artifacts: NOTHING_TO_IMPORT, report: (notice) => console.error(notice) });
  audit = new Database(stateDatabasePath(path), { readonly: true });
  return store;
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal is delivered before the system call returns; this line is for the compiler.
  throw new Error("still alive");
}

/** Statements until death; Infinity when nobody is to die. */
let statementsLeft = Number.POSITIVE_INFINITY;

/** Counts every statement of this process, so that it can die between any two of them, transactions included. */
function countStatements(): void {
  for (const name of ["run", "get", "all"] as const) {
    const original: (...args: never[]) => unknown = Statement.prototype[name];
    const counted = function (this: Statement, ...args: never[]) {
      if (statementsLeft-- <= 0) die();
      return original.apply(this, args);
    };
    Object.defineProperty(Statement.prototype, name, { value: counted });
  }
}

function lastSequence(): number {
  return audit?.query<{ seq: number }, []>("SELECT coalesce(max(seq), 0) AS seq FROM audit").get()?.seq ?? 0;
}

/** What a real step does: a file is written whole and renamed, in the middle of the transaction. */
function writeWhole(name: string, text: string, dies: boolean): void {
  const path = join(home, name);
  writeFileSync(`${path}.tmp`, text);
  if (dies) die();
  renameSync(`${path}.tmp`, path);
}

async function run(store: StateStore, operation: Operation): Promise<Outcome> {
  switch (operation.type) {
    case "claim": {
      const { now, limit, cap, worker } = operation;
      const before = lastSequence();
      const claims = await store.stageOne.claim({ ...historyRules(now), limit, runningCap: cap, worker });
      return { claims: claims.map(({ threadId, token }) => ({ threadId, token })), before, after: lastSequence() };
    }
    case "heartbeat":
      return { done: await store.stageOne.heartbeat(operation) };
    case "release":
      return { done: await store.stageOne.release({ ...operation, retryAt: operation.retryAt }) };
    case "finish": {
      const { now, jobKey: threadId, token, empty } = operation;
      const learned = empty ? null : output({ rawMemory: token });
      return { done: await store.stageOne.finish({ now, threadId, token, output: learned }) };
    }
    case "fail": {
      const { now, jobKey: threadId, token } = operation;
      return { done: await store.stageOne.fail({ now, threadId, token, error: "failed" }) };
    }
    case "sync":
      await store.outputs.inSyncTransaction((view) =>
        writeWhole("artifacts", view.outputs.map((row) => row.rawMemory).join("\n"), operation.dies),
      );
      return { done: true };
    case "claim-global": {
      const claim = await store.phaseTwo.claim(operation);
      return claim.type === "claimed" ? { token: claim.token } : { token: null };
    }
    case "finish-global": {
      const inputs = await store.phaseTwo.selectInputs({ limit: 1024 });
      const { now, token, discards, dies } = operation;
      const publish = () => {
        if (discards) return "discarded" as const;
        writeWhole("published", token, dies);
        return "published" as const;
      };
      const end = await store.phaseTwo.finish({ now, token, inputWatermark: 0, inputs, publish });
      return { done: end.type !== "lost" };
    }
    case "fail-global": {
      const end = await store.phaseTwo.fail({ now: operation.now, token: operation.token, error: "failed" });
      return { done: end.type !== "lost" };
    }
  }
}

process.on("message", async ({ id, home: path, operation, death }: Request) => {
  try {
    const store = await openHome(path);
    if (death.type === "statement") statementsLeft = death.n;
    const outcome = await run(store, operation);
    if (death.type !== "none") die();
    process.send?.({ id, outcome });
  } catch (error) {
    process.send?.({ id, error: `${STAGE_ONE}: ${operation.type}: ${error instanceof Error ? error.stack : error}` });
  }
});
countStatements();
process.send?.({ ready: true });
