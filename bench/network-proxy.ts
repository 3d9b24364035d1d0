import { join } from "node:path";
import { startNetworkProxy } from "#network-proxy/proxy.ts";
import { median, type Row, run, temporaryFolder } from "./measure.ts";

const FAR_ENDS = join(import.meta.dir, "network-proxy-process.ts");

interface Times {
  open: number;
  roundTrip: number;
  bulk: number;
}

/** Tunnels through the network proxy against connections past it, in turn; client and server are other processes. */
async function measure(rounds: number, bytes: number): Promise<Record<"direct" | "proxy", Times>> {
  const folder = temporaryFolder("network-proxy");
  const server = Bun.spawn([process.execPath, FAR_ENDS, "serve"], { stdin: "ignore", stdout: "pipe" });
  const settings = {
    enabled: true,
    mode: "full",
    allowedDomains: ["127.0.0.1"],
    deniedDomains: [],
    allowLocalBinding: false,
    enableSocks5: false,
    allowUpstreamProxy: false,
  } as const;
  const proxy = startNetworkProxy(settings, { folder: folder.path });
  try {
    const { value } = await server.stdout.getReader().read();
    const port = Buffer.from(value ?? [])
      .toString()
      .trim();
    const arguments_ = [port, proxy.socketPath, proxy.token, String(rounds), String(bytes)];
    const { stdout } = await run([process.execPath, FAR_ENDS, "client", ...arguments_]);
    const times = JSON.parse(stdout) as Record<"direct" | "proxy", Times[]>;
    const middle = (way: "direct" | "proxy"): Times => ({
      open: median(times[way].map(({ open }) => open)),
      roundTrip: median(times[way].map(({ roundTrip }) => roundTrip)),
      bulk: median(times[way].map(({ bulk }) => bulk)),
    });
    return { direct: middle("direct"), proxy: middle("proxy") };
  } finally {
    proxy.close();
    server.kill();
    folder.remove();
  }
}

/** Opening a tunnel and the first byte through it, and a round trip on an open one. */
export async function proxyLatencyRow(rounds: number): Promise<Row> {
  const { direct, proxy } = await measure(rounds, 100_000);
  const added = { open: proxy.open - direct.open, roundTrip: proxy.roundTrip - direct.roundTrip };
  return {
    what: "a connection through the network proxy",
    measured:
      `${added.open.toFixed(2)} ms more to open (${direct.open.toFixed(2)} ms directly), ` +
      `${added.roundTrip.toFixed(2)} ms more for a round trip`,
    target: "≤ 2 ms, ≤ 0.5 ms",
    reached: added.open <= 2 && added.roundTrip <= 0.5,
  };
}

/** One long download through a tunnel. */
export async function proxyThroughputRow(rounds: number): Promise<Row> {
  const bytes = 200_000_000;
  const { direct, proxy } = await measure(rounds, bytes);
  const rate = (ms: number) => `${(bytes / 1000 / ms).toFixed(0)} MB/s`;
  return {
    what: "a download through the network proxy",
    measured: `${rate(proxy.bulk)}, ${(direct.bulk / proxy.bulk).toFixed(2)} × the rate without (${rate(direct.bulk)})`,
    target: "≥ 0.4 ×",
    reached: direct.bulk / proxy.bulk >= 0.4,
  };
}
