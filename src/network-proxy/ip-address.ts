/** An IP address: 4 or 16 bytes, and its one text form (dotted decimal; RFC 5952 for IPv6, no brackets). */
export interface IpAddress {
  readonly bytes: readonly number[];
  readonly text: string;
}

/** What an address leads to. Everything but "public" is reached only by an entry that names it. */
export type AddressClass = "public" | "loopback" | "private" | "link-local" | "multicast" | "unspecified" | "reserved";

/** Four decimal parts without leading zeros, and nothing else. */
export function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return { bytes: parts.map(Number), text };
}

/** IPv6 without brackets or zone, in any of its spellings. */
export function parseIpv6(text: string): IpAddress | undefined {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? ipv6(head) : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return ipv6([...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]);
}

/** Either family. */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** From 4 or 16 raw bytes. */
export function ipOfBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4) return { bytes: [...bytes], text: bytes.join(".") };
  return ipv6(Array.from({ length: 8 }, (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0)));
}

/** The IPv4 address inside `::ffff:0:0/96`, or the address itself: both spellings reach the same machine. */
export function withoutMapping(address: IpAddress): IpAddress {
  return isMapped(address.bytes) ? ipOfBytes(Uint8Array.from(address.bytes.slice(12))) : address;
}

/**
 * From the IANA special-purpose registries. IPv6 is the other way round: only 2000::/3 without its special blocks is
 * public, so what carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo) is not.
 */
export function classify(address: IpAddress): AddressClass {
  return address.bytes.length === 4 ? classifyIpv4(address.bytes) : classifyIpv6(address.bytes);
}

/** First bytes of a network and how many bits of them count. */
type Block = readonly [network: readonly number[], bits: number, is: AddressClass];

const IPV4_BLOCKS: readonly Block[] = [
  [[0, 0, 0, 0], 32, "unspecified"],
  [[0], 8, "reserved"],
  [[10], 8, "private"],
  [[100, 64], 10, "private"],
  [[127], 8, "loopback"],
  [[169, 254], 16, "link-local"],
  [[172, 16], 12, "private"],
  [[192, 0, 0], 24, "reserved"],
  [[192, 0, 2], 24, "reserved"],
  [[192, 31, 196], 24, "reserved"],
  [[192, 52, 193], 24, "reserved"],
  [[192, 88, 99], 24, "reserved"],
  [[192, 168], 16, "private"],
  [[192, 175, 48], 24, "reserved"],
  [[198, 18], 15, "reserved"],
  [[198, 51, 100], 24, "reserved"],
  [[203, 0, 113], 24, "reserved"],
  [[224], 4, "multicast"],
  [[240], 4, "reserved"],
];

const IPV6_BLOCKS: readonly Block[] = [
  [Array<number>(16).fill(0), 128, "unspecified"],
  [[...Array<number>(15).fill(0), 1], 128, "loopback"],
  [[0xfc], 7, "private"],
  [[0xfe, 0x80], 10, "link-local"],
  [[0xff], 8, "multicast"],
  [[0x20, 0x01, 0x00], 23, "reserved"],
  [[0x20, 0x01, 0x0d, 0xb8], 32, "reserved"],
  [[0x20, 0x02], 16, "reserved"],
  [[0x3f, 0xff, 0x00], 20, "reserved"],
  [[0x20], 3, "public"],
];

function classifyIpv4(bytes: readonly number[]): AddressClass {
  return IPV4_BLOCKS.find(([network, bits]) => isInside(bytes, network, bits))?.[2] ?? "public";
}

function classifyIpv6(bytes: readonly number[]): AddressClass {
  return IPV6_BLOCKS.find(([network, bits]) => isInside(bytes, network, bits))?.[2] ?? "reserved";
}

function isInside(bytes: readonly number[], network: readonly number[], bits: number): boolean {
  for (let index = 0; index * 8 < bits; index++) {
    const counted = Math.min(8, bits - index * 8);
    const mask = (0xff << (8 - counted)) & 0xff;
    if (((bytes[index] ?? 0) & mask) !== ((network[index] ?? 0) & mask)) return false;
  }
  return true;
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes.length === 16 && isInside(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96);
}

/** The 16-bit groups of one side of `::`; dotted decimal may only end the address. */
function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else {
      const ipv4 = isLast && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (ipv4 === undefined) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = ipv4.bytes;
      groups.push(a * 256 + b, c * 256 + d);
    }
  }
  return groups;
}

function ipv6(groups: readonly number[]): IpAddress {
  const bytes = groups.flatMap((group) => [group >> 8, group & 0xff]);
  const hex = groups.map((group) => group.toString(16));
  const { start, length } = longestZeroRun(groups);
  const text = length < 2 ? hex.join(":") : `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
  return { bytes, text };
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  return best;
}
