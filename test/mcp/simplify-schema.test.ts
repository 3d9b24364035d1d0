import { expect, test } from "bun:test";
import { simplifyToolSchema } from "#mcp/simplify-schema.ts";
import { cpuMs } from "../support/cpu-ms.ts";

const property = (schema: unknown) =>
  (simplifyToolSchema({ type: "object", properties: { p: schema } }).properties as Record<string, unknown>).p;

test.each([
  [
    { type: ["string", "null"], description: "d" },
    { type: "string", description: "d" },
  ],
  [{ type: "integer", minimum: 1 }, { type: "number" }],
  [
    { type: "string", enum: ["a", "b"], format: "x" },
    { type: "string", enum: ["a", "b"] },
  ],
  [{ const: "only" }, { type: "string", enum: ["only"] }],
  [
    { type: "array", items: { type: ["integer"] } },
    { type: "array", items: { type: "number" } },
  ],
  [{ type: "array" }, { type: "array", items: { type: "string" } }],
  [{ items: { type: "boolean" } }, { type: "array", items: { type: "boolean" } }],
  [
    { anyOf: [{ type: "null" }, { type: "number" }], description: "d" },
    { type: "number", description: "d" },
  ],
  [
    { properties: {}, additionalProperties: { type: "integer" } },
    { type: "object", properties: {}, additionalProperties: { type: "number" } },
  ],
  [{ multipleOf: 2 }, { type: "number" }],
  [{ type: "nonsense" }, { type: "string" }],
  [true, { type: "string" }],
  [null, { type: "string" }],
] as [unknown, unknown][])("%j", (given, simple) => {
  expect(property(given)).toEqual(simple);
});

test("the root is an object of sorted properties without $schema", () => {
  const simple = simplifyToolSchema({
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { b: { type: "string" }, a: { type: "boolean" } },
    required: ["b", 7],
    additionalProperties: false,
  });
  expect(JSON.stringify(simple)).toBe(
    '{"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"string"}},"required":["b"],"additionalProperties":false}',
  );
});

test.each([[undefined], ["text"], [[]], [{ type: "string" }]])("%j is an object without properties", (schema) => {
  expect(simplifyToolSchema(schema)).toEqual({ type: "object", properties: {} });
});

test("references are followed, and circles end", () => {
  const schema = {
    type: "object",
    properties: { node: { $ref: "#/$defs/Node" }, gone: { $ref: "#/$defs/Nope" }, far: { $ref: "http://x/y" } },
    $defs: { Node: { type: "object", properties: { name: { type: "string" }, next: { $ref: "#/$defs/Node" } } } },
  };
  const text = JSON.stringify(simplifyToolSchema(schema));
  expect(text).not.toContain("$ref");
  expect(text.length).toBeLessThan(10_000);
  expect(simplifyToolSchema({ $ref: "#" })).toEqual({ type: "object", properties: {} });
});

test("a reference within itself keeps its type", () => {
  const Node = {
    type: "object",
    properties: { next: { $ref: "#/$defs/Node" }, all: { items: { $ref: "#/$defs/Node" } } },
  };
  const simple = simplifyToolSchema({
    type: "object",
    properties: { node: { $ref: "#/$defs/Node" } },
    $defs: { Node },
  });
  const leaf = { type: "object", properties: {} };
  expect(simple.properties).toEqual({
    node: { type: "object", properties: { next: leaf, all: { type: "array", items: leaf } } },
  });
});

const refsTo = (name: string) =>
  Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`p${n}`, { $ref: `#/$defs/${name}` }]));

test("what references make of a small schema is bounded, for one and for a list", () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [`d${n}`, { type: "object", properties: refsTo(`d${n + 1}`) }]),
  );
  const bomb = { type: "object", properties: refsTo("d0"), $defs };
  expect(JSON.stringify(simplifyToolSchema(bomb)).length).toBeLessThan(300_000);
  const list = { parts: 12_000 };
  const texts = [1, 2, 3, 4].map(() => JSON.stringify(simplifyToolSchema(bomb, list)));
  expect(texts[3]).toBe('{"type":"object","properties":{}}');
  expect(list.parts).toBe(0);
});

test("a schema as long as a context is left out", () => {
  const simple = simplifyToolSchema({ type: "object", properties: { a: { description: "d".repeat(300_000) } } });
  expect(simple).toEqual({ type: "object", properties: {} });
});

test("references do not repeat a long text or list without end", async () => {
  const long = { type: "string", description: "x".repeat(500_000), enum: Array.from({ length: 50_000 }, () => null) };
  const properties = Object.fromEntries(Array.from({ length: 4_500 }, (_, at) => [`p${at}`, { $ref: "#/$defs/long" }]));
  const spent = await cpuMs(() => {
    simplifyToolSchema({ type: "object", $defs: { long }, properties });
  });
  expect(spent).toBeLessThan(500);
});
