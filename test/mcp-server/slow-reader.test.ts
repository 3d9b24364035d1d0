import { expect, test } from "bun:test";
import { Peer } from "#mcp-server/peer.ts";
import { readRollout, useStage, type World } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();
const NEVER = new AbortController().signal;

test("a client that is far behind goes without deltas, and without nothing else", () => {
  const lines: string[] = [];
  const sink = { backlog: 0, write: (line: string) => void lines.push(line) };
  const peer = new Peer(sink);
  peer.notifyIfHeard("codex/event", { n: 1 });
  sink.backlog = 17 << 20;
  peer.notifyIfHeard("codex/event", { n: 2 });
  peer.notify("codex/event", { n: 3 });
  expect(lines.map((line) => JSON.parse(line).params.n)).toEqual([1, 3]);
});

test("nothing is asked of a client that is gone, and what was asked is withdrawn", async () => {
  const lines: string[] = [];
  const peer = new Peer({ backlog: 0, write: (line) => void lines.push(line) });
  const open = peer.request("elicitation/create", {}, { signal: NEVER });
  peer.gone();
  expect(await open).toEqual({ type: "withdrawn" });
  expect(await peer.request("elicitation/create", {}, { signal: NEVER })).toEqual({ type: "withdrawn" });
  expect(lines).toHaveLength(1);
});

/** Turns that are over, by what was stored. */
function ended(world: World): number {
  const lines = world.rolloutPaths().flatMap((path) => readRollout(path));
  return lines.filter(({ payload }) => payload.type === "task_complete").length;
}

test("a client that does not read holds up nothing, and gets whole lines when it does", async () => {
  const piece = "words ".repeat(200);
  const deltas = Array.from({ length: 20_000 }, () => piece);
  const long = assistantText("the end", { deltas });
  const world = await stage.world({ responses: [answer(long), answer(assistantText("second"))] });
  const child = Bun.spawn([cliBinary(), "mcp-server"], {
    cwd: world.cwd,
    env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "k", SHELL: "/bin/bash" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  for (const id of [1, 2]) {
    const params = { name: "codex", arguments: { prompt: `go ${id}` } };
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params })}\n`);
    child.stdin.flush();
    // Nobody has read a byte: both turns end all the same.
    while (ended(world) < id) await Bun.sleep(20);
  }
  child.stdin.write('{"jsonrpc":"2.0","id":3,"method":"ping"}\n');
  child.stdin.flush();
  const messages: { id?: number; result?: { content?: { text: string }[] } }[] = [];
  let rest = "";
  const answers = () => messages.filter(({ id }) => id !== undefined).length;
  for await (const chunk of child.stdout) {
    const lines = (rest + Buffer.from(chunk).toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) messages.push(JSON.parse(line));
    if (answers() === 3) child.stdin.end();
  }
  expect(await child.exited).toBe(0);
  const texts = new Map(messages.map(({ id, result }) => [id, result?.content?.[0]?.text]));
  expect([texts.get(1), texts.get(2)].sort()).toEqual(["second", "the end"]);
}, 60_000);
