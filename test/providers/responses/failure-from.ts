import type { ModelFailure } from "#providers/model-client.ts";
import { answer, assistantText, type ScriptedResponse } from "../../support/model-script.ts";
import { startModelServer } from "../../support/model-server.ts";
import { clientOf, collect, failureOf } from "../model-request.ts";

/** A small answer that ends well. */
export const HELLO = answer(assistantText("hello"));
/** Begins the message of every broken stream. */
export const DISCONNECTED = "stream disconnected before completion: ";

/** The failure of one request that gets these answers, and how many requests it took. */
export async function failureFrom(
  responses: ScriptedResponse[] | (() => ScriptedResponse),
  fields: Parameters<typeof clientOf>[0] = {},
): Promise<{ failure: ModelFailure; requests: number; url: string }> {
  await using server = await startModelServer({ responses });
  const events = await collect(clientOf({ baseUrl: server.baseUrl, ...fields }));
  return { failure: failureOf(events), requests: server.requests.length, url: `${server.baseUrl}/responses` };
}

/** A failure that the caller may try again. */
export const retryable = (message: string, delayMs?: number): ModelFailure => ({
  retry: true,
  message,
  ...(delayMs === undefined ? {} : { delayMs }),
});
