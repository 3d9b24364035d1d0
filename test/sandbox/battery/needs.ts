import { existsSync } from "node:fs";
import { join } from "node:path";
import { accounts } from "../support.ts";
import { makeBatteryPlace } from "./place.ts";
import type { Probe } from "./probe.ts";

const answers = new Map<string, string | undefined>();

/** Why the probe cannot be run on this machine, or undefined. */
export function missingFor({ needs }: Probe): string | undefined {
  if (needs === undefined) return undefined;
  if (!answers.has(needs)) answers.set(needs, look(needs));
  return answers.get(needs);
}

function look(needs: string): string | undefined {
  if (needs === "x64-perl") {
    if (process.arch !== "x64") return "its system call numbers are those of x64";
    return look("perl");
  }
  if (needs === "ipv6-python3") {
    if (!existsSync("/proc/net/if_inet6")) return "this machine has no IPv6";
    return look("python3");
  }
  if (needs === "int80") return runsForeignCalls() ? undefined : "this kernel has no 32-bit calls";
  return Bun.which(needs) === null ? `${needs} is missing` : undefined;
}

function runsForeignCalls(): boolean {
  const [account] = accounts;
  if (process.arch !== "x64" || account === undefined) return false;
  const place = makeBatteryPlace(account, []);
  try {
    return Bun.spawnSync([join(place.scripts, "int80_getpid")]).exitCode === 0;
  } finally {
    place.remove();
  }
}
