import type { ElicitationAnswer, ElicitationRequest } from "#protocol/approvals.ts";
import type { McpToolInfo } from "./tool-info.ts";

/** Why a request had no result. `text` is the chain of causes as Codex CLI words it, outermost first. */
export class McpRequestError extends Error {
  readonly causes: readonly string[];
  /** The server's JSON-RPC code; undefined where it gave no answer. */
  readonly code: number | undefined;

  constructor(causes: readonly string[], code?: number) {
    super(causes.join(": "));
    this.name = "McpRequestError";
    this.causes = causes;
    this.code = code;
  }
}

/** The server does not know our session any more: it did nothing, and a new connection can ask again. */
export class McpSessionLost extends McpRequestError {}

/** How far a call has got, as its server tells. */
export interface McpProgress {
  progress: number;
  total: number | null;
  message: string | null;
}

/** A question of the server to the person, for whoever made the call it belongs to. */
export type McpElicitation = Omit<ElicitationRequest, "server">;

/** The signal is aborted when the server withdraws its question. */
export type AnswerElicitation = (question: McpElicitation, signal: AbortSignal) => Promise<ElicitationAnswer>;

export interface McpRequestOptions {
  /** The time does not run while an elicitation is open. */
  timeoutMs: number;
  signal: AbortSignal;
  onProgress?: (progress: McpProgress) => void;
}

/** A server that answered the handshake. */
export interface McpConnection {
  /** Resolves when the server is gone or the connection lost; never rejects. */
  readonly closed: Promise<void>;
  /** Every page of the list. Throws McpRequestError; the signal's reason when aborted. */
  listTools(options: { timeoutMs: number; signal: AbortSignal }): Promise<McpToolInfo[]>;
  /**
   * One request; the result is as the server sent it, an object and nothing more. Throws McpRequestError;
   * when aborted the server is told and the signal's reason is thrown.
   */
  request(
    method: string,
    params: Readonly<Record<string, unknown>>,
    options: McpRequestOptions,
  ): Promise<Record<string, unknown>>;
  /** Ends the connection and, with it, a server we started. */
  close(): Promise<void>;
}
