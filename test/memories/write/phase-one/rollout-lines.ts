import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type FilteredItem,
  type FilterOptions,
  filterRollout,
  type RolloutFacts,
  type RolloutMark,
} from "#memories/write/phase-one/filter-rollout.ts";

type Json = Record<string, unknown>;

export const THREAD = "019a0000-0000-7000-8000-000000000001";
export const STARTED = "2026-11-01T10:00:00.000Z";

/** One line of a rollout as 0.101 writes it. */
export function line(type: string, payload: Json, timestamp = STARTED): string {
  return JSON.stringify({ timestamp, type, payload });
}

/** The same as 0.169 writes it. */
export function numbered(ordinal: number, type: string, payload: Json, timestamp = STARTED): string {
  return JSON.stringify({ timestamp, ordinal, type, payload });
}

export function meta(fields: Json = {}, timestamp = STARTED): string {
  const base = { id: THREAD, timestamp, cwd: "/home/ada/app", source: "cli", model_provider: "mock" };
  return line("session_meta", { ...base, ...fields }, timestamp);
}

export function said(role: string, text: string, timestamp = STARTED): string {
  const type = role === "assistant" ? "output_text" : "input_text";
  return line("response_item", { type: "message", role, content: [{ type, text }] }, timestamp);
}

export function typed(text: string, timestamp = STARTED): string {
  return line("event_msg", { type: "user_message", message: text, images: [] }, timestamp);
}

export function called(callId: string, cmd: string, workdir?: string): string {
  const args = JSON.stringify({ cmd, ...(workdir !== undefined && { workdir }) });
  return line("response_item", { type: "function_call", name: "exec_command", arguments: args, call_id: callId });
}

export function answered(callId: string, code: number, output: string): string {
  const text = `Chunk ID: abc123\nWall time: 0.1 seconds\nProcess exited with code ${code}\nOutput:\n${output}`;
  return line("response_item", { type: "function_call_output", call_id: callId, output: text });
}

export function patched(callId: string, patch: string, ok = true): string[] {
  const output = ok
    ? JSON.stringify({ output: "Success. Updated the following files:\nM a.ts\n", metadata: { exit_code: 0 } })
    : "apply_patch verification failed: Failed to find expected lines in a.ts";
  return [
    line("response_item", { type: "custom_tool_call", name: "apply_patch", call_id: callId, input: patch }),
    line("response_item", { type: "custom_tool_call_output", call_id: callId, output }),
  ];
}

/** A folder for rollouts. */
export class RolloutFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "codex-phase-one-"));
  #files = 0;

  write(content: string | Uint8Array | readonly string[]): string {
    const path = join(this.path, `rollout-${++this.#files}.jsonl`);
    writeFileSync(path, Array.isArray(content) ? `${content.join("\n")}\n` : (content as string | Uint8Array));
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface Filtered {
  items: FilteredItem[];
  marks: RolloutMark[];
  facts: RolloutFacts;
  /** Texts of the items, with their kind. */
  texts: string[];
}

export async function filtered(path: string, options: FilterOptions = {}): Promise<Filtered> {
  const items: FilteredItem[] = [];
  const marks: RolloutMark[] = [];
  const facts = await filterRollout(
    path,
    { item: (item) => items.push(decoded(item)), mark: (mark) => marks.push(mark) },
    options,
  );
  return { items, marks, facts, texts: items.map(({ content }) => textOf(content)) };
}

/** A copy that can be compared: an output's text is decoded while the line is at hand. */
function decoded(item: FilteredItem): FilteredItem {
  const { content } = item;
  if (content.type !== "output") return { ...item, content: { ...content } };
  const whole = content.text();
  return { ...item, content: { type: "output", callId: content.callId, head: whole, text: textOfOutput } };
}

/** One function for all, so that equal items are equal. */
function textOfOutput(): string {
  return "";
}

function textOf(content: FilteredItem["content"]): string {
  switch (content.type) {
    case "user":
    case "assistant":
      return `${content.type}: ${content.text}`;
    case "call":
      return `call ${content.callId}: ${content.tool} ${content.input}`;
    case "output":
      return `output ${content.callId}: ${content.head}`;
    case "web_search":
      return `search: ${content.query}`;
  }
}
