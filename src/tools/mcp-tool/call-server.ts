import { monotonicMs } from "#lib/clock.ts";
import { isObject } from "#lib/jsonl.ts";
import { McpRequestError } from "#mcp/connection.ts";
import type { McpCaller } from "#mcp/server.ts";
import type { McpCallResult } from "#protocol/mcp.ts";
import { failure } from "../text-result.ts";
import type { ToolContext, ToolResult } from "../tool.ts";

/** What events tell of a call. */
export interface McpInvocation {
  callId: string;
  server: string;
  tool: string;
  arguments: unknown;
}

/**
 * Tells of a call's start and end around `run`, and turns its McpRequestErrors into an answer; anything else
 * it throws goes through.
 */
export async function announcedCall(
  invocation: McpInvocation,
  context: ToolContext,
  steps: {
    run: () => Promise<McpCallResult>;
    /** The words for a person. */
    describe: (error: McpRequestError) => string;
    /** The words for the model, made of those. */
    wrap?: (text: string) => string;
    answer: (result: McpCallResult) => ToolResult;
  },
): Promise<ToolResult> {
  const started = monotonicMs();
  context.emit({ type: "mcp_tool_started", ...invocation });
  const finish = (outcome: { result: McpCallResult | null; error: string | null }) =>
    context.emit({ type: "mcp_tool_finished", ...invocation, ...outcome, durationMs: monotonicMs() - started });
  try {
    const result = await steps.run();
    finish({ result, error: null });
    return steps.answer(result);
  } catch (error) {
    if (error instanceof McpCallRefused) {
      finish({ result: null, error: error.message });
      return failure(error.message);
    }
    if (!(error instanceof McpRequestError)) throw error;
    const text = steps.describe(error);
    finish({ result: null, error: text });
    return failure(steps.wrap?.(text) ?? text);
  }
}

/** How the context of a call answers and follows the server during it. */
export function callerOf(context: ToolContext, at: { callId: string; server: string }): McpCaller {
  const { person, signal } = context;
  return {
    signal,
    elicit: person && ((question, withdrawn) => person.elicit({ server: at.server, ...question }, withdrawn)),
    onProgress: (progress) => context.emit({ type: "mcp_tool_progress", callId: at.callId, ...progress }),
  };
}

/** A call that was not made: `message` goes to the person and to the model as it is. */
export class McpCallRefused extends Error {}

/** A chain of causes below what failed, numbered when there are several. */
export function withCauses(what: string, causes: readonly string[]): string {
  const lines = causes.length === 1 ? causes : causes.map((cause, index) => `${index}: ${cause}`);
  return `${what}\n\nCaused by:\n${lines.map((line) => `    ${line}`).join("\n")}`;
}

/** The answer to `tools/call`; what has no content is an answer without words. */
export function parseCallResult(raw: Readonly<Record<string, unknown>>): McpCallResult {
  return {
    content: Array.isArray(raw.content) ? raw.content.filter(isObject) : [],
    structuredContent: raw.structuredContent ?? null,
    isError: raw.isError === true,
  };
}
