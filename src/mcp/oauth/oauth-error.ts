import { shortened } from "#lib/truncate.ts";

/** Longest text of a server that a message quotes. */
const QUOTE_LIMIT = 300;

/** Why a step of a login had no result. */
export type OAuthFailure =
  /** There is nothing to log in to. */
  | "unsupported"
  /** An answer that is no answer of this protocol. */
  | "bad_metadata"
  /** Something we do not do, for the sake of the user's tokens. */
  | "refused"
  /** Nobody answered, or not in time. */
  | "unreachable"
  /** The authorization server says that this grant is no more: only a new login helps. */
  | "invalid_grant"
  /** It does not know the client; the registration is gone. */
  | "invalid_client"
  /** It says no for another reason. */
  | "denied";

/** A failure of a login or a refresh, with a message for people that holds no secret. */
export class OAuthError extends Error {
  readonly failure: OAuthFailure;

  constructor(failure: OAuthFailure, message: string) {
    super(message);
    this.name = "OAuthError";
    this.failure = failure;
  }
}

/** What a server sent where something else was expected, as a message shows it. */
export function quotedValue(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return value === undefined ? "missing" : quoted(JSON.stringify(value));
}

/** A server's own words for a message: one line, cut, without control characters. */
export function quoted(text: string): string {
  return shortened(text.replaceAll(/\p{C}+/gu, " ").trim(), QUOTE_LIMIT);
}
