import { raceAbort } from "#lib/abort.ts";
import { messageOf } from "#lib/errors.ts";
import type { HookHandler } from "./config.ts";
import type { HookRun } from "./run-hook.ts";

/**
 * Calls a tool of a configured MCP server, which is started if need be. Throws when there is no such server or the
 * call fails, and the signal's reason when aborted.
 */
export type CallMcpTool = (
  call: { server: string; tool: string; input: Readonly<Record<string, unknown>> },
  signal: AbortSignal,
) => Promise<{ text: string; isError: boolean }>;

/**
 * Runs a hook that is a tool of an MCP server; the text it answers is read as a command's standard output is. `input`
 * is the hook's input, of which the arguments may name values. Rejects with the signal's reason when aborted.
 */
export async function runMcpHook(
  handler: Extract<HookHandler, { type: "mcp_tool" }>,
  input: Readonly<Record<string, unknown>>,
  options: { call: CallMcpTool; timeoutMs: number },
  signal: AbortSignal,
): Promise<HookRun> {
  signal.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), options.timeoutMs);
  const either = AbortSignal.any([signal, late.signal]);
  try {
    const { server, tool } = handler;
    const call = { server, tool, input: filled(handler.input, input) as Record<string, unknown> };
    const { text, isError } = await raceAbort(options.call(call, either), either);
    if (isError) return { type: "broken", reason: `answered with an error: ${text.slice(0, SHOWN_ERROR_CHARS)}` };
    return { type: "exited", code: 0, stdout: text, stderr: "" };
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) return { type: "broken", reason: `ran longer than ${options.timeoutMs / 1000} s` };
    return { type: "broken", reason: `could not be called: ${messageOf(error)}` };
  } finally {
    clearTimeout(timer);
  }
}

const SHOWN_ERROR_CHARS = 2000;

/** `${a.b}` is the value of `b` in `a`; where it is the whole text, it keeps its type. */
const PLACEHOLDER = /\$\{([^{}]+)\}/g;

/** The arguments with values of the hook's input in place of their names. Throws for a name the input does not have. */
function filled(template: unknown, input: Readonly<Record<string, unknown>>): unknown {
  if (typeof template === "string") return filledText(template, input);
  if (Array.isArray(template)) return template.map((item) => filled(item, input));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filled(value, input)]));
}

function filledText(text: string, input: Readonly<Record<string, unknown>>): unknown {
  const whole = /^\$\{([^{}]+)\}$/.exec(text)?.[1];
  if (whole !== undefined) return valueAt(whole, input);
  return text.replaceAll(PLACEHOLDER, (_, path: string) => {
    const value = valueAt(path, input);
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}

function valueAt(path: string, input: Readonly<Record<string, unknown>>): unknown {
  let value: unknown = input;
  for (const key of path.split(".")) {
    const isKnown = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    if (!isKnown) throw new Error(`its input names \${${path}}, which this event does not have`);
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
