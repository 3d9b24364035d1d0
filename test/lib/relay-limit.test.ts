import { expect, test } from "bun:test";
import { relayLimit } from "#lib/relay-limit.ts";

test.each([
  ["1024", 384],
  ["300", 22],
  ["4096", 512],
  ["64", 16],
  ["unlimited", 512],
])("with %s descriptors a relay serves %d connections", (hard, connections) => {
  const limits = `Limit   Soft Limit   Hard Limit   Units\nMax open files            64        ${hard}      files\n`;
  expect(relayLimit(limits)).toBe(connections);
});

test("without such a file it serves what it does where they are plenty", () => {
  expect(relayLimit("")).toBe(512);
});
