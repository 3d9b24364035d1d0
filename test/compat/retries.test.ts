import { expect } from "bun:test";
import { status } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { type Played, useStage } from "./stage.ts";

const stage = useStage();

/** A server that always fails with 500. */
function failing(requestRetries: number, streamRetries: number) {
  const provider = `request_max_retries = ${requestRetries}\nstream_max_retries = ${streamRetries}`;
  return stage.shared({ responses: () => status(500, "oops"), provider, timeoutMs: 60_000 });
}

function gaps(played: Played): number[] {
  const times = played.requests.map(({ atMs }) => atMs);
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

const nested = failing(1, 1);
const outer = failing(0, 3);
const inner = stage.early({ responses: () => status(500, "oops"), provider: "stream_max_retries = 0" });

requirement(["exec.retries.nested", "exec.retries.request-configured"], "one and one make four requests", async () => {
  const played = await nested();
  expect(played.requests).toHaveLength(4);
});

requirement(["exec.retries.stream-configured"], "the notice counts up to stream_max_retries", async () => {
  const played = await outer();
  expect(played.requests).toHaveLength(4);
  const notices = played.events.map(({ message }) => String(message)).filter((text) => text.startsWith("Reconnecting"));
  expect(notices.map((text) => text.slice(0, 19))).toEqual(["1", "2", "3"].map((n) => `Reconnecting... ${n}/3`));
});

requirement(["exec.retries.zero"], "no retries", async () => {
  expect((await failing(0, 0)()).requests).toHaveLength(1);
});

requirement(["exec.retries.request-default", "exec.errors.5xx-budget"], "four silent retries by default", async () => {
  const played = await inner();
  expect(played.requests).toHaveLength(5);
  expect(played.events.filter(({ type }) => type === "error")).toHaveLength(1);
});

requirement(["exec.retries.backoff"], "waits double", async () => {
  const waits = gaps(await inner());
  expect(waits).toHaveLength(4);
  for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThan(200 * 2 ** index * 0.9 - 5);
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  // Waits twice as long would be six seconds.
  expect(total).toBeLessThan(6_000);
});

requirement(["exec.retries.backoff-restarts"], "the inner waits start again", async () => {
  const waits = gaps(await failing(2, 1)());
  expect(waits).toHaveLength(5);
  // 200, 400, then the outer loop's 200, then again 200, 400.
  // Going on from there would be 800 at least.
  expect(waits[3] ?? Number.NaN).toBeLessThan(800 * 0.9);
});
