import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { readRegularFile } from "#lib/regular-file.ts";
import { type AuthFile, authFileSchema } from "./auth-file.ts";

/** Only the owner may read a credential. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** `$CODEX_HOME/auth.json` */
export function authFilePath(codexHome: string): string {
  return join(codexHome, "auth.json");
}

/** The stored login, or undefined when there is none. Throws CodexError when the file cannot be used. */
export function readAuthFile(codexHome: string): AuthFile | undefined {
  const path = authFilePath(codexHome);
  let text: string;
  try {
    text = readRegularFile(path).bytes.toString();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw unusable(path, osErrorText(error), error);
  }
  return parseAuthFile(path, text);
}

/** Stores the login for the owner alone, whole or not at all. Throws CodexError when it cannot be written. */
export function writeAuthFile(codexHome: string, auth: AuthFile): void {
  const path = authFilePath(codexHome);
  try {
    mkdirSync(codexHome, { recursive: true, mode: FOLDER_MODE });
    writeFileAtomic(path, JSON.stringify(auth, null, 2), { mode: FILE_MODE });
  } catch (error) {
    throw new CodexError("auth_unwritable", `Cannot save the login to "${path}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

/** Forgets the stored login. Returns whether there was one. */
export function deleteAuthFile(codexHome: string): boolean {
  const path = authFilePath(codexHome);
  try {
    rmSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw new CodexError("auth_unwritable", `Cannot remove "${path}": ${osErrorText(error)}`, { cause: error });
  }
}

function parseAuthFile(path: string, text: string): AuthFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unusable(path, "it is not JSON", error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw unusable(path, "it is not a JSON object", undefined);
  }
  const parsed = v.safeParse(authFileSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw unusable(path, `${v.getDotPath(issue)} has the wrong type, expected ${issue.expected ?? "another"}`, undefined);
}

/** Says what is wrong without quoting the content, which holds secrets. */
function unusable(path: string, reason: string, cause: unknown): CodexError {
  return new CodexError(
    "auth_unreadable",
    `Cannot read the login in "${path}": ${reason}. Write it anew as {"OPENAI_API_KEY": "sk-…"}, or remove it and set CODEX_API_KEY`,
    { cause },
  );
}
