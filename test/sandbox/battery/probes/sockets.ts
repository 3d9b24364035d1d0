import { BY_PERL, type Probe, probesOf, systemCall } from "../probe.ts";

const { denied, allowed } = probesOf("sockets", { at: "exit" });

/** Number and a type each family takes: 1 stream, 2 datagram, 3 raw. */
const FAMILIES: Readonly<Record<string, readonly [family: number, type: number]>> = {
  "unix-stream": [1, 1],
  "unix-datagram": [1, 2],
  "unix-packets": [1, 5],
  "internet-stream": [2, 1],
  "internet-datagram": [2, 2],
  "internet-raw": [2, 3],
  "internet6-stream": [10, 1],
  "internet6-datagram": [10, 2],
  x25: [9, 5],
  ipx: [4, 2],
  key: [15, 3],
  netlink: [16, 3],
  packet: [17, 3],
  can: [29, 3],
  tipc: [30, 1],
  bluetooth: [31, 3],
  rxrpc: [33, 2],
  kernel: [38, 5],
  nfc: [39, 3],
  vsock: [40, 1],
  smc: [43, 1],
  xdp: [44, 3],
};

const LISTENER = { ...BY_PERL, observe: { at: "listener" } } as const;
const perl = (program: string) => `perl -MSocket -e '${program}'`;

export const SOCKETS: readonly Probe[] = [
  ...Object.entries(FAMILIES).map(([name, [family, type]]) =>
    denied(`socket-${name}`, systemCall(41, family, type, 0), { ...BY_PERL, privileged: true }),
  ),
  denied("reach-tcp", 'printf "%s\\n" "$id" >/dev/tcp/127.0.0.1/$tcp', { observe: { at: "listener" }, needs: "bash" }),
  denied(
    "reach-udp",
    perl("socket(S, AF_INET, SOCK_DGRAM, 0); send(S, $ENV{id}, 0, pack_sockaddr_in($ENV{udp}, INADDR_LOOPBACK))"),
    LISTENER,
  ),
  denied(
    "reach-unix",
    perl("socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ENV{unix})); syswrite(S, $ENV{id})"),
    LISTENER,
  ),
  denied("pair-of-datagrams", systemCall(53, 1, 2, 0, '"\\0" x 8'), BY_PERL),
  denied("pair-of-datagrams-flags", systemCall(53, 1, 2 + 0o2000000, 0, '"\\0" x 8'), BY_PERL),
  denied("pair-raw", systemCall(53, 1, 3, 0, '"\\0" x 8'), BY_PERL),
  denied("send-with-address", systemCall(44, 0, '"x"', 1, 0, '"\\1\\0/x"', 4), BY_PERL),
  denied("connect", systemCall(42, 0, '"\\1\\0/x"', 4), BY_PERL),
  denied("bind", systemCall(49, 0, '"\\1\\0/x"', 4), BY_PERL),
  denied("listen", systemCall(50, 0, 1), BY_PERL),
  denied("accept", systemCall(43, 0, 0, 0), BY_PERL),
  denied("accept4", systemCall(288, 0, 0, 0, 0), BY_PERL),
  denied("interfaces", "tail -n +3 /proc/net/dev | grep -qv 'lo:'", { privileged: true }),
  denied("inherited", "ls -l /proc/self/fd | grep -q socket:", { privileged: true }),
  allowed("pair-of-streams", systemCall(53, 1, 1, 0, '"\\0" x 8'), BY_PERL),
  allowed("pair-of-packets", systemCall(53, 1, 5, 0, '"\\0" x 8'), BY_PERL),
  allowed(
    "pair-carries-bytes",
    perl('socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); send(A, "x", 0); sysread(B, $b, 1); exit($b eq "x" ? 0 : 1)'),
    BY_PERL,
  ),
  allowed(
    "event-loop-wakes",
    `python3 -c 'import asyncio, threading
async def main():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    threading.Timer(0.01, lambda: loop.call_soon_threadsafe(done.set_result, 0)).start()
    await asyncio.wait_for(done, 8)
asyncio.run(main())'`,
    { needs: "python3" },
  ),
];
