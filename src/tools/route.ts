import { raceAbort } from "#lib/abort.ts";
import { monotonicMs } from "#lib/clock.ts";
import { SharedLock } from "#lib/semaphore.ts";
import type { TruncationPolicy } from "#lib/truncate.ts";
import type { ResponseItem, ToolOutputPayload } from "#protocol/items.ts";
import { log } from "#telemetry/log.ts";
import { limitToolOutput } from "./output-limit.ts";
import type { ToolRegistry } from "./registry.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "./tool.ts";
import { runWithHooks, type ToolHooks } from "./tool-hooks.ts";

/** The call an item asks for, or undefined for items that are no tool call. */
export function toolCallOf(item: ResponseItem): ToolCall | undefined {
  switch (item.type) {
    case "function_call":
      return { name: item.name, callId: item.call_id, payload: { kind: "function", argumentsJson: item.arguments } };
    case "custom_tool_call":
      return { name: item.name, callId: item.call_id, payload: { kind: "custom", input: item.input } };
    case "local_shell_call":
      return {
        name: "local_shell",
        callId: item.call_id ?? item.id ?? "",
        payload: {
          kind: "local_shell",
          command: item.action.command,
          workdir: item.action.working_directory ?? null,
          timeoutMs: item.action.timeout_ms ?? null,
        },
      };
    default:
      return undefined;
  }
}

/** The history items that answer a call: its output, cut to what the model may get, then whatever the tool adds. */
export function outputItems(call: ToolCall, result: ToolResult, policy: TruncationPolicy): ResponseItem[] {
  return [outputItem(call, limitToolOutput(result.output, policy)), ...(result.followUp ?? [])];
}

function outputItem(call: ToolCall, output: ToolOutputPayload): ResponseItem {
  const type = call.payload.kind === "custom" ? "custom_tool_call_output" : "function_call_output";
  return { type, call_id: call.callId, output };
}

/**
 * Runs the calls of one thread. Calls of tools that allow it overlap; any other call runs alone, in the
 * order the model made them.
 */
export class ToolRouter {
  readonly #registry: ToolRegistry;
  readonly #lock = new SharedLock();

  readonly #hooks: ToolHooks | undefined;

  constructor(registry: ToolRegistry, hooks?: ToolHooks) {
    this.#registry = registry;
    this.#hooks = hooks;
  }

  /** Never rejects for what a model can send; rejects with the signal's reason when aborted, and for bugs. */
  run(call: ToolCall, context: ToolContext): Promise<ToolResult> {
    const tool = this.#registry.find(call.name);
    const task = async () => {
      context.signal.throwIfAborted();
      const found = tool ?? (await this.#awaited(call.name, context.signal));
      return found === undefined ? { output: unknownTool(call), success: false } : this.#answer(found, call, context);
    };
    return tool?.parallel ? this.#lock.runShared(task) : this.#lock.runExclusive(task);
  }

  async #awaited(name: string, signal: AbortSignal): Promise<Tool | undefined> {
    const arriving = this.#registry.awaited?.(name);
    return arriving === undefined ? undefined : raceAbort(arriving, signal);
  }

  async #answer(tool: Tool, call: ToolCall, context: ToolContext): Promise<ToolResult> {
    const started = monotonicMs();
    log("tools", "debug", "call", { name: call.name, call_id: call.callId });
    const result = await (this.#hooks === undefined
      ? tool.run(call, context)
      : runWithHooks(tool, call, context, this.#hooks));
    log("tools", "debug", "answer", {
      name: call.name,
      call_id: call.callId,
      success: result.success,
      ms: Math.round(monotonicMs() - started),
    });
    return result;
  }
}

function unknownTool(call: ToolCall): string {
  return call.payload.kind === "custom"
    ? `unsupported custom tool call: ${call.name}`
    : `unsupported call: ${call.name}`;
}
