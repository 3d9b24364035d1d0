import type { Event } from "#protocol/events.ts";
import type { ResponseItem } from "#protocol/items.ts";
import { commandPurposes } from "#runtime/parsed-command.ts";
import { changesByPath, duration, type EventMsg, mcpResult } from "./event-msg.ts";

type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

/** What commands, patches and MCP tools do. */
export type ToolEvent = EventOf<
  | "command_started"
  | "command_output"
  | "command_finished"
  | "patch_started"
  | "patch_finished"
  | "mcp_server_starting"
  | "mcp_server_ready"
  | "mcp_server_failed"
  | "mcp_startup_complete"
  | "mcp_tool_started"
  | "mcp_tool_finished"
>;

/** The messages about tools of one session, with what they say that is not in the event itself. */
export class ToolMessages {
  #turnId = "";
  readonly #toolOf = new Map<string, string>();
  readonly #processOf = new Map<string, number>();
  readonly #serverFailures = new Map<string, string>();

  beginTurn(turnId: string): void {
    this.#turnId = turnId;
    this.#toolOf.clear();
    this.#processOf.clear();
  }

  /** Notes which tool a call is of, before it runs. */
  noteItem(item: ResponseItem): void {
    if (item.type === "function_call" || item.type === "custom_tool_call") this.#toolOf.set(item.call_id, item.name);
  }

  message(event: ToolEvent): EventMsg {
    switch (event.type) {
      case "command_started":
        if (event.processId !== undefined) this.#processOf.set(event.callId, event.processId);
        return { type: "exec_command_begin", ...this.#commandFacts(event) };
      case "command_output": {
        const chunk = Buffer.from(event.chunk).toString("base64");
        return { type: "exec_command_output_delta", call_id: event.callId, stream: "stdout", chunk };
      }
      case "command_finished":
        return this.#commandEnd(event);
      case "patch_started":
        return {
          type: "patch_apply_begin",
          call_id: event.callId,
          turn_id: this.#turnId,
          auto_approved: event.autoApproved,
          changes: changesByPath(event.changes),
        };
      case "patch_finished":
        return this.#patchEnd(event);
      case "mcp_tool_started":
        return { type: "mcp_tool_call_begin", ...invocationFacts(event) };
      case "mcp_tool_finished": {
        const result = mcpResult(event.result, event.error);
        return { type: "mcp_tool_call_end", ...invocationFacts(event), duration: duration(event.durationMs), result };
      }
      default:
        return this.#startUp(event);
    }
  }

  #commandFacts({ callId, command, cwd }: EventOf<"command_started" | "command_finished">) {
    // Only these can be written to by their number.
    const isInteractive = this.#toolOf.get(callId) === "exec_command";
    const process = isInteractive ? this.#processOf.get(callId) : undefined;
    return {
      call_id: callId,
      ...(process === undefined ? {} : { process_id: String(process) }),
      turn_id: this.#turnId,
      command,
      cwd,
      parsed_cmd: commandPurposes(command),
      source: isInteractive ? "unified_exec_startup" : "agent",
    };
  }

  #commandEnd(event: EventOf<"command_finished">): EventMsg {
    const { output, exitCode, durationMs } = event;
    return {
      type: "exec_command_end",
      ...this.#commandFacts(event),
      stdout: output,
      stderr: "",
      aggregated_output: output,
      // Still running, or ended with its turn.
      exit_code: exitCode ?? -1,
      duration: duration(durationMs),
      formatted_output: output,
    };
  }

  #patchEnd({ callId, success, output, changes }: EventOf<"patch_finished">): EventMsg {
    return {
      type: "patch_apply_end",
      call_id: callId,
      turn_id: this.#turnId,
      ...(success ? { stdout: output, stderr: "" } : { stdout: "", stderr: output }),
      success,
      changes: changesByPath(changes),
    };
  }

  #startUp(
    event: EventOf<"mcp_server_starting" | "mcp_server_ready" | "mcp_server_failed" | "mcp_startup_complete">,
  ): EventMsg {
    switch (event.type) {
      case "mcp_server_starting":
        return { type: "mcp_startup_update", server: event.server, status: { state: "starting" } };
      case "mcp_server_ready":
        return { type: "mcp_startup_update", server: event.server, status: { state: "ready" } };
      case "mcp_server_failed":
        this.#serverFailures.set(event.server, event.message);
        return { type: "mcp_startup_update", server: event.server, status: { state: "failed", error: event.message } };
      case "mcp_startup_complete": {
        const failed = event.failed.map((server) => ({ server, error: this.#serverFailures.get(server) ?? "" }));
        return { type: "mcp_startup_complete", ready: event.ready, failed, cancelled: [] };
      }
    }
  }
}

function invocationFacts(event: EventOf<"mcp_tool_started" | "mcp_tool_finished">) {
  const { callId, server, tool } = event;
  return { call_id: callId, invocation: { server, tool, arguments: event.arguments } };
}
