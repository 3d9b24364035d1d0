import { accessSync, constants } from "node:fs";
import { userInfo } from "node:os";
import { basename } from "node:path";
import { type Env, envVar } from "#lib/env.ts";

/** Shells whose command line we know. */
export type ShellKind = "bash" | "zsh" | "sh";

export interface Shell {
  kind: ShellKind;
  /** Absolute path, as it stands in events and in `<shell>` of the environment context. */
  path: string;
}

/** Tried when the user's own shell is none of the known ones (fish, nushell …) or missing. */
const FALLBACKS: readonly string[] = ["/bin/bash", "/usr/bin/bash", "/bin/zsh", "/usr/bin/zsh", "/bin/sh"];

/** The user's shell: the password database's entry, then `$SHELL`, then the first shell that exists. */
export function userShell(options: { env?: Env; fromPasswd?: string | undefined } = {}): Shell {
  const fromPasswd = "fromPasswd" in options ? options.fromPasswd : passwdShell();
  const candidates = [fromPasswd, envVar("SHELL", options.env), ...FALLBACKS];
  for (const path of candidates) {
    const kind = path === undefined ? undefined : shellKind(path);
    if (path !== undefined && kind !== undefined && isExecutable(path)) return { kind, path };
  }
  return { kind: "sh", path: "/bin/sh" };
}

/**
 * The shell a model asked for by name or path: the user's own when it is of that kind, otherwise the first
 * one found in the system's folders, and `/bin/sh` for a name we do not know.
 */
export function namedShell(nameOrPath: string, own: Shell): Shell {
  const kind = shellKind(nameOrPath);
  if (kind === undefined) return { kind: "sh", path: "/bin/sh" };
  if (nameOrPath.startsWith("/") && isExecutable(nameOrPath)) return { kind, path: nameOrPath };
  if (kind === own.kind) return own;
  const name = basename(nameOrPath);
  const path = [`/usr/bin/${name}`, `/bin/${name}`, `/usr/local/bin/${name}`].find(isExecutable);
  return path === undefined ? { kind: "sh", path: "/bin/sh" } : { kind, path };
}

/** `[shell, "-lc", script]`, or `-c` without a login. */
export function shellArgv(shell: Shell, script: string, options: { login: boolean }): string[] {
  return [shell.path, options.login ? "-lc" : "-c", script];
}

function shellKind(path: string): ShellKind | undefined {
  switch (basename(path)) {
    case "bash":
      return "bash";
    case "zsh":
      return "zsh";
    case "sh":
    case "dash":
    case "ash":
    case "ksh":
      return "sh";
    default:
      return undefined;
  }
}

function passwdShell(): string | undefined {
  try {
    return userInfo().shell ?? undefined;
  } catch {
    // No entry for this user id: usual in containers.
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
