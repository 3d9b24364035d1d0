import type { Probe } from "../probe.ts";
import { DEVICES, EVERYDAY, TERMINAL } from "./devices.ts";
import { MOUNTS, NAMESPACES, SYSTEM_CALLS } from "./kernel.ts";
import { LINKS } from "./links.ts";
import { LOOPBACK, PROXIED } from "./network.ts";
import { PROC, SURVIVAL } from "./processes.ts";
import { PROTECTED } from "./protected.ts";
import { SOCKETS } from "./sockets.ts";
import { WRITES } from "./writes.ts";

/** Every probe of the battery. Ids are unique. */
export const PROBES: readonly Probe[] = [
  ...WRITES,
  ...PROTECTED,
  ...LINKS,
  ...PROC,
  ...NAMESPACES,
  ...MOUNTS,
  ...SOCKETS,
  ...SYSTEM_CALLS,
  ...SURVIVAL,
  ...TERMINAL,
  ...DEVICES,
  ...EVERYDAY,
  ...PROXIED,
  ...LOOPBACK,
];
