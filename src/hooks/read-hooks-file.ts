import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { readUpTo } from "#lib/read-descriptor.ts";

/** As much as a config.toml may have; no real one comes near. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The text of a hooks.json. Throws a CodexError for what a checkout may put there instead of one: a folder, a pipe or
 * device, which would be read for ever, a file without an end, bytes that are not UTF-8.
 */
export function readHooksFile(file: string): string {
  let descriptor: number;
  try {
    // Opening a pipe would wait for its writer.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw unusableHooks(`"${file}"`, osErrorText(error));
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readBytes(descriptor, file));
  } catch (error) {
    if (error instanceof CodexError) throw error;
    const isText = error instanceof TypeError;
    throw unusableHooks(`"${file}"`, isText ? "it is not UTF-8; save it as UTF-8" : osErrorText(error));
  } finally {
    closeSync(descriptor);
  }
}

function readBytes(descriptor: number, file: string): Uint8Array {
  const stats = fstatSync(descriptor);
  if (stats.isDirectory()) throw unusableHooks(`"${file}"`, "it is a folder, expected a file");
  if (!stats.isFile()) throw unusableHooks(`"${file}"`, "it is a pipe or device, expected a file");
  if (stats.size > MAX_BYTES) {
    throw unusableHooks(`"${file}"`, `it has ${stats.size} bytes, the limit is ${MAX_BYTES}`);
  }
  return readUpTo(descriptor, stats.size);
}

/** A file or setting of hooks that cannot be used; `place` names it, with quotes where it is a path. */
export function unusableHooks(place: string, problem: string): CodexError {
  return new CodexError("invalid_hooks", `Cannot use the hooks of ${place}: ${problem}`);
}
