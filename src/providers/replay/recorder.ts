import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { writeFully } from "#lib/atomic-file.ts";
import { isoTimestamp, monotonicMs } from "#lib/clock.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { sha256Hex } from "#lib/hash.ts";
import { parseJson } from "#lib/jsonl.ts";
import { VERSION } from "#lib/version.ts";
import { ABORTED } from "../errors.ts";
import type { ModelClient, ModelEvent, ModelFailure, ModelRequest, WireModelClient } from "../model-client.ts";
import { HEADER, isReadable, isRecording } from "./recording.ts";
import { toolName } from "./replay-client.ts";

/**
 * A client that does what `client` does and writes each answer to `file` once it has ended. An older
 * recording there is replaced; any other file is refused with a CodexError. When the file can no longer be
 * written, `warn` is told once and the recording stops; the answers go on.
 */
export function createRecorder(
  client: WireModelClient,
  file: string,
  options: { warn: (message: string) => void },
): ModelClient {
  return new RecordingClient(client, new RecordingFile(file, options.warn));
}

class RecordingClient implements ModelClient {
  readonly #client: WireModelClient;
  readonly #file: RecordingFile;
  #asked = 0;

  constructor(client: WireModelClient, file: RecordingFile) {
    this.#client = client;
    this.#file = file;
  }

  async *stream(
    request: ModelRequest,
    options: { signal: AbortSignal },
  ): AsyncGenerator<readonly ModelEvent[], void, undefined> {
    const summary = requestSummary(request, ++this.#asked);
    const began = monotonicMs();
    const events: [number, unknown][] = [];
    const tap = (data: string): void => {
      events.push([Math.round(monotonicMs() - began), parseJson(data) ?? data]);
    };
    let failure: ModelFailure | undefined = ABORTED;
    try {
      for await (const batch of this.#client.stream(request, { ...options, tap })) {
        const last = batch.at(-1);
        if (last?.type === "completed") failure = undefined;
        if (last?.type === "failed") failure = last.failure;
        yield batch;
      }
    } finally {
      this.#file.append({ request: summary, events, ...(failure === undefined ? {} : { failure }) });
    }
  }
}

/** What a person needs to see which request an answer belongs to. No prompt text, no headers. */
function requestSummary(request: ModelRequest, n: number): Record<string, unknown> {
  const { model, instructions, input, tools } = request;
  return {
    n,
    model: model.slug,
    subagent: request.subagent ?? null,
    tools: tools.specs.map(toolName),
    input_items: input.length,
    sha256: sha256Hex(JSON.stringify([model.slug, instructions, input, tools.specs])),
  };
}

class RecordingFile {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  #broken = false;

  constructor(path: string, warn: (message: string) => void) {
    this.#path = path;
    this.#warn = warn;
    const header = { ...HEADER, codex_version: VERSION, recorded_at: isoTimestamp() };
    try {
      refuseForeign(path);
      // Answers may quote private files, so the recording is for its owner.
      writeFileSync(path, `${JSON.stringify(header)}\n`, { mode: 0o600 });
    } catch (error) {
      if (error instanceof CodexError) throw error;
      throw new CodexError("record_unwritable", `Cannot record to "${path}": ${osErrorText(error)}`, { cause: error });
    }
  }

  append(exchange: Record<string, unknown>): void {
    if (this.#broken) return;
    try {
      const fd = openSync(this.#path, "a");
      try {
        writeFully(fd, Buffer.from(`${JSON.stringify(exchange)}\n`));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      this.#broken = true;
      this.#warn(`Recording to "${this.#path}" stopped: ${osErrorText(error)}`);
    }
  }
}

function refuseForeign(path: string): void {
  let text: string;
  try {
    if (!isReadable(path)) {
      throw new CodexError("record_foreign_file", `Cannot record to "${path}": it is not a regular file`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  if (text === "" || isRecording(text)) return;
  throw new CodexError(
    "record_foreign_file",
    `Cannot record to "${path}": the file exists and is not a recording. Give another name or remove it`,
  );
}
