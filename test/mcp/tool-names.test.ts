import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { qualifiedToolName } from "#mcp/tool-names.ts";

test("characters that a function name cannot have become underscores", () => {
  expect(qualifiedToolName("srv", "a.b")).toBe("mcp__srv__a_b");
  expect(qualifiedToolName("srv", "ünï")).toBe("mcp__srv___n_");
  expect(qualifiedToolName("srv", "x😀y")).toBe("mcp__srv__x_y");
  expect(qualifiedToolName("srv", "get-sum")).toBe("mcp__srv__get-sum");
});

test("64 characters fit, 65 are shortened to 24 and a hash of the name as it is spelled", () => {
  const room = 64 - "mcp__srv__".length;
  expect(qualifiedToolName("srv", "x".repeat(room))).toBe(`mcp__srv__${"x".repeat(room)}`);
  const long = `mcp__srv__${"x".repeat(room)}.`;
  const hash = createHash("sha1").update(long).digest("hex");
  expect(qualifiedToolName("srv", `${"x".repeat(room)}.`)).toBe(`mcp__srv__xxxxxxxxxxxxxx${hash}`);
});

test("two long names that differ only in what is replaced stay apart", () => {
  const names = ["a.".repeat(40), "a_".repeat(40)].map((tool) => qualifiedToolName("srv", tool));
  expect(new Set(names).size).toBe(2);
  expect(names.map((name) => name.length)).toEqual([64, 64]);
});
