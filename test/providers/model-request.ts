import type { ProviderConfig } from "#config/providers.ts";
import { findModel } from "#providers/model-catalog.ts";
import type { ModelClient, ModelEvent, ModelFailure, ModelRequest, WireModelClient } from "#providers/model-client.ts";
import { createModelClient } from "#providers/registry.ts";
import { NO_TOOLS } from "#providers/tool-list.ts";

/** A provider that is quick to give up, so that suites are quick. */
export function provider(fields: Partial<ProviderConfig> = {}): ProviderConfig {
  return {
    id: "mock",
    name: "mock",
    baseUrl: "http://127.0.0.1:9/v1",
    envKey: undefined,
    envKeyInstructions: undefined,
    bearerToken: undefined,
    queryParams: {},
    httpHeaders: {},
    envHttpHeaders: {},
    requestMaxRetries: 0,
    streamMaxRetries: 0,
    streamIdleTimeoutMs: 20_000,
    requiresOpenAiAuth: false,
    ...fields,
  };
}

export const THREAD_ID = "0199b4a4-7d3c-7a51-b2a0-2f5f7b6f7a10";

/** A small, valid sampling request. */
export function modelRequest(fields: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: findModel("gpt-5.2-codex"),
    instructions: "Be brief.",
    input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
    tools: NO_TOOLS,
    parallelToolCalls: true,
    effort: undefined,
    summary: "auto",
    verbosity: undefined,
    outputSchema: undefined,
    threadId: THREAD_ID,
    turnMetadata: undefined,
    subagent: undefined,
    turn: { turnState: undefined },
    ...fields,
  };
}

/** A client of the provider, with a key unless told otherwise. */
export function clientOf(
  fields: Partial<ProviderConfig>,
  options: Partial<Parameters<typeof createModelClient>[0]> = {},
): WireModelClient {
  return createModelClient({
    provider: provider(fields),
    credentials: { kind: "api_key", key: "test-key", source: "env_key" },
    originator: "codex_exec",
    version: "1.2.3",
    env: { TERM: "dumb" },
    ...options,
  });
}

/** All events of one request. */
export async function collect(
  client: ModelClient,
  request: ModelRequest = modelRequest(),
  signal: AbortSignal = new AbortController().signal,
): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const batch of client.stream(request, { signal })) events.push(...batch);
  return events;
}

/** The failure that ends the events; throws when they end otherwise. */
export function failureOf(events: readonly ModelEvent[]): ModelFailure {
  const last = events.at(-1);
  if (last?.type !== "failed") throw new Error(`expected a failure, the last event is ${JSON.stringify(last)}`);
  return last.failure;
}

/** The events without the limits that every answer begins with. */
export function withoutLimits(events: readonly ModelEvent[]): ModelEvent[] {
  return events.filter((event) => event.type !== "rate_limits");
}
