import { expect, test } from "bun:test";
import { isIPv6 } from "node:net";
import fc from "fast-check";
import { type AddressClass, classify, ipOfBytes, parseIp, parseIpv4, parseIpv6 } from "#network-proxy/ip-address.ts";
import "../support/fuzz-seed.ts";

/** Each block of the registries with its edges on both sides. */
const CLASSES: Readonly<Record<string, AddressClass>> = {
  "0.0.0.0": "unspecified",
  "0.0.0.1": "reserved",
  "0.255.255.255": "reserved",
  "1.0.0.0": "public",
  "9.255.255.255": "public",
  "10.0.0.0": "private",
  "10.255.255.255": "private",
  "11.0.0.0": "public",
  "100.63.255.255": "public",
  "100.64.0.0": "private",
  "100.100.100.200": "private",
  "100.127.255.255": "private",
  "100.128.0.0": "public",
  "126.255.255.255": "public",
  "127.0.0.1": "loopback",
  "127.255.255.255": "loopback",
  "128.0.0.0": "public",
  "169.253.255.255": "public",
  "169.254.169.254": "link-local",
  "169.255.0.0": "public",
  "172.15.255.255": "public",
  "172.16.0.0": "private",
  "172.31.255.255": "private",
  "172.32.0.0": "public",
  "192.0.0.192": "reserved",
  "192.0.1.0": "public",
  "192.0.2.1": "reserved",
  "192.88.99.1": "reserved",
  "192.167.255.255": "public",
  "192.168.0.0": "private",
  "192.169.0.0": "public",
  "198.17.255.255": "public",
  "198.18.0.0": "reserved",
  "198.19.255.255": "reserved",
  "198.20.0.0": "public",
  "198.51.100.7": "reserved",
  "203.0.113.7": "reserved",
  "223.255.255.255": "public",
  "224.0.0.1": "multicast",
  "239.255.255.255": "multicast",
  "240.0.0.0": "reserved",
  "255.255.255.255": "reserved",
  "::": "unspecified",
  "::1": "loopback",
  "::2": "reserved",
  "::7f00:1": "reserved",
  "::ffff:1.1.1.1": "reserved",
  "::ffff:127.0.0.1": "reserved",
  "64:ff9b::808:808": "reserved",
  "64:ff9b:1::a00:1": "reserved",
  "100::1": "reserved",
  "2001::1": "reserved",
  "2001:1ff::": "reserved",
  "2001:200::1": "public",
  "2001:4860:4860::8888": "public",
  "2001:db8::1": "reserved",
  "2002:7f00:1::": "reserved",
  "2606:4700::1111": "public",
  "3fff::1": "reserved",
  "3fff:1000::": "public",
  "4000::": "reserved",
  "5f00::1": "reserved",
  "fc00::1": "private",
  "fd00:ec2::254": "private",
  "fe80::1": "link-local",
  "febf::1": "link-local",
  "fec0::1": "reserved",
  "ff02::1": "multicast",
};

test.each(Object.entries(CLASSES))("%s is %s", (text, expected) => {
  const address = parseIp(text);
  expect(address && classify(address)).toBe(expected);
});

test("one text for each IPv6 address, as RFC 5952 writes it", () => {
  const texts = [
    "2001:0DB8:0000:0000:0001:0000:0000:0001",
    "2001:db8:0:1:1:1:1:1",
    "0:0:0:0:0:0:0:0",
    "0:0:1:0:0:0:0:0",
    "::ffff:192.0.2.1",
    "1::",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
  ];
  expect(texts.map((text) => parseIpv6(text)?.text)).toEqual([
    "2001:db8::1:0:0:1",
    "2001:db8:0:1:1:1:1:1",
    "::",
    "0:0:1::",
    "::ffff:c000:201",
    "1::",
    "1:2:3:4:5:6:7:0",
    "0:2:3:4:5:6:7:8",
  ]);
});

test("what is no address", () => {
  const v4 = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "0x1.2.3.4",
    "256.1.1.1",
    "1.2.3.4 ",
    "1.2.3.-4",
    "１.2.3.4",
    "1..2.3",
  ];
  expect(v4.filter((text) => parseIpv4(text) !== undefined)).toEqual([]);
  const v6 = [
    "",
    ":",
    ":::",
    "1",
    "1:2",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1%eth0",
    "g::",
    "12345::",
  ];
  v6.push("1.2.3.4::", "::1.2.3", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "[::1]", "::01.2.3.4", "1:", ":1");
  expect(v6.filter((text) => parseIpv6(text) !== undefined)).toEqual([]);
});

test("the runtime reads every IPv6 address as we do", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const { text } = ipOfBytes(bytes);
      expect(isIPv6(text)).toBe(true);
      expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      expect(parseIpv6(text)?.bytes).toEqual([...bytes]);
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.]{2,20}$/), (text) =>
      expect(parseIpv6(text) !== undefined).toBe(isIPv6(text)),
    ),
  );
});
