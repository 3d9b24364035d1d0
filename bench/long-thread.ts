import { join } from "node:path";
import type { Row } from "./measure.ts";

/** Memory of one thread over many turns; run in a process of its own so that nothing else counts. */
export async function longThreadRow(): Promise<Row> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "long-thread-process.ts")], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the long thread failed");
  const { after50, after200, historyBytes } = JSON.parse(text) as {
    after50: number;
    after200: number;
    historyBytes: number;
  };
  const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  return {
    what: "memory over 200 turns in one thread",
    measured: `${mib(after50)} after 50, ${mib(after200)} after 200, history ${mib(historyBytes)}`,
    target: "RSS(200) ≤ RSS(50) + 2 × history",
    reached: after200 <= after50 + 2 * historyBytes,
  };
}
