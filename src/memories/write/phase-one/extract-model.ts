import { sleep } from "#lib/abort.ts";
import { redactSecrets } from "#lib/redact.ts";
import { backoffMs } from "#lib/retry.ts";
import { approxTokens } from "#lib/truncate.ts";
import inputTemplate from "#memories/prompts/stage_one_input.md" with { type: "text" };
import systemPrompt from "#memories/prompts/stage_one_system.md" with { type: "text" };
import { messageText, textMessage } from "#protocol/items.ts";
import type { TokenUsage } from "#protocol/usage.ts";
import type { ModelInfo } from "#providers/model-catalog.ts";
import type { ModelClient, ModelEvent, ModelFailure, ModelRequest } from "#providers/model-client.ts";
import { NO_TOOLS } from "#providers/tool-list.ts";
import { halved } from "./model-input.ts";
import { normalizedTexts, OUTPUT_SCHEMA, parseAnswer } from "./output-schema.ts";

/** How one model is reached. */
export interface ModelRoute {
  client: ModelClient;
  /** Provider id, for the ledger. */
  provider: string;
  model: ModelInfo;
  /** With a ChatGPT login the server refuses `max_output_tokens`. */
  chatgptLogin: boolean;
}

/** Books a call against the day's budget. */
export interface CallBudget {
  /** `tokens`: estimated input plus output cap. */
  reserve(tokens: number): Promise<{ type: "reserved"; id: number } | { type: "over_budget"; retryAt: number }>;
  settle(id: number, usage: TokenUsage): Promise<void>;
  lose(id: number): Promise<void>;
}

export interface ModelExtractionInput {
  threadId: string;
  rolloutPath: string;
  cwd: string;
  /** From `ModelInput`: redacted and within the budget. */
  contents: string;
}

export type ModelExtraction =
  | { type: "texts"; rolloutSummary: string; rawMemory: string; rolloutSlug: string | null; usedAlias: boolean }
  /** The model found nothing worth keeping. */
  | { type: "nothing" }
  | { type: "over_budget"; retryAt: number }
  | { type: "failed"; message: string };

/** Cap of an answer, reasoning included, in tokens. */
export const MAX_OUTPUT_TOKENS = 16_000;
/** Tries of one request whose stream broke. */
const MAX_TRIES = 3;
/** Halvings of the input before giving up: 1/64 of a window fits any model. */
const MAX_HALVINGS = 6;
/** An answer longer than this is no memory: characters. */
const MAX_ANSWER = 16 << 20;

/**
 * Asks a model for the memory of one session. Every call is booked first; without budget none is made. A window that
 * is too small halves the input, a refused `max_output_tokens` is left out, a broken stream is tried again, all
 * without burning the job's retries. Texts come back redacted. Throws only the signal's reason.
 */
export async function extractWithModel(
  input: ModelExtractionInput,
  route: ModelRoute,
  options: { budget: CallBudget; signal: AbortSignal },
): Promise<ModelExtraction> {
  let contents = input.contents;
  let cap: number | undefined = route.chatgptLogin ? undefined : MAX_OUTPUT_TOKENS;
  let halvings = 0;
  for (let tries = 1; ; ) {
    options.signal.throwIfAborted();
    const request = stageOneRequest({ ...input, contents }, route.model, cap);
    const answer = await bookedCall(request, route, options);
    options.signal.throwIfAborted();
    if (answer.type === "over_budget") return answer;
    if (answer.type === "text") return readAnswer(answer.text);
    const { failure } = answer;
    if (!failure.retry && failure.kind === "context_window" && halvings++ < MAX_HALVINGS) contents = halved(contents);
    else if (cap !== undefined && refusesCap(failure)) cap = undefined;
    else if (failure.retry && tries++ < MAX_TRIES) await sleep(failure.delayMs ?? backoffMs(tries), options.signal);
    else return { type: "failed", message: failure.message };
  }
}

/** The one request of phase one. */
function stageOneRequest(input: ModelExtractionInput, model: ModelInfo, cap: number | undefined): ModelRequest {
  return {
    model,
    instructions: systemPrompt.trim(),
    input: [textMessage("user", inputText(input))],
    tools: NO_TOOLS,
    parallelToolCalls: false,
    effort: model.supportsReasoning ? "low" : undefined,
    summary: "auto",
    verbosity: undefined,
    outputSchema: { ...OUTPUT_SCHEMA },
    maxOutputTokens: cap,
    threadId: input.threadId,
    turnMetadata: JSON.stringify({ request_kind: "memory" }),
    subagent: undefined,
    turn: { turnState: undefined },
  };
}

function inputText(input: ModelExtractionInput): string {
  const values: Readonly<Record<string, string>> = {
    rollout_path: redactSecrets(input.rolloutPath),
    rollout_cwd: redactSecrets(input.cwd),
    rollout_contents: input.contents,
  };
  // In one pass, so that a record that contains a slot's name is not filled in.
  return inputTemplate.trim().replace(/\{\{(\w+)\}\}/g, (slot, name: string) => values[name] ?? slot);
}

/** Whether a request was refused because of the cap. */
function refusesCap(failure: ModelFailure): boolean {
  return !failure.retry && failure.kind === "bad_request" && failure.message.includes("max_output_tokens");
}

type Answer =
  | { type: "text"; text: string }
  | { type: "failed"; failure: ModelFailure }
  | { type: "over_budget"; retryAt: number };

async function bookedCall(
  request: ModelRequest,
  route: ModelRoute,
  { budget, signal }: { budget: CallBudget; signal: AbortSignal },
): Promise<Answer> {
  const [message] = request.input;
  const bytes =
    Buffer.byteLength(request.instructions) +
    (message?.type === "message" ? Buffer.byteLength(messageText(message)) : 0);
  const reservation = await budget.reserve(approxTokens(bytes) + MAX_OUTPUT_TOKENS);
  if (reservation.type === "over_budget") return reservation;
  let settled = false;
  try {
    const { answer, usage } = await call(request, route.client, signal);
    if (usage !== null) {
      await budget.settle(reservation.id, usage);
      settled = true;
    }
    return answer;
  } finally {
    // Whatever was sent may have been paid for: without a usage the reservation stays counted.
    if (!settled) await budget.lose(reservation.id);
  }
}

async function call(
  request: ModelRequest,
  client: ModelClient,
  signal: AbortSignal,
): Promise<{ answer: Answer; usage: TokenUsage | null }> {
  let text = "";
  let items = "";
  for await (const batch of client.stream(request, { signal })) {
    for (const event of batch) {
      if (event.type === "text_delta") text += event.delta;
      items = items || itemText(event);
      if (event.type === "failed") return { answer: { type: "failed", failure: event.failure }, usage: null };
      if (event.type === "completed") return { answer: { type: "text", text: text || items }, usage: event.usage };
    }
    if (text.length > MAX_ANSWER) return { answer: { type: "failed", failure: tooLong() }, usage: null };
  }
  const failure: ModelFailure = { retry: true, message: "the model's answer ended without being complete" };
  return { answer: { type: "failed", failure }, usage: null };
}

function itemText(event: ModelEvent): string {
  if (event.type !== "item_done" || event.item.type !== "message") return "";
  return messageText(event.item);
}

function tooLong(): ModelFailure {
  return { retry: false, kind: "other", message: `the model's answer is longer than ${MAX_ANSWER} characters` };
}

function readAnswer(text: string): ModelExtraction {
  const answer = parseAnswer(text);
  if (answer === undefined) {
    const found = redactSecrets(text.trim().slice(0, 120));
    return { type: "failed", message: `The model answered with something that is not the expected JSON: "${found}"` };
  }
  const texts = normalizedTexts(answer);
  if (texts === null) return { type: "nothing" };
  return {
    type: "texts",
    rolloutSummary: redactSecrets(texts.rolloutSummary),
    rawMemory: redactSecrets(texts.rawMemory),
    rolloutSlug: answer.rolloutSlug === null ? null : redactSecrets(answer.rolloutSlug),
    usedAlias: answer.usedAlias,
  };
}
