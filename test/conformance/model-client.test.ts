import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelClient, ModelEvent } from "#providers/model-client.ts";
import { createRecorder } from "#providers/replay/recorder.ts";
import { createReplayClient } from "#providers/replay/replay-client.ts";
import { clientOf, collect, failureOf, modelRequest } from "../providers/model-request.ts";
import { answer, assistantText, created, failed, functionCall, sse, status } from "../support/model-script.ts";
import { type ModelServer, startModelServer } from "../support/model-server.ts";

/** One answer of each kind, in this order, is what every implementation below is asked for. */
const ANSWERS = [
  answer(assistantText("one"), functionCall("f", {})),
  sse([created(), ...assistantText("half")]),
  sse([created(), failed("invalid_prompt", "no")]),
  status(400, "bad"),
  answer(assistantText("last")),
];

let server: ModelServer;
let root = "";
const implementations: Record<string, () => ModelClient> = {
  responses: () => clientOf({ baseUrl: server.baseUrl }),
  recorder: () => createRecorder(clientOf({ baseUrl: server.baseUrl }), join(root, "again.jsonl"), { warn: () => {} }),
  replay: () => createReplayClient(join(root, "session.jsonl")),
};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "codex-conformance-"));
  server = await startModelServer({ responses: (_, index) => ANSWERS[index % ANSWERS.length] ?? answer() });
  const recorder = createRecorder(clientOf({ baseUrl: server.baseUrl }), join(root, "session.jsonl"), {
    warn: () => {},
  });
  for (const _ of ANSWERS) await collect(recorder);
});

afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

const isTerminal = (event: ModelEvent) => event.type === "completed" || event.type === "failed";

describe.each(Object.keys(implementations))("%s", (name) => {
  test("every stream ends with its one terminal event, and no batch is empty", async () => {
    const client = implementations[name]?.();
    if (client === undefined) throw new Error(name);
    for (const _ of ANSWERS) {
      const batches: (readonly ModelEvent[])[] = [];
      for await (const batch of client.stream(modelRequest(), { signal: new AbortController().signal })) {
        batches.push(batch);
      }
      const events = batches.flat();
      expect(batches.every((batch) => batch.length > 0)).toBe(true);
      expect(events.filter(isTerminal)).toHaveLength(1);
      expect(isTerminal(events.at(-1) ?? { type: "created" })).toBe(true);
    }
  });

  test("an aborted signal ends the stream as aborted", async () => {
    const client = implementations[name]?.();
    if (client === undefined) throw new Error(name);
    const events = await collect(client, modelRequest(), AbortSignal.abort());
    expect(failureOf(events)).toMatchObject({ retry: false, kind: "aborted" });
  });

  test("a caller may stop listening", async () => {
    const client = implementations[name]?.();
    if (client === undefined) throw new Error(name);
    for await (const _ of client.stream(modelRequest(), { signal: new AbortController().signal })) break;
    expect(await collect(client)).not.toEqual([]);
  });
});
