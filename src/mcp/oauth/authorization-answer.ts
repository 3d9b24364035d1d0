import { isSameIssuer } from "./authorization-server.ts";
import { OAuthError, quoted } from "./oauth-error.ts";

/** What the answer to an authorization request must show to be ours. */
export interface ExpectedAnswer {
  state: string;
  issuer: string;
  /** The issuer's answers always name it. */
  namesIssuer: boolean;
}

export type JudgedAnswer =
  | { type: "code"; code: string }
  /** The login is over: the person or the authorization server said no. */
  | { type: "failed"; error: OAuthError }
  /** Not an answer to our request: whoever sent it must not end the wait for the real one. */
  | { type: "foreign" };

/** Judges the parameters a browser came back with. */
export function judgeAnswer(parameters: URLSearchParams, expected: ExpectedAnswer): JudgedAnswer {
  const [state, iss, error, code] = ["state", "iss", "error", "code"].map((name) => parameters.getAll(name));
  const isRepeated = [state, iss, error, code].some((values) => (values?.length ?? 0) > 1);
  if (isRepeated || state?.[0] !== expected.state) return { type: "foreign" };
  const named = iss?.[0];
  if (named === undefined ? expected.namesIssuer : !isSameIssuer(named, expected.issuer)) {
    return { type: "failed", error: wrongIssuer(named, expected.issuer) };
  }
  if (error?.[0] !== undefined) {
    const words = parameters.get("error_description") || error[0];
    return { type: "failed", error: new OAuthError("denied", `The authorization server refused: ${quoted(words)}`) };
  }
  return code?.[0] ? { type: "code", code: code[0] } : { type: "foreign" };
}

/** The sign of a mix-up: a code of one authorization server that would be shown to another (RFC 9207). */
function wrongIssuer(named: string | undefined, expected: string): OAuthError {
  const from = named === undefined ? "does not say who it is from" : `is from "${quoted(named)}"`;
  return new OAuthError("refused", `The answer to the login ${from}, expected "${quoted(expected)}"`);
}
