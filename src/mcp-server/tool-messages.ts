import type { Event } from "#protocol/events.ts";
import type { ResponseItem } from "#protocol/items.ts";
import { commandPurposes } from "#runtime/parsed-command.ts";
import { changesByPath, duration, type EventMsg, mcpResult } from "./event-msg.ts";

type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

/** What commands, patches and MCP tools do. */
export type ToolEvent = EventOf<
  | "command_started"
  | "command_output"
  | "command_input"
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

/** What is told again of a command when it ends, be it in a later turn. */
interface Running {
  turnId: string;
  isInteractive: boolean;
  processId: number | undefined;
}

/** The messages about tools of one session, with what they say that is not in the event itself. */
export class ToolMessages {
  #turnId = "";
  readonly #toolOf = new Map<string, string>();
  readonly #running = new Map<string, Running>();
  readonly #serverFailures = new Map<string, string>();

  beginTurn(turnId: string): void {
    this.#turnId = turnId;
    this.#toolOf.clear();
  }

  /** The turn in which a command was started that still runs. */
  turnOfCommand(callId: string): string | undefined {
    return this.#running.get(callId)?.turnId;
  }

  /** Notes which tool a call is of, before it runs. */
  noteItem(item: ResponseItem): void {
    if (item.type === "function_call" || item.type === "custom_tool_call") this.#toolOf.set(item.call_id, item.name);
  }

  message(event: ToolEvent): EventMsg {
    switch (event.type) {
      case "command_started":
        return this.#commandBegin(event);
      case "command_output": {
        const chunk = Buffer.from(event.chunk).toString("base64");
        return { type: "exec_command_output_delta", call_id: event.callId, stream: "stdout", chunk };
      }
      case "command_input": {
        const ids = { call_id: event.callId, process_id: String(event.processId) };
        return { type: "terminal_interaction", ...ids, stdin: event.text };
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

  #commandBegin(event: EventOf<"command_started">): EventMsg {
    const { callId, processId } = event;
    const isInteractive = this.#toolOf.get(callId) === "exec_command";
    this.#running.set(callId, { turnId: this.#turnId, isInteractive, processId });
    return { type: "exec_command_begin", ...this.#commandFacts(event) };
  }

  #commandFacts({ callId, command, cwd }: EventOf<"command_started" | "command_finished">) {
    const { turnId, isInteractive, processId } = this.#running.get(callId) ?? {
      turnId: this.#turnId,
      isInteractive: false,
      processId: undefined,
    };
    // Only those of exec_command can be written to by their number.
    const hasNumber = isInteractive && processId !== undefined;
    return {
      call_id: callId,
      ...(hasNumber ? { process_id: String(processId) } : {}),
      turn_id: turnId,
      command,
      cwd,
      parsed_cmd: commandPurposes(command),
      source: isInteractive ? "unified_exec_startup" : "agent",
    };
  }

  #commandEnd(event: EventOf<"command_finished">): EventMsg {
    const { callId, output, exitCode, durationMs } = event;
    const facts = this.#commandFacts(event);
    this.#running.delete(callId);
    return {
      type: "exec_command_end",
      ...facts,
      stdout: output,
      stderr: "",
      aggregated_output: output,
      // Ended with its turn or its session.
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
        const failed = event.failed.map((server) => ({
          server,
          error: startFailure(this.#serverFailures.get(server) ?? ""),
        }));
        return { type: "mcp_startup_complete", ready: event.ready, failed, cancelled: [] };
      }
    }
  }
}

function invocationFacts(event: EventOf<"mcp_tool_started" | "mcp_tool_finished">) {
  const { callId, server, tool } = event;
  return { call_id: callId, invocation: { server, tool, arguments: event.arguments } };
}

const NOT_STARTED = /^MCP client for `.*?` failed to start: MCP startup failed: /;
const TIMED_OUT = /^MCP client for `.*?` timed out after (\S+) seconds?\. /;

/** Why a server is not there, without what people are told besides. */
function startFailure(message: string): string {
  const seconds = TIMED_OUT.exec(message)?.[1];
  return seconds === undefined
    ? message.replace(NOT_STARTED, "")
    : `timed out handshaking with MCP server after ${seconds}s`;
}
