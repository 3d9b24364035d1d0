import { environment, envVar } from "#lib/env.ts";
import { messageOf } from "#lib/errors.ts";
import { OWN_CREDENTIAL_NAMES } from "#process/env-policy.ts";
import { log } from "#telemetry/log.ts";

/**
 * Whether somebody sits before a screen that a browser can open on: a terminal, no CI, and on Linux a display.
 */
export function hasBrowser(env: Readonly<Record<string, string>> = environment()): boolean {
  if (process.stdout.isTTY !== true || envVar("CI", env) !== undefined) return false;
  if (process.platform !== "linux") return true;
  return envVar("DISPLAY", env) !== undefined || envVar("WAYLAND_DISPLAY", env) !== undefined;
}

/** Has the system open an http(s) address; one that cannot is no failure, the address is on the screen. */
export function openBrowser(url: string): void {
  const env = environment();
  for (const name of OWN_CREDENTIAL_NAMES) delete env[name];
  try {
    const streams = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    Bun.spawn([...opener(), url], { env, ...streams, detached: true }).unref();
  } catch (error) {
    log("mcp", "info", "no browser opened", { error: messageOf(error) });
  }
}

function opener(): string[] {
  switch (process.platform) {
    case "darwin":
      return ["open"];
    case "win32":
      return ["rundll32", "url.dll,FileProtocolHandler"];
    default:
      return ["xdg-open"];
  }
}
