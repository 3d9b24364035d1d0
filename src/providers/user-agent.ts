import { readFileSync } from "node:fs";
import { release } from "node:os";
import { type Env, envVar } from "#lib/env.ts";

/** The operating system as a user agent names it: `Debian 12.0.0`, `x86_64`. */
export interface OsIdentity {
  name: string;
  version: string;
  arch: string;
}

/** The program that uses this one, as it named itself. */
export interface ClientName {
  name: string;
  version: string;
}

/** `codex_exec/0.1.0 (Debian 12.0.0; x86_64) xterm-256color`, and ` (NAME; VERSION)` of the client where there is one. */
export function userAgent(originator: string, version: string, os: OsIdentity, env: Env, client?: ClientName): string {
  const own = `${originator}/${version} (${os.name} ${os.version}; ${os.arch}) ${terminalName(env)}`;
  const text = client === undefined ? own : `${own} (${client.name}; ${client.version})`;
  return text.replace(/[^\x20-\x7e]/g, "_");
}

/** This machine's operating system. */
export function osIdentity(): OsIdentity {
  const arch = process.arch === "x64" ? "x86_64" : process.arch;
  switch (process.platform) {
    case "linux":
      return { ...linuxRelease(readOsRelease()), arch: process.arch === "arm64" ? "aarch64" : arch };
    case "darwin":
      return { name: "Mac OS", version: release(), arch };
    case "win32":
      return { name: "Windows", version: release(), arch };
    default:
      return { name: process.platform, version: release(), arch };
  }
}

/** Name and three-part version from the text of an os-release file: VERSION_ID `22.04` is `22.4.0`. */
export function linuxRelease(text: string): { name: string; version: string } {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^([A-Z_]+)="?([^"]*)"?$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
  }
  const name = fields.get("NAME")?.replace(/ (GNU\/)?Linux$/, "") || "Linux";
  const numbers = fields.get("VERSION_ID")?.split(".").map(Number) ?? [];
  const [major, minor = 0, patch = 0] = numbers;
  const known = major !== undefined && numbers.every(Number.isInteger);
  return { name, version: known ? `${major}.${minor}.${patch}` : "unknown" };
}

function readOsRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    return "";
  }
}

/** The terminal's program and version, else TERM, else `unknown`; only characters a token may have. */
function terminalName(env: Env): string {
  return rawTerminalName(env).replace(/[^A-Za-z0-9._/-]/g, "_");
}

function rawTerminalName(env: Env): string {
  const program = envVar("TERM_PROGRAM", env);
  if (program !== undefined) {
    const version = envVar("TERM_PROGRAM_VERSION", env);
    return version === undefined ? program : `${program}/${version}`;
  }
  if (envVar("WT_SESSION", env) !== undefined) return "WindowsTerminal";
  return envVar("TERM", env) ?? "unknown";
}
