import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import fc from "fast-check";
import type { NetworkSettings } from "#config/network-settings.ts";
import { messageOf } from "#lib/errors.ts";
import { findAddresses } from "#network-proxy/dial.ts";
import { type Host, parseHost } from "#network-proxy/host.ts";
import { classify, ipOfBytes, parseIp } from "#network-proxy/ip-address.ts";
import { judgeRequest, type NetworkRequest, networkPolicy } from "#network-proxy/policy.ts";
import { networkSettings } from "./support.ts";

const hostOf = (text: string): Host => {
  const host = parseHost(text);
  if (host.kind === "refused") throw new Error(`"${text}" ${host.why}`);
  return host;
};

/** "allowed", or the reason of the refusal. */
function verdict(settings: Partial<NetworkSettings>, host: string, request: Partial<NetworkRequest> = {}): string {
  const asked = { protocol: "http", method: "GET", host: hostOf(host), port: 80, ...request } as const;
  const found = judgeRequest(networkPolicy(networkSettings(settings)), asked);
  return found.allowed ? "allowed" : found.reason;
}

const allowed = (entries: string[], host: string, port = 80) => verdict({ allowedDomains: entries }, host, { port });

describe("patterns", () => {
  test("an empty list allows nothing", () => {
    expect(["example.com", "127.0.0.1", "localhost"].map((host) => verdict({}, host))).toEqual([
      "not_allowed",
      "not_allowed_local",
      "not_allowed_local",
    ]);
  });

  test("an exact name is that name only", () => {
    const hosts = ["example.com", "EXAMPLE.com.", "www.example.com", "notexample.com", "example.com.evil.test", "com"];
    expect(hosts.map((host) => allowed(["example.com"], host))).toEqual([
      "allowed",
      "allowed",
      "not_allowed",
      "not_allowed",
      "not_allowed",
      "not_allowed",
    ]);
  });

  test("*.x is every subdomain and not x", () => {
    const hosts = ["a.example.com", "a.b.example.com", "example.com", "aexample.com", "a.example.com.evil.test"];
    expect(hosts.map((host) => allowed(["*.example.com"], host))).toEqual([
      "allowed",
      "allowed",
      "not_allowed",
      "not_allowed",
      "not_allowed",
    ]);
  });

  test("**.x is x as well", () => {
    const hosts = ["a.example.com", "example.com", "aexample.com"];
    expect(hosts.map((host) => allowed(["**.example.com"], host))).toEqual(["allowed", "allowed", "not_allowed"]);
  });

  test("* is every public host", () => {
    const hosts = ["example.com", "8.8.8.8", "10.0.0.1", "localhost", "::1", "169.254.169.254"];
    expect(hosts.map((host) => allowed(["*"], host))).toEqual([
      "allowed",
      "allowed",
      "not_allowed_local",
      "not_allowed_local",
      "not_allowed_local",
      "not_allowed_local",
    ]);
  });

  test("a port narrows, without one every port is allowed", () => {
    const ports = [80, 443, 22];
    expect(ports.map((port) => allowed(["a.test"], "a.test", port))).toEqual(["allowed", "allowed", "allowed"]);
    const narrowed = ["a.test:443", "*.a.test:443", "**.a.test:443", "*:443", "[::1]:443"];
    for (const entry of narrowed) {
      const host = entry.startsWith("[") ? "::1" : "b.a.test";
      const at = entry === "a.test:443" ? "a.test" : host;
      const refused = entry.startsWith("[") ? "not_allowed_local" : "not_allowed";
      expect([entry, ...ports.map((port) => allowed([entry], at, port))]).toEqual([entry, refused, "allowed", refused]);
    }
  });

  test("are canonical like hosts", () => {
    expect(allowed(["BÜCHER.example."], "xn--bcher-kva.example")).toBe("allowed");
    expect(allowed(["[0:0::1]"], "::1")).toBe("allowed");
    expect(allowed(["0:0::1"], "::1")).toBe("allowed");
    expect(allowed(["::ffff:127.0.0.1"], "127.0.0.1")).toBe("allowed");
    expect(allowed(["  a.test "], "a.test")).toBe("allowed");
  });

  test.each([
    "",
    "https://a.test",
    "a.test/path",
    "a.*.test",
    "a*.test",
    "***.test",
    "*.",
    "**",
    "*.*.test",
    "*.127.0.0.1",
    "10.0.0.0/8",
    "127.1",
    "user@a.test",
    "a.test:0",
    "a.test:http",
    "*:99999",
    "a b.test",
  ])("%p is refused when the proxy starts", (entry) => {
    for (const key of ["allowed_domains", "denied_domains"] as const) {
      const field = key === "allowed_domains" ? "allowedDomains" : "deniedDomains";
      expect(() => networkPolicy(networkSettings({ [field]: ["fine.test", entry] }))).toThrow(
        `Cannot use "${entry}" in network.${key}: `,
      );
    }
  });

  test("a refusal says what was expected", () => {
    let message = "";
    try {
      networkPolicy(networkSettings({ allowedDomains: ["https://a.test"] }));
    } catch (error) {
      message = messageOf(error);
    }
    expect(message).toBe(
      'Cannot use "https://a.test" in network.allowed_domains: "https://a.test" is not host:port. ' +
        'Expected "host", "*.host" or "**.host", with ":port" or without, and no scheme or path',
    );
  });
});

describe("deny wins", () => {
  const settings = { allowedDomains: ["*", "a.test", "127.0.0.1"], deniedDomains: ["a.test", "*.b.test", "c.test:22"] };

  test("over every kind of permission", () => {
    const hosts = ["a.test", "x.a.test", "b.test", "x.b.test", "c.test"];
    expect(hosts.map((host) => verdict(settings, host))).toEqual(["denied", "allowed", "allowed", "denied", "allowed"]);
    expect(verdict(settings, "c.test", { port: 22 })).toBe("denied");
  });

  test("over a literal address, however it is written", () => {
    const denied = { allowedDomains: ["127.0.0.1", "*"], deniedDomains: ["127.0.0.1", "2001:4860::1"] };
    const hosts = ["127.0.0.1", "::ffff:127.0.0.1", "2001:4860:0::1", "2001:4860::2"];
    expect(hosts.map((host) => verdict(denied, host))).toEqual(["denied", "denied", "denied", "allowed"]);
  });
});

describe("addresses that are not public", () => {
  const local = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "fe80::1", "0.0.0.0", "64:ff9b::a00:1"];

  test("need an entry of their own", () => {
    for (const host of local) {
      expect([host, allowed(["*", "example.com"], host), allowed([host], host)]).toEqual([
        host,
        "not_allowed_local",
        "allowed",
      ]);
    }
    expect(["localhost", "a.localhost"].map((host) => allowed(["*", "**.test"], host))).toEqual([
      "not_allowed_local",
      "not_allowed_local",
    ]);
    expect(allowed(["localhost"], "localhost")).toBe("allowed");
    expect(allowed(["*.localhost"], "a.localhost")).toBe("not_allowed_local");
  });

  test("with allow_local_binding a pattern that covers them is enough for loopback and private ones", () => {
    const found = (host: string) => verdict({ allowedDomains: ["*"], allowLocalBinding: true }, host);
    expect(local.map(found)).toEqual([
      "allowed",
      "allowed",
      "not_allowed_local",
      "allowed",
      "allowed",
      "not_allowed_local",
      "not_allowed_local",
      "not_allowed_local",
    ]);
    expect(["localhost", "a.localhost"].map(found)).toEqual(["allowed", "allowed"]);
    expect(verdict({ allowLocalBinding: true }, "127.0.0.1")).toBe("not_allowed_local");
  });
});

describe("limited mode", () => {
  const limited = (request: Partial<NetworkRequest>) =>
    verdict({ mode: "limited", allowedDomains: ["a.test"] }, "a.test", request);

  test("lets three methods through and no tunnel", () => {
    const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "PROPFIND"];
    expect(methods.filter((method) => limited({ method }) === "allowed")).toEqual(["GET", "HEAD", "OPTIONS"]);
    expect(limited({ method: "POST" })).toBe("method_not_allowed");
    expect(limited({ protocol: "https_connect", method: "CONNECT" })).toBe("method_not_allowed");
    expect(limited({ protocol: "socks5_tcp", method: undefined })).toBe("method_not_allowed");
  });

  test("tells first that a host is not allowed", () => {
    expect(verdict({ mode: "limited" }, "a.test", { method: "POST" })).toBe("not_allowed");
  });
});

describe("where a name leads", () => {
  const SIGNAL = new AbortController().signal;
  const LIMITS = { resolveMs: 5000, connectMs: 5000 };
  const find = async (settings: Partial<NetworkSettings>, host: string, addresses: string[]) => {
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return addresses;
    };
    const policy = networkPolicy(networkSettings({ allowedDomains: ["*"], ...settings }));
    const found = await findAddresses(policy, resolve, { host: hostOf(host), port: 443 }, LIMITS, SIGNAL);
    const outcome =
      found.kind === "found"
        ? found.addresses.map(({ text }) => text).join(" ")
        : found.kind === "blocked"
          ? found.verdict.reason
          : found.kind;
    return { outcome, asked };
  };

  test("every address is judged, and one that is not public refuses all", async () => {
    const outcomes = new Map<string, string>();
    for (const addresses of [
      ["93.184.216.34"],
      ["93.184.216.34", "2606:2800:220:1::1"],
      ["93.184.216.34", "127.0.0.1"],
      ["10.0.0.1"],
      ["::ffff:93.184.216.34"],
      ["64:ff9b::5db8:d822"],
      ["2002:5db8:d822::"],
      ["fe80::1%eth0"],
      ["93.184.216.34", "nonsense"],
      [],
    ]) {
      outcomes.set(addresses.join(" "), (await find({}, "a.test", addresses)).outcome);
    }
    expect(Object.fromEntries(outcomes)).toEqual({
      "93.184.216.34": "93.184.216.34",
      "93.184.216.34 2606:2800:220:1::1": "93.184.216.34 2606:2800:220:1::1",
      "93.184.216.34 127.0.0.1": "not_allowed_local",
      "10.0.0.1": "not_allowed_local",
      "::ffff:93.184.216.34": "not_allowed_local",
      "64:ff9b::5db8:d822": "not_allowed_local",
      "2002:5db8:d822::": "not_allowed_local",
      "fe80::1%eth0": "not_allowed_local",
      "93.184.216.34 nonsense": "not_allowed_local",
      "": "unresolved",
    });
  });

  test("an exact entry for the name changes nothing about that", async () => {
    const exact = { allowedDomains: ["a.test"] };
    expect((await find(exact, "a.test", ["127.0.0.1"])).outcome).toBe("not_allowed_local");
    // Not even together with the address: the name may lead elsewhere tomorrow, and the entry is for the literal.
    const both = { allowedDomains: ["a.test", "127.0.0.1"] };
    expect((await find(both, "a.test", ["127.0.0.1"])).outcome).toBe("not_allowed_local");
  });

  test("allow_local_binding lets names lead to loopback and private addresses, not to metadata services", async () => {
    const local = { allowLocalBinding: true };
    const addresses = ["127.0.0.1", "10.0.0.1", "fd00::1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"];
    const outcomes = await Promise.all(
      addresses.map(async (address) => (await find(local, "a.test", [address])).outcome),
    );
    expect(outcomes).toEqual([
      "127.0.0.1",
      "10.0.0.1",
      "fd00::1",
      "not_allowed_local",
      "not_allowed_local",
      "not_allowed_local",
      "not_allowed_local",
    ]);
  });

  test("a denied address is denied by any name", async () => {
    const denied = { deniedDomains: ["93.184.216.34"] };
    expect((await find(denied, "a.test", ["1.1.1.1", "93.184.216.34"])).outcome).toBe("denied");
    expect((await find({ deniedDomains: ["93.184.216.34:22"] }, "a.test", ["93.184.216.34"])).outcome).toBe(
      "93.184.216.34",
    );
  });

  test("nobody is asked about addresses and localhost", async () => {
    expect(await find({}, "1.1.1.1", ["10.0.0.1"])).toEqual({ outcome: "1.1.1.1", asked: 0 });
    const localhost = { allowedDomains: ["localhost"] };
    expect(await find(localhost, "localhost", ["10.0.0.1"])).toEqual({ outcome: "127.0.0.1 ::1", asked: 0 });
  });

  test("a resolver that fails or never answers is an unresolved name", async () => {
    const policy = networkPolicy(networkSettings({ allowedDomains: ["*"] }));
    const target = { host: hostOf("a.test"), port: 80 };
    const failing = await findAddresses(policy, () => Promise.reject(new Error("no")), target, LIMITS, SIGNAL);
    expect(failing.kind).toBe("unresolved");
    const never = await findAddresses(
      policy,
      () => new Promise(() => undefined),
      target,
      { ...LIMITS, resolveMs: 20 },
      SIGNAL,
    );
    expect(never.kind).toBe("unresolved");
  });

  test("whatever a name resolves to, what is dialled is public unless the settings say otherwise", async () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ipOfBytes(bytes).text),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipOfBytes(bytes).text),
      fc.ipV4(),
      fc.ipV6(),
      fc.string(),
      fc.constantFrom(
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "169.254.169.254",
        "8.8.8.8",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
      ),
    );
    const settings = fc.record({
      allowedDomains: fc.subarray(["*", "a.test", "127.0.0.1", "::1", "localhost"]),
      deniedDomains: fc.subarray(["8.8.8.8", "b.test", "10.0.0.1"]),
      allowLocalBinding: fc.boolean(),
    });
    const host = fc.constantFrom("a.test", "b.test", "localhost", "127.0.0.1", "8.8.8.8", "::1", "10.0.0.1");
    await fc.assert(
      fc.asyncProperty(settings, host, fc.array(address, { maxLength: 4 }), async (changes, name, addresses) => {
        const policy = networkPolicy(networkSettings(changes));
        const target = { host: hostOf(name), port: 80 };
        if (!judgeRequest(policy, { protocol: "http", method: "GET", ...target }).allowed) return;
        const found = await findAddresses(policy, async () => addresses, target, LIMITS, SIGNAL);
        if (found.kind !== "found") return;
        expect(found.addresses.length).toBeGreaterThan(0);
        for (const dialled of found.addresses) {
          const kind = classify(dialled);
          expect(changes.deniedDomains).not.toContain(dialled.text);
          const named = target.host.kind === "ip" && changes.allowedDomains.includes(name);
          const byName = name === "localhost" && changes.allowedDomains.includes(name) && kind === "loopback";
          const lifted = changes.allowLocalBinding && (kind === "loopback" || kind === "private");
          expect(kind === "public" || named || byName || lifted).toBe(true);
          expect(parseIp(dialled.text)).toEqual(dialled);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("public addresses of this machine", () => {
  const OWN = ["93.184.216.34", "2606:4700:0:0:0:0:0:1111", "fe80::1"];
  const policy = (changes: Partial<NetworkSettings>) => networkPolicy(networkSettings(changes), () => OWN);
  const ask = (changes: Partial<NetworkSettings>, host: string) => {
    const found = judgeRequest(policy(changes), { protocol: "http", method: "GET", host: hostOf(host), port: 80 });
    return found.allowed ? "allowed" : found.reason;
  };
  const lookUp = async (changes: Partial<NetworkSettings>, address: string) => {
    const target = { host: hostOf("site.test"), port: 80 };
    const limits = { resolveMs: 1000, connectMs: 1000 };
    const signal = new AbortController().signal;
    return (await findAddresses(policy(changes), async () => [address], target, limits, signal)).kind;
  };

  test("are reached only where an entry names them", () => {
    for (const host of ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"]) {
      expect(ask({ allowedDomains: ["*"] }, host)).toBe("not_allowed_local");
    }
    expect(ask({ allowedDomains: ["93.184.216.34"] }, "93.184.216.34")).toBe("allowed");
    expect(ask({ allowedDomains: ["*"], allowLocalBinding: true }, "93.184.216.34")).toBe("allowed");
    expect(ask({ allowedDomains: ["*"] }, "93.184.216.35")).toBe("allowed");
  });

  test("names that lead there are refused", async () => {
    for (const address of ["93.184.216.34", "2606:4700::1111"]) {
      expect(await lookUp({ allowedDomains: ["site.test"] }, address)).toBe("blocked");
      expect(await lookUp({ allowedDomains: ["site.test"], allowLocalBinding: true }, address)).toBe("found");
    }
    expect(await lookUp({ allowedDomains: ["site.test"] }, "93.184.216.35")).toBe("found");
  });

  test("are those of its interfaces, as they are now", () => {
    const known = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
    expect(networkPolicy(networkSettings()).ownAddresses().toSorted()).toEqual(known.toSorted());
    expect(known).toContain("127.0.0.1");
  });
});
