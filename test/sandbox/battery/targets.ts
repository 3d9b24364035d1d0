import { chmodSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Account } from "../support.ts";
import { endProcess } from "./end-process.ts";
import type { BatteryPlace } from "./place.ts";
import type { Probe } from "./probe.ts";

/** What there is outside for probes to reach. */
export interface Targets {
  tcp: number;
  udp: number;
  /** Of an HTTP server on 127.0.0.1, which is sent the id as the path. */
  http: number;
  /** An address of the machine beyond loopback (if it has one), with a listener on that port. */
  host: { ip: string; port: number };
  unix: string;
  /** What listeners were sent. */
  received: ReadonlySet<string>;
  /** On the command line of every victim. */
  victimName: string;
  /** The process id of the probe's victim, or 0. */
  victimOf(id: string): number;
  /** Whether the probe's victim has ended or was stopped. */
  isHarmed(id: string): boolean;
  stop(): void;
}

/** Starts listeners, and a process of the account with the secret in its environment for each probe that aims at one. */
export async function startTargets(place: BatteryPlace, probes: readonly Probe[], account: Account): Promise<Targets> {
  const received = new Set<string>();
  const socket = {
    data: (_socket: unknown, bytes: Uint8Array) => void received.add(Buffer.from(bytes).toString().trim()),
  };
  const unix = join(place.base, "listener");
  const tcp = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  const local = Bun.listen({ unix, socket });
  chmodSync(unix, 0o777);
  const hostIp = ownAddress();
  const host = Bun.listen({ hostname: hostIp, port: 0, socket });
  const http = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: (request) => {
      received.add(new URL(request.url).pathname.slice(1));
      return new Response("reached");
    },
  });
  const udp = await listenUdp(received);
  const victims = new Map(
    probes.filter(({ command }) => /victim/.test(command)).map(({ id }) => [id, startVictim(place, account)]),
  );
  return {
    ...{ tcp: tcp.port, udp: udp.port, unix, received, victimName: victimName(place) },
    http: http.port ?? 0,
    host: { ip: hostIp, port: host.port },
    victimOf: (id) => victims.get(id)?.pid ?? 0,
    isHarmed: (id) => isHarmed(victims.get(id)?.pid ?? 0),
    stop: () => {
      tcp.stop(true);
      local.stop(true);
      host.stop(true);
      void http.stop(true);
      udp.close();
      for (const victim of victims.values()) endProcess(victim.pid);
    },
  };
}

function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}

async function listenUdp(received: Set<string>) {
  return Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_socket, bytes) => void received.add(bytes.toString().trim()) },
  });
}

const victimName = (place: BatteryPlace) => `victim-${place.base.split("-").at(-1)}`;

function startVictim(place: BatteryPlace, account: Account) {
  const argv = [...account.prefix, "/bin/sh", "-c", `: ${victimName(place)}; sleep 600`];
  return Bun.spawn(argv, {
    env: { PATH: "/usr/bin:/bin", PROBE_SECRET: place.secret },
    stdio: ["ignore", "ignore", "ignore"],
  });
}

function isHarmed(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [TtZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}
