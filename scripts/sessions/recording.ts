/** What both rollout formats share: ids, the clock of a session and the texts its tools answer with. */
import { createHash } from "node:crypto";
import type { SessionSource, SessionStep } from "./parse.ts";

export type Json = Record<string, unknown>;

export type RunStep = Extract<SessionStep, { kind: "run" }>;

/** A UUID of version 7 that depends on nothing but `seed` and the time. */
export function stableUuid(seed: string, ms: number): string {
  const hash = createHash("sha256").update(seed).digest("hex");
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-a${hash.slice(3, 6)}-${hash.slice(6, 18)}`;
}

/** Ids are made for this moment wherever a session is shifted to: 2026-09-07T08:00:00Z. */
const ID_EPOCH_MS = Date.UTC(2026, 8, 7, 8);

/** Collects the lines of one rollout on a clock of its own. */
export class Recording {
  readonly session: SessionSource;
  readonly threadId: string;
  readonly startMs: number;
  readonly lines: Json[] = [];
  /** Numbers (from 1) of the lines whose text the user typed: response items only. */
  readonly userLines: number[] = [];
  turnId = "";
  #nowMs: number;
  #turns = 0;
  #calls = 0;

  constructor(session: SessionSource, startMs: number) {
    this.session = session;
    this.startMs = startMs;
    this.threadId = stableUuid(session.name, ID_EPOCH_MS);
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets time pass; every line that follows carries the later time. */
  wait(ms: number): void {
    this.#nowMs += ms;
  }

  add(type: string, payload: Json, more: Json = {}): void {
    this.lines.push({ timestamp: new Date(this.#nowMs).toISOString(), ...more, type, payload });
    this.#nowMs += 7;
  }

  event(payload: Json): void {
    this.add("event_msg", payload);
  }

  newTurn(): void {
    this.#turns++;
    this.turnId = stableUuid(`${this.session.name}/turn${this.#turns}`, ID_EPOCH_MS + this.#turns);
  }

  /** The id of the next tool call. */
  nextCall(): string {
    return `call_${++this.#calls}`;
  }
}

/** Some digits that look random and never change. */
function digits(seed: string, length: number): string {
  return createHash("md5").update(seed).digest("hex").slice(0, length);
}

/** What a finished exec_command or write_stdin tells the model. */
export function finishedText(seed: string, run: RunStep): string {
  const head = `Chunk ID: ${digits(seed, 6)}\nWall time: 1.2041 seconds\nProcess exited with code ${run.exitCode}\n`;
  return `${head}Original token count: ${Math.ceil(Buffer.byteLength(run.output) / 4)}\nOutput:\n${run.output}`;
}

/** The number of the process that a long command runs as. */
export function processNumber(seed: string): number {
  return 10_000 + (Number.parseInt(digits(seed, 6), 16) % 80_000);
}

/** What exec_command tells the model while the process goes on. */
export function runningText(seed: string): string {
  const head = `Chunk ID: ${digits(`${seed}/start`, 6)}\nWall time: 10.0007 seconds\n`;
  return `${head}Process running with session ID ${processNumber(seed)}\nOriginal token count: 0\nOutput:\n`;
}

/** The arguments of an exec_command call as JSON text. */
export function execArguments(run: RunStep): string {
  return JSON.stringify({ cmd: run.command, ...(run.workdir !== undefined && { workdir: run.workdir }) });
}

/** What apply_patch prints: the files of the patch, or why it could not be applied. */
export function patchOutput(patch: string, ok: boolean, cwd: string): string {
  const files = [...patch.matchAll(/^\*\*\* (Add|Update|Delete) File: (.*)$/gm)];
  if (!ok) {
    return `apply_patch verification failed: Failed to find expected lines in ${cwd}/${files[0]?.[2] ?? "?"}:\n…\n`;
  }
  const marks = files.map(([, what, path]) => `${what === "Add" ? "A" : what === "Delete" ? "D" : "M"} ${path}\n`);
  return `Success. Updated the following files:\n${marks.join("")}`;
}

/** The AGENTS.md block as the session's first user message shows it. */
export function agentsText(session: SessionSource): string {
  return `# AGENTS.md instructions for ${session.cwd}\n\n<INSTRUCTIONS>\n${session.agents ?? ""}\n</INSTRUCTIONS>`;
}

/** The git facts of a session_meta line; nothing outside a repository. */
export function gitMeta(session: SessionSource): Json {
  if (session.branch === undefined) return {};
  const commit = createHash("sha1").update(session.cwd).digest("hex");
  const url = session.remote === undefined ? {} : { repository_url: session.remote };
  return { git: { commit_hash: commit, branch: session.branch, ...url } };
}

/** Token counts that grow with the session. */
export function usage(session: Recording): Json {
  const input = 5200 + session.lines.length * 180;
  return {
    input_tokens: input,
    cached_input_tokens: 4096,
    output_tokens: 240,
    reasoning_output_tokens: 64,
    total_tokens: input + 240,
  };
}

/** A response item's text message. */
export function message(role: "user" | "assistant" | "developer", ...texts: string[]): Json {
  const type = role === "assistant" ? "output_text" : "input_text";
  return { type: "message", role, content: texts.map((text) => ({ type, text })) };
}
