import { commandsRow, helloRow, slowProfileRow, versionRow } from "./headless.ts";
import { hookRow } from "./hooks.ts";
import { longThreadRow } from "./long-thread.ts";
import { mcpCallRow, mcpStartRow } from "./mcp.ts";
import { mcpServerHelloRow, mcpServerSessionsRow } from "./mcp-server.ts";
import { printRows, type Row } from "./measure.ts";
import { extractionMemoryRow, extractionRow, redactionRow } from "./memories-extract.ts";
import { allChangedRow, someChangedRow, unchangedRow } from "./memories-render.ts";
import { memoryStartRow } from "./memory-start.ts";
import { proxyLatencyRow, proxyThroughputRow } from "./network-proxy.ts";
import { rulesRow } from "./rules.ts";
import { backfillRow, claimRow, nothingDueRow } from "./state.ts";
import { streamRow } from "./stream.ts";

/**
 * Every benchmark, one table row each: `npm run bench`, or `npm run bench -- hello stream` for some. A figure
 * over its target is marked, never an error: machines differ, ratios against a floor of the same run less so.
 */
const BENCHES: Readonly<Record<string, () => Promise<Row>>> = {
  version: () => versionRow(20),
  hello: () => helloRow(15),
  commands: () => commandsRow(7),
  profile: () => slowProfileRow(5),
  stream: () => streamRow(7),
  thread: () => longThreadRow(),
  claim: () => claimRow(200),
  due: () => nothingDueRow(1000),
  backfill: () => backfillRow(),
  "render-unchanged": () => unchangedRow(9),
  "render-some": () => someChangedRow(9),
  "render-all": () => allChangedRow(5),
  redaction: () => redactionRow(),
  extraction: () => extractionRow(3),
  "extraction-memory": () => extractionMemoryRow(),
  "memory-start": () => memoryStartRow(25),
  "mcp-start": () => mcpStartRow(60),
  "mcp-call": () => mcpCallRow(300),
  "mcp-server-hello": () => mcpServerHelloRow(15),
  "mcp-server-sessions": () => mcpServerSessionsRow(),
  hook: () => hookRow(100),
  "proxy-latency": () => proxyLatencyRow(100),
  "proxy-throughput": () => proxyThroughputRow(5),
  rules: () => rulesRow(200),
};

const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : Object.keys(BENCHES);
console.log("| what | measured | target | reached |\n|---|---|---|---|");
for (const name of names) {
  const bench = BENCHES[name];
  if (bench === undefined) throw new Error(`no bench "${name}"; there are: ${Object.keys(BENCHES).join(", ")}`);
  printRows([await bench()]);
}
