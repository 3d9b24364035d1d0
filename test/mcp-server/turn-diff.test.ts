import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../compat/mcp-server-stage.ts";
import { git, useStage } from "../compat/stage.ts";
import { FREE } from "../support/mcp-client.ts";
import { answer, assistantText, customToolCall, functionCall, type ScriptedResponse } from "../support/model-script.ts";

const stage = useStage();

type Step = string | { cmd: string };

interface Recorded {
  name: string;
  rounds: Step[][];
  diffs: string[];
  ours?: string[];
}

const corpus = readFileSync(join(import.meta.dir, "../corpora/turn-diff/codex-0.101.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

const FILES: Record<string, string | Buffer> = {
  "a.txt": "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n",
  "b.txt": "b1\nb2\n",
  "nonl.txt": "x\ny",
  "crlf.txt": "x\r\ny\r\nz\r\n",
  "run.sh": "#!/bin/sh\necho a\n",
  "bin.dat": Buffer.from([0, 1, 2, 255, 10, 0]),
  "empty.txt": "",
  "sp ace.txt": "s\n",
  "ünï.txt": "u\n",
  'quo"te.txt': "q\n",
  "tab\there.txt": "t\n",
  "latin.txt": Buffer.from([0x61, 0xe9, 10]),
  "long.txt": Array.from({ length: 60 }, (_, n) => `line ${n + 1}\n`).join(""),
};

function makeFiles(folder: string): void {
  mkdirSync(join(folder, "dir"), { recursive: true });
  mkdirSync(join(folder, ".git"));
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content, { mode: 0o644 });
  chmodSync(join(folder, "run.sh"), 0o755);
  symlinkSync("a.txt", join(folder, "link.txt"));
}

function asked(round: readonly Step[], number: number): ScriptedResponse {
  const calls = round.map((step, index) => {
    const id = `call_${number}_${index}`;
    if (typeof step !== "string") return functionCall("exec_command", { cmd: step.cmd }, id);
    return customToolCall("apply_patch", `*** Begin Patch\n${step}\n*** End Patch`, id);
  });
  return answer(...calls);
}

const done = answer(assistantText("done"));

test("turns tell of what their patches changed as they do in Codex CLI 0.101", async () => {
  const script = corpus.flatMap(({ rounds }) => [...rounds.map(asked), done]);
  await using at = await connect(stage, { responses: script });
  const { client, world } = at;
  const told: { name: string; diffs: unknown[] }[] = [];
  for (const { name } of corpus) {
    const before = client.msgs("turn_diff").length;
    makeFiles(join(world.cwd, name));
    await client.call("codex", { ...FREE, cwd: name });
    const diffs = client.msgs("turn_diff").slice(before);
    told.push({ name, diffs: diffs.map(({ unified_diff }) => unified_diff) });
  }
  expect(told).toEqual(corpus.map(({ name, diffs, ours }) => ({ name, diffs: ours ?? diffs })));
}, 60_000);

test("git understands the diff, and it leads from the old files to the new ones", async () => {
  const changes = [
    "*** Add File: n/new.txt\n+new",
    "*** Update File: nonl.txt\n@@\n x\n-y\n+Y",
    "*** Update File: long.txt\n@@\n-line 3\n+LINE 3\n@@\n line 40\n+line 40 and a half",
    "*** Delete File: b.txt",
    "*** Delete File: run.sh",
  ].join("\n");
  await using at = await connect(stage, { responses: [asked([changes], 1), done] });
  const { client, world } = at;
  const [here, there] = [join(world.cwd, "here"), join(world.cwd, "there")];
  for (const folder of [here, there]) makeFiles(folder);
  await client.call("codex", { ...FREE, cwd: "here" });
  writeFileSync(join(world.cwd, "turn.diff"), String(client.msgs("turn_diff").at(-1)?.unified_diff));
  git(world.cwd, "apply", "--unsafe-paths", "--directory=there", "turn.diff");
  expect(Bun.spawnSync(["diff", "-r", here, there]).stdout.toString()).toBe("");
});

test("without a repository paths are whole, and a reply begins anew", async () => {
  const add = (name: string) => asked([`*** Add File: ${name}\n+x`], 1);
  await using at = await connect(stage, { responses: [add("one"), done, add("two"), done] });
  const { client, world } = at;
  const first = await client.call("codex", { ...FREE, cwd: world.home });
  await client.call("codex-reply", { threadId: first.structuredContent?.threadId, prompt: "again" });
  const heads = client.msgs("turn_diff").map(({ unified_diff }) => String(unified_diff).split("\n", 1)[0]);
  const head = (name: string) => `diff --git a/${world.home}/${name} b/${world.home}/${name}`;
  expect(heads).toEqual(["one", "one", "one", "two", "two", "two"].map(head));
});
