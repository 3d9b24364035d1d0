import { BY_PERL, type Probe, probesOf, systemCall } from "../probe.ts";

const proxied = probesOf("proxied network", { at: "exit" });
const loopback = probesOf("loopback", { at: "exit" });

const LISTENER = { observe: { at: "listener" } } as const;
/** Outside there is no proxy, no bridge, or no such privilege. */
const INSIDE_ONLY = { privileged: true } as const;
const CURL = { needs: "curl", privileged: true } as const;
const HARMFUL = { privileged: true, harmful: true } as const;
const perl = (program: string) => `perl -MSocket -e '${program}'`;

/** Families and types that are neither TCP nor UDP over IPv4 or IPv6; 0o3 raw, 262 MPTCP, 132 SCTP, 1 ICMP. */
const FOREIGN: Readonly<Record<string, readonly [family: number, type: number, protocol: number]>> = {
  raw: [2, 3, 1],
  raw6: [10, 3, 58],
  ping: [2, 2, 1],
  mptcp: [2, 1, 262],
  sctp: [2, 1, 132],
  packet: [17, 3, 0x300],
  netlink: [16, 3, 0],
  vsock: [40, 1, 0],
  cryptography: [38, 5, 0],
  "unix-stream": [1, 1, 0],
  "unix-datagram": [1, 2, 0],
  "unix-packets": [1, 5, 0],
};

const tcpTo = (host: string, port: string) => `timeout 3 bash -c 'printf "%s\\n" "$id" >/dev/tcp/${host}/${port}'`;
const udpTo = (address: string, port: string) =>
  perl(`socket(S, AF_INET, SOCK_DGRAM, 0); exit(send(S, $ENV{id}, 0, pack_sockaddr_in(${port}, ${address})) ? 0 : 1)`);

/** A server and a client in one process. */
const talk = (family: string, host: string) =>
  `python3 -c 'import socket as s
a = s.socket(s.${family}); a.bind(("${host}", 0)); a.listen()
b = s.create_connection(a.getsockname()[:2]); b.sendall(b"x"); assert a.accept()[0].recv(1) == b"x"'`;

const UDP_TALK = `python3 -c 'import socket as s
a = s.socket(s.AF_INET, s.SOCK_DGRAM); a.bind(("127.0.0.1", 0))
b = s.socket(s.AF_INET, s.SOCK_DGRAM); b.sendto(b"x", a.getsockname()); assert a.recv(1) == b"x"'`;

const DOWN = perl('socket(S, AF_INET, SOCK_DGRAM, 0); my $r = "lo".("\\0" x 38); exit(ioctl(S, 0x8914, $r) ? 0 : 1)');

const abstract = (call: string) =>
  perl(`socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 1; exit(${call}(S, pack_sockaddr_un("\\0probe")) ? 0 : 1)`);

/** A pair of connected sockets is allowed: what one of them could be bent to. */
const fromPair = (type: string, deed: string) =>
  perl(
    `my $to = pack_sockaddr_un($ENV{unix}); socketpair(A, B, AF_UNIX, ${type}, 0); ${deed} && syswrite(A, $ENV{id})`,
  );

const status = (request: string) => `$(curl -s -m 8 -o /dev/null -w "%{http_code}" ${request})`;

export const PROXIED: readonly Probe[] = [
  proxied.denied("direct-tcp", tcpTo("127.0.0.1", "$tcp"), { ...LISTENER, needs: "bash" }),
  proxied.denied("direct-udp", udpTo("INADDR_LOOPBACK", "$ENV{udp}"), { ...LISTENER, ...BY_PERL }),
  proxied.denied("direct-own-address", tcpTo("$host_ip", "$host_port"), { ...LISTENER, needs: "bash", ...INSIDE_ONLY }),
  proxied.denied("direct-http", 'curl -s -m 5 --noproxy "*" "http://127.0.0.1:$http/$id"', {
    ...LISTENER,
    needs: "curl",
  }),
  proxied.denied("direct-metadata", tcpTo("169.254.169.254", "80"), { needs: "bash", ...INSIDE_ONLY }),
  proxied.denied("direct-names", udpTo('inet_aton("192.0.2.1")', "53"), { ...BY_PERL, ...INSIDE_ONLY }),
  proxied.denied("direct-broadcast", udpTo('inet_aton("255.255.255.255")', "9"), { ...BY_PERL, ...INSIDE_ONLY }),
  proxied.denied("direct-multicast", udpTo('inet_aton("224.0.0.251")', "5353"), { ...BY_PERL, ...INSIDE_ONLY }),
  proxied.denied("direct-ipv6", tcpTo("2001:db8::1", "80"), { needs: "bash", ...INSIDE_ONLY }),
  proxied.denied("direct-mapped-ipv6", tcpTo("::ffff:127.0.0.1", "$tcp"), { ...LISTENER, needs: "bash" }),
  ...Object.entries(FOREIGN).map(([name, args]) =>
    proxied.denied(`no-${name}-socket`, systemCall(41, ...args), { ...BY_PERL, ...INSIDE_ONLY }),
  ),
  proxied.denied("no-datagram-pair", systemCall(53, 1, 2, 0, '"\\0" x 8'), BY_PERL),
  proxied.denied("bind-abstract", abstract("bind"), BY_PERL),
  proxied.denied(
    "unix-listener",
    perl("socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ENV{unix})); syswrite(S, $ENV{id})"),
    { ...LISTENER, ...BY_PERL },
  ),
  ...(["SOCK_STREAM", "SOCK_SEQPACKET"] as const).flatMap((type) => [
    proxied.denied(`connect-pair-${type === "SOCK_STREAM" ? "stream" : "packets"}`, fromPair(type, "connect(A, $to)"), {
      ...LISTENER,
      ...BY_PERL,
      ...INSIDE_ONLY,
    }),
    proxied.denied(
      `send-from-pair-${type === "SOCK_STREAM" ? "stream" : "packets"}`,
      fromPair(type, "send(A, $ENV{id}, 0, $to)"),
      {
        ...LISTENER,
        ...BY_PERL,
        ...INSIDE_ONLY,
      },
    ),
  ]),
  proxied.denied(
    "connect-inherited",
    perl(
      'my $to = pack_sockaddr_un($ENV{unix}); for (0 .. 2) { open(S, "+<&=", $_) && connect(S, $to) && syswrite(S, $ENV{id}) }',
    ),
    { ...LISTENER, ...BY_PERL, ...INSIDE_ONLY },
  ),
  proxied.denied(
    "proxy-socket",
    perl(
      "socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 1; exit(connect(S, pack_sockaddr_un($ENV{proxy_socket})) ? 0 : 1)",
    ),
    { ...BY_PERL, ...INSIDE_ONLY },
  ),
  proxied.denied("proxy-folder", 'ls "$(dirname "$proxy_socket")"', INSIDE_ONLY),
  proxied.denied("proxy-folder-parent", 'ls "$(dirname "$(dirname "$proxy_socket")")"', INSIDE_ONLY),
  proxied.denied("replace-proxy-socket", 'rm -f "$proxy_socket" || mv "$(dirname "$proxy_socket")" taken', INSIDE_ONLY),
  proxied.denied(
    "see-bridge",
    `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | awk 'index($0, "codex-run-as-network" "-bridge") { f = 1 } END { exit !f }'`,
    INSIDE_ONLY,
  ),
  proxied.denied("bridge-descriptors", "ls /proc/$bridge/fd/0", INSIDE_ONLY),
  proxied.denied("bridge-root", "ls /proc/$bridge/root/", INSIDE_ONLY),
  proxied.denied("bridge-memory", "exec 3<>/proc/$bridge/mem", HARMFUL),
  proxied.denied("bridge-environment", "cat /proc/$bridge/environ", INSIDE_ONLY),
  proxied.denied("bridge-namespaces", "ls /proc/$bridge/ns/net", INSIDE_ONLY),
  proxied.denied("kill-bridge", "kill -9 $bridge", HARMFUL),
  proxied.denied("stop-bridge", "kill -STOP $bridge", HARMFUL),
  proxied.denied("trace-bridge", `perl -e 'exit(syscall(101, 16, '$bridge', 0, 0) == 0 ? 0 : 1)'`, {
    ...BY_PERL,
    ...HARMFUL,
  }),
  proxied.denied(
    "bridge-descriptor",
    `perl -e 'my $f = syscall(434, '$bridge', 0); exit($f > 0 && syscall(438, $f, 0, 0) > 0 ? 0 : 1)'`,
    {
      ...BY_PERL,
      ...HARMFUL,
    },
  ),
  proxied.denied("kill-everything", "kill -9 -1; true", { ...HARMFUL, observe: { at: "bridge" } }),
  proxied.denied(
    "namespace-descriptors",
    "ls -l /proc/self/fd /proc/$$/fd | grep -e '/ns' -e 'net:' -e 'user:'",
    INSIDE_ONLY,
  ),
  proxied.denied("enter-namespace", "nsenter -t 1 -n true", { needs: "nsenter", ...HARMFUL }),
  proxied.denied("own-namespace", "unshare -n true || unshare -Un true", { needs: "unshare", ...INSIDE_ONLY }),
  proxied.denied("loopback-down", DOWN, { ...BY_PERL, ...HARMFUL }),
  proxied.denied("other-interfaces", "tail -n +3 /proc/net/dev | grep -qv 'lo:'", INSIDE_ONLY),
  proxied.denied("routes", "tail -n +2 /proc/net/route | grep -q .", INSIDE_ONLY),
  proxied.denied(
    "take-proxy-port",
    `python3 -c 'import socket as s; s.create_server(("127.0.0.1", 3128), reuse_port=True)'`,
    {
      needs: "python3",
      ...INSIDE_ONLY,
    },
  ),
  proxied.denied("low-port", `python3 -c 'import socket as s; s.create_server(("127.0.0.1", 80))'`, {
    needs: "python3",
    ...INSIDE_ONLY,
  }),
  proxied.allowed("listed-host", 'curl -s -m 8 "http://127.0.0.1:$http/$id"', { ...LISTENER, needs: "curl" }),
  proxied.allowed("listed-host-by-socks", 'curl -s -m 8 -x "$ALL_PROXY" "http://127.0.0.1:$http/$id"', {
    ...LISTENER,
    needs: "curl",
  }),
  proxied.allowed("listed-host-by-tunnel", 'curl -s -m 8 -p "http://127.0.0.1:$http/$id"', {
    ...LISTENER,
    needs: "curl",
  }),
  proxied.allowed("unlisted-is-403", `test ${status("http://denied.test/")} = 403`, CURL),
  proxied.allowed(
    "unlisted-tunnel-is-403",
    `curl -s -m 8 -o /dev/null -w "%{http_connect}" https://denied.test/ | grep -q 403`,
    CURL,
  ),
  proxied.allowed("metadata-is-403", `test ${status("http://169.254.169.254/latest/meta-data/")} = 403`, CURL),
  proxied.allowed("own-address-is-403", `test ${status('"http://$host_ip:$host_port/"')} = 403`, CURL),
  proxied.allowed(
    "wrong-token-is-407",
    `test ${status("-x http://codex:wrong@127.0.0.1:3128 http://127.0.0.1:$http/")} = 407`,
    CURL,
  ),
  proxied.allowed("no-token-is-407", `test ${status("-x http://127.0.0.1:3128 http://127.0.0.1:$http/")} = 407`, CURL),
  proxied.denied(
    "wrong-socks-token",
    'curl -sf -m 8 -x socks5h://codex:wrong@127.0.0.1:3128 "http://127.0.0.1:$http/$id"',
    {
      ...LISTENER,
      ...CURL,
    },
  ),
  proxied.allowed("proxied-own-server", talk("AF_INET", "127.0.0.1"), { needs: "python3" }),
  proxied.allowed("proxied-own-server-6", talk("AF_INET6", "::1"), { needs: "ipv6-python3" }),
  proxied.allowed("proxied-own-datagrams", UDP_TALK, { needs: "python3" }),
];

export const LOOPBACK: readonly Probe[] = [
  loopback.denied("loopback-to-tcp", tcpTo("127.0.0.1", "$tcp"), { ...LISTENER, needs: "bash" }),
  loopback.denied("loopback-to-udp", udpTo("INADDR_LOOPBACK", "$ENV{udp}"), { ...LISTENER, ...BY_PERL }),
  loopback.denied("loopback-to-mapped", tcpTo("::ffff:127.0.0.1", "$tcp"), { ...LISTENER, needs: "bash" }),
  loopback.denied("loopback-to-own-address", tcpTo("$host_ip", "$host_port"), {
    ...LISTENER,
    needs: "bash",
    ...INSIDE_ONLY,
  }),
  loopback.denied("loopback-to-metadata", tcpTo("169.254.169.254", "80"), { needs: "bash", ...INSIDE_ONLY }),
  loopback.denied("loopback-to-names", udpTo('inet_aton("192.0.2.1")', "53"), { ...BY_PERL, ...INSIDE_ONLY }),
  ...Object.entries(FOREIGN).map(([name, args]) =>
    loopback.denied(`loopback-no-${name}-socket`, systemCall(41, ...args), { ...BY_PERL, ...INSIDE_ONLY }),
  ),
  loopback.denied("loopback-no-datagram-pair", systemCall(53, 1, 2, 0, '"\\0" x 8'), BY_PERL),
  loopback.denied("loopback-bind-abstract", abstract("bind"), BY_PERL),
  loopback.denied("loopback-interfaces", "tail -n +3 /proc/net/dev | grep -qv 'lo:'", INSIDE_ONLY),
  loopback.denied("loopback-set-down", DOWN, { ...BY_PERL, ...HARMFUL }),
  loopback.workspaceOnly("loopback-own-server", talk("AF_INET", "127.0.0.1"), { needs: "python3" }),
  loopback.workspaceOnly("loopback-own-server-6", talk("AF_INET6", "::1"), { needs: "ipv6-python3" }),
  loopback.workspaceOnly("loopback-own-datagrams", UDP_TALK, { needs: "python3" }),
];
