/**
 * An expected failure that a user can cause and mend. `message` says what was tried, the value in
 * quotes, what was found and what was wanted. `exitCode` is what the process ends with when nobody
 * nearer answers (1 = failed, 2 = usage).
 */
export class CodexError extends Error {
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CodexError";
    this.code = code;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** Closes a switch over a tagged union: a new variant becomes a type error here. */
export function assertNever(value: never): never {
  throw new Error(`unhandled variant: ${JSON.stringify(value)}`);
}

/** The errno name ("ENOENT") of a system error, or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** A one-line text for anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The wording Rust's std gives an errno; tool outputs of Codex CLI quote it, so programs match on it. */
export function osErrorText(error: unknown): string {
  const known = OS_ERRORS[errnoOf(error) ?? ""];
  return known === undefined ? messageOf(error) : `${known.text} (os error ${known.errno})`;
}

const OS_ERRORS: Readonly<Record<string, { errno: number; text: string }>> = {
  EPERM: { errno: 1, text: "Operation not permitted" },
  ENOENT: { errno: 2, text: "No such file or directory" },
  E2BIG: { errno: 7, text: "Argument list too long" },
  ENOEXEC: { errno: 8, text: "Exec format error" },
  EACCES: { errno: 13, text: "Permission denied" },
  EEXIST: { errno: 17, text: "File exists" },
  ENOTDIR: { errno: 20, text: "Not a directory" },
  EISDIR: { errno: 21, text: "Is a directory" },
  EINVAL: { errno: 22, text: "Invalid argument" },
  EMFILE: { errno: 24, text: "Too many open files" },
  EFBIG: { errno: 27, text: "File too large" },
  ENOSPC: { errno: 28, text: "No space left on device" },
  EROFS: { errno: 30, text: "Read-only file system" },
  ENAMETOOLONG: { errno: 36, text: "File name too long" },
  ELOOP: { errno: 40, text: "Too many levels of symbolic links" },
};
