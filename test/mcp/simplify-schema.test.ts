import { expect, test } from "bun:test";
import { simplifyToolSchema } from "#mcp/simplify-schema.ts";

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
