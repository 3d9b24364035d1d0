/** How requests prove who they are. Never logged, never recorded. */
export type Credentials =
  /** No key anywhere: requests go out without Authorization, as local servers want. */
  | { kind: "none" }
  | { kind: "api_key"; key: string; source: KeySource }
  | { kind: "chatgpt"; accessToken: string; accountId: string | undefined }
  /** The provider names a variable that is not set: requests must not be made. */
  | { kind: "missing_variable"; variable: string; instructions: string | undefined };

/** Where a key was found, in words for messages. */
export type KeySource = "env_key" | "experimental_bearer_token" | "CODEX_API_KEY" | "auth.json";

/** What a person must do about a variable that is not set. */
export function missingVariableMessage(missing: Extract<Credentials, { kind: "missing_variable" }>): string {
  const hint = missing.instructions === undefined ? "" : ` ${missing.instructions}`;
  return `Missing environment variable: \`${missing.variable}\`.${hint}`;
}
