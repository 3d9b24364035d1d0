import type { ConfigOverride } from "#config/override-values.ts";
import type { MemoryNotes } from "#runtime/memory-notes.ts";
import type { RequestId } from "./json-rpc.ts";
import type { Peer } from "./peer.ts";

/** One `tools/call` of the client; the signal is aborted when the client cancels it. */
export interface Call {
  requestId: RequestId;
  progressToken: RequestId | undefined;
  signal: AbortSignal;
}

/** Who the client is and what it can do. */
export interface ClientFacts {
  name: { name: string; version: string } | undefined;
  capabilities: unknown;
}

/** What all sessions of this process share. */
export interface SessionDeps {
  peer: Peer;
  codexHome: string;
  /** The server's own folder. Absolute. */
  cwd: string;
  /** `-c`, `--enable` and `--disable` of the server's command line. */
  overrides: readonly ConfigOverride[];
  /** What the client said of itself; nothing before it has said hello. */
  client: () => ClientFacts;
  memoryNotes: MemoryNotes;
}

/** Name of this program towards providers and in session files; the interactive one's, as in the release. */
export const ORIGINATOR = "codex_cli_rs";
