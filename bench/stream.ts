/**
 * What the model client costs: 1 MB of text in 65,000 deltas over HTTP from another process, decoded into
 * model events, against a bare loop that splits the same bytes (already in memory) and parses each event.
 * Both take turns, so that both meet the same moods of the machine.
 */

import { findModel } from "#providers/model-catalog.ts";
import type { ModelClient, ModelRequest } from "#providers/model-client.ts";
import { createModelClient } from "#providers/registry.ts";
import { NO_TOOLS } from "#providers/tool-list.ts";
import { median, type Row } from "./measure.ts";

/** Times the cost of the bare loop. */
const LIMIT = 1.5;

async function startServer(): Promise<{ port: number; stop: () => void }> {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/stream-server.ts`], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  return { port: Number(new TextDecoder().decode(value)), stop: () => child.kill() };
}

function request(): ModelRequest {
  return {
    model: findModel("gpt-5.2-codex"),
    instructions: "Answer.",
    input: [],
    tools: NO_TOOLS,
    parallelToolCalls: true,
    effort: undefined,
    summary: "auto",
    verbosity: undefined,
    outputSchema: undefined,
    threadId: "00000000-0000-7000-8000-000000000000",
    turnMetadata: undefined,
    subagent: undefined,
    turn: { turnState: undefined },
  };
}

function bareLoop(bytes: Uint8Array): number {
  let characters = 0;
  for (const block of new TextDecoder().decode(bytes).split("\n\n")) {
    const at = block.indexOf("data: ");
    if (at === -1) continue;
    const event = JSON.parse(block.slice(at + 6)) as { type: string; delta: string };
    if (event.type === "response.output_text.delta") characters += event.delta.length;
  }
  return characters;
}

function clientOf(baseUrl: string): ModelClient {
  const provider = {
    id: "bench",
    name: "bench",
    baseUrl,
    envKey: undefined,
    envKeyInstructions: undefined,
    bearerToken: undefined,
    queryParams: {},
    httpHeaders: {},
    envHttpHeaders: {},
    requestMaxRetries: 0,
    streamMaxRetries: 0,
    streamIdleTimeoutMs: 10_000,
    requiresOpenAiAuth: false,
  };
  const identity = { originator: "codex_bench", version: "0.0.0" };
  return createModelClient({ provider, credentials: { kind: "none" }, ...identity, env: {} });
}

async function throughClient(client: ModelClient): Promise<number> {
  let characters = 0;
  for await (const batch of client.stream(request(), { signal: new AbortController().signal })) {
    for (const event of batch) {
      if (event.type === "text_delta") characters += event.delta.length;
      if (event.type === "failed") throw new Error(event.failure.message);
    }
  }
  return characters;
}

/** Runs it `rounds` times after two warm-ups. */
export async function streamRow(rounds: number): Promise<Row> {
  const server = await startServer();
  const base = `http://127.0.0.1:${server.port}/v1`;
  try {
    const client = clientOf(base);
    const bytes = new Uint8Array(await (await fetch(`${base}/responses`, { method: "POST" })).arrayBuffer());
    const expected = bareLoop(bytes);
    const bare: number[] = [];
    const ours: number[] = [];
    for (let round = -2; round < rounds; round++) {
      const began = performance.now();
      bareLoop(bytes);
      const between = performance.now();
      const characters = await throughClient(client);
      const ended = performance.now();
      if (characters !== expected) throw new Error(`received ${characters} characters, expected ${expected}`);
      if (round < 0) continue;
      bare.push(between - began);
      ours.push(ended - between);
    }
    const ratio = median(ours) / median(bare);
    return {
      what: "1 MB of text in 65,000 deltas over HTTP, decoded",
      measured: `${median(ours).toFixed(0)} ms, ${ratio.toFixed(2)} × a bare loop (${median(bare).toFixed(0)} ms)`,
      target: `≤ ${LIMIT} ×`,
      reached: ratio <= LIMIT,
    };
  } finally {
    server.stop();
  }
}
