import { monotonicMs } from "#lib/clock.ts";
import type { ModelClient, ModelEvent } from "#providers/model-client.ts";
import { log } from "#telemetry/log.ts";
import { withoutOwnSecrets } from "#telemetry/redact.ts";

/**
 * Passes everything through and logs each request's start and end (`RUST_LOG=providers=debug`). Servers like to quote
 * the key they refuse: what a failure says reaches people, programs and session files without it.
 */
export function loggedClient(client: ModelClient): ModelClient {
  return {
    async *stream(request, options) {
      const started = monotonicMs();
      log("providers", "debug", "request", { model: request.model.slug, input_items: request.input.length });
      let last: ModelEvent | undefined;
      for await (const batch of client.stream(request, options)) {
        last = batch.at(-1) ?? last;
        yield last?.type === "failed" ? batch.map(withoutSecrets) : batch;
      }
      const ms = Math.round(monotonicMs() - started);
      if (last?.type === "failed") log("providers", "warn", last.failure.message, { ms, retry: last.failure.retry });
      else
        log("providers", "debug", "response", { ms, response_id: last?.type === "completed" ? last.responseId : null });
    },
  };
}

function withoutSecrets(event: ModelEvent): ModelEvent {
  if (event.type !== "failed") return event;
  return { ...event, failure: { ...event.failure, message: withoutOwnSecrets(event.failure.message) } };
}
