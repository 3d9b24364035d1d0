import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { shortened } from "#lib/truncate.ts";
import { McpRequestError } from "./connection.ts";
import { publicAddress } from "./public-address.ts";
import { McpStartupError, McpStartupTimeout } from "./startup-error.ts";

/** A text of the server without what it was sent in secret. */
export type Hide = (text: string) => string;

/** Why a server cannot be used. `said` is the last its program wrote to standard error. */
export function startupError(
  error: unknown,
  settings: McpServerSettings,
  { said, hide }: { said: string; hide: Hide },
): McpStartupError {
  if (error instanceof McpStartupError) return error;
  if (error instanceof CodexError) return new McpStartupError(error.message);
  if (error instanceof McpError && error.code === ErrorCode.RequestTimeout) {
    return new McpStartupTimeout(settings.startupTimeoutMs);
  }
  const suffix = said === "" ? "" : `; it wrote: ${said.slice(-500)}`;
  const target = settings.transport.type === "http" ? `cannot reach ${publicAddress(settings.transport.url)}: ` : "";
  return new McpStartupError(`${error instanceof McpError ? "" : target}${handshakeFailure(error, hide)}${suffix}`);
}

function handshakeFailure(error: unknown, hide: Hide): string {
  if (isClosedConnection(error) || errnoOf(error) === "EPIPE") {
    // A server that ended is noticed by its closed output or, when it was quicker, by our write to its input.
    return "handshaking with MCP server failed: connection closed: initialize response";
  }
  return error instanceof McpError
    ? `handshaking with MCP server failed: ${rpcErrorText(error, hide)}`
    : faultText(error, hide);
}

/** A server may also answer with this code, and then it has words of its own. */
function isClosedConnection(error: unknown): boolean {
  return (
    error instanceof McpError &&
    error.code === ErrorCode.ConnectionClosed &&
    error.message.endsWith(": Connection closed")
  );
}

/** No answer within the limit. */
export function timeoutError(method: string, timeoutMs: number): McpRequestError {
  const elapsed = `timed out awaiting ${method} after ${rustDuration(timeoutMs)}`;
  return new McpRequestError([elapsed, "deadline has elapsed"]);
}

/** Why a request had no result, in the words of Codex CLI. */
export function requestError(error: unknown, method: string, hide: Hide): McpRequestError {
  if (!(error instanceof McpError)) return new McpRequestError([faultText(error, hide)]);
  if (isClosedConnection(error)) return new McpRequestError([`${method} failed: Transport closed`]);
  return new McpRequestError([`${method} failed: ${rpcErrorText(error, hide)}`], error.code);
}

/** Longest part of a page or a fault that says what is wrong. */
const FAULT_CHARS = 2_000;

/** Why there is no answer at all. Servers answer with whole pages, and the SDK with every word it did not expect. */
export function faultText(error: unknown, hide: Hide): string {
  const isShape = error instanceof Error && "issues" in error && Array.isArray(error.issues);
  const text = isShape
    ? "the server's answer is not one of MCP"
    : hide(osErrorText(error).replace(/ For more information, pass `verbose.*$/s, ""));
  return shortened(text, FAULT_CHARS);
}

/** `Mcp error: -32000: boom happened` */
function rpcErrorText(error: McpError, hide: Hide): string {
  const words = error.message.replace(/^MCP error -?\d+: /, "");
  const data = error.data === undefined ? "" : `(${JSON.stringify(error.data)})`;
  return `Mcp error: ${error.code}: ${hide(words + data)}`;
}

/** A duration as Rust prints it: `2s`, `1.5s`, `300ms`. */
function rustDuration(ms: number): string {
  return ms >= 1000 ? `${ms / 1000}s` : `${ms}ms`;
}
