import type { Event } from "#protocol/events.ts";

/** One way of showing a headless session. */
export interface ExecOutput {
  handle(event: Event): void;
}
