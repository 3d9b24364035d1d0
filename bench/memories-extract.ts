import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { findSecrets } from "#lib/redact.ts";
import { median, type Row, temporaryFolder } from "./measure.ts";
import type { ExtractResult } from "./memories-extract-process.ts";

const MB = 1_000_000;

/** One child: what it did, and its processor time over all threads in seconds. */
interface Extracted extends ExtractResult {
  cpuSeconds: number;
}

/**
 * Built-in extraction with evidence hashes and redaction of what is kept, over one large session. The speed is by
 * processor time, compiler and collector threads included, so that other work on the machine does not count.
 */
export async function extractionRow(rounds: number): Promise<Row> {
  const folder = temporaryFolder("extract");
  try {
    const path = join(folder.path, "rollout.jsonl");
    writeRollout(path, 1000 * MB, 0);
    const floors: number[] = [];
    const runs: Extracted[] = [];
    for (let round = 0; round < rounds; round++) {
      floors.push(speedOf(await child("read", path)));
      runs.push(await child("extract", path));
    }
    const speed = median(runs.map(speedOf));
    const wall = Math.max(...runs.map(({ bytes, ms }) => bytes / 1000 / ms));
    return {
      what: "built-in extraction, 1 GB rollout",
      measured: `${speed.toFixed(0)} MB/s of processor time (${wall.toFixed(0)} by the clock), reading alone ${median(floors).toFixed(0)}; ${runs[0]?.statements} statements`,
      target: "≥ 250 MB/s",
      reached: speed >= 250,
    };
  } finally {
    folder.remove();
  }
}

/** Memory over a session of 2 GB that holds one line of 100 MB. */
export async function extractionMemoryRow(): Promise<Row> {
  const folder = temporaryFolder("extract-memory");
  try {
    const path = join(folder.path, "rollout.jsonl");
    writeRollout(path, 2000 * MB, 100 * MB);
    const one = await child("extract", path);
    return {
      what: "peak memory, 2 GB rollout with a 100 MB line",
      measured: `${one.peakMiB.toFixed(0)} MiB, ${speedOf(one).toFixed(0)} MB/s of processor time`,
      target: "≤ 160 MiB",
      reached: one.peakMiB <= 160,
    };
  } finally {
    folder.remove();
  }
}

/** Redaction with the full rule set, on messages and on long texts. */
export async function redactionRow(): Promise<Row> {
  const text = Array.from({ length: 6000 }, (_, number) => sampleText(number))
    .join("\n")
    .slice(0, MB);
  // Texts as they are when they come from a file: in one piece.
  const whole = Buffer.from(text).toString("utf8");
  const messages = Array.from({ length: Math.ceil(text.length / 16_384) }, (_, index) =>
    Buffer.from(text.slice(index * 16_384, (index + 1) * 16_384)).toString("utf8"),
  );
  const long = redactionSpeed([whole], 30);
  const short = redactionSpeed(messages, 30);
  return {
    what: "redaction, full rule set",
    measured: `${short.toFixed(0)} MB/s on 16 KB messages, ${long.toFixed(0)} MB/s on 1 MB`,
    target: "≥ 50 and ≥ 100 MB/s",
    reached: short >= 50 && long >= 100,
  };
}

function redactionSpeed(texts: readonly string[], rounds: number): number {
  const size = texts.reduce((sum, one) => sum + one.length, 0);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    for (const one of texts) findSecrets(one);
    times.push(performance.now() - started);
  }
  return size / 1000 / median(times.slice(3));
}

async function child(mode: "extract" | "read", path: string): Promise<Extracted> {
  const script = join(import.meta.dir, "memories-extract-process.ts");
  const running = Bun.spawn([process.execPath, script, mode, path], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await running.stdout.text();
  if ((await running.exited) !== 0) throw new Error(`the ${mode} of ${path} failed`);
  const cpuSeconds = Number(running.resourceUsage()?.cpuTime.total ?? 0) / 1_000_000;
  return { ...(JSON.parse(text) as ExtractResult), cpuSeconds };
}

/** Megabytes in a second of processor time. */
function speedOf({ bytes, cpuSeconds }: Extracted): number {
  return bytes / MB / cpuSeconds;
}

const AT = "2026-11-01T10:00:00.000Z";

function line(type: string, payload: Record<string, unknown>): string {
  return JSON.stringify({ timestamp: AT, type, payload });
}

/** A turn as sessions have them: a wish now and then, commands with outputs, an edit, and what is never kept. */
function turn(number: number): string[] {
  const [run, edit, rerun] = [`run_${number}`, `edit_${number}`, `rerun_${number}`];
  const call = (id: string) =>
    line("response_item", {
      type: "function_call",
      name: "exec_command",
      arguments: JSON.stringify({ cmd: `make check-${number % 500}` }),
      call_id: id,
    });
  const output = (id: string, code: number, text: string) =>
    line("response_item", {
      type: "function_call_output",
      call_id: id,
      output: `Chunk ID: 0a1b2c\nWall time: 1.2 seconds\nProcess exited with code ${code}\nOutput:\n${text}`,
    });
  const asked = number % 40 === 0 ? `Always keep module ${number} free of globals.` : `Go on with module ${number}.`;
  const usage = { input_tokens: 5000 + number, cached_input_tokens: 4000, output_tokens: 200, total_tokens: 5200 };
  return [
    line("turn_context", {
      turn_id: `turn_${number}`,
      cwd: "/home/ada/app",
      model: "gpt-5.2-codex",
      user_instructions: "x".repeat(3000),
    }),
    line("response_item", { type: "message", role: "user", content: [{ type: "input_text", text: asked }] }),
    line("event_msg", { type: "user_message", message: asked, images: [] }),
    line("response_item", { type: "reasoning", summary: [], encrypted_content: "A".repeat(6000) }),
    line("event_msg", { type: "token_count", info: { total_token_usage: usage, last_token_usage: usage } }),
    call(run),
    output(
      run,
      number % 3 === 0 ? 2 : 0,
      `${sampleText(number).repeat(6)}\nsrc/m${number}.c:7:3: error: no member '${number}'`,
    ),
    line("response_item", {
      type: "custom_tool_call",
      name: "apply_patch",
      call_id: edit,
      input: `*** Begin Patch\n*** Update File: src/m${number % 300}.c\n@@\n-old\n+new\n*** End Patch\n`,
    }),
    line("response_item", {
      type: "custom_tool_call_output",
      call_id: edit,
      output: '{"output":"Success.","metadata":{"exit_code":0}}',
    }),
    call(rerun),
    output(rerun, 0, sampleText(number + 1).repeat(3)),
    line("event_msg", { type: "agent_message", message: sampleText(number) }),
    line("response_item", {
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: sampleText(number) }],
    }),
  ];
}

function sampleText(seed: number): string {
  return [
    `[${seed}] cc -std=c99 -Wall -Wextra -Werror -c src/valve_${seed}.c -o build/valve_${seed}.o`,
    `    const token = tokens[${seed}]; // see docs/passwords.md, index ${seed * 7919}`,
    `commit ${(seed * 2_654_435_761).toString(16).padStart(40, "a")} merged into main by ada`,
    `{"level":"info","msg":"request served","path":"/v1/items/${seed}","ms":${seed % 97},"key":"item-${seed}"}`,
    "The quick brown fox jumps over the lazy dog while the build goes on and nothing of note happens here.",
  ].join("\n");
}

/** Writes a session of about `bytes` bytes quickly; `longLine` > 0 puts a line of that size in its middle. */
function writeRollout(path: string, bytes: number, longLine: number): void {
  const head = line("session_meta", {
    id: "019a0000-0000-7000-8000-000000000001",
    timestamp: AT,
    cwd: "/home/ada/app",
    source: "cli",
    model_provider: "mock",
  });
  const turns = Array.from({ length: 600 }, (_, number) => turn(number)).flat();
  const block = Buffer.from(`${turns.join("\n")}\n`);
  const fd = openSync(path, "w");
  let written = writeSync(fd, `${head}\n`);
  let long = longLine;
  while (written < bytes) {
    written += writeSync(fd, block);
    if (long === 0 || written < bytes / 2) continue;
    written += writeSync(fd, line("response_item", { type: "message", role: "user", content: "w".repeat(long) }));
    written += writeSync(fd, "\n");
    long = 0;
  }
  closeSync(fd);
}
