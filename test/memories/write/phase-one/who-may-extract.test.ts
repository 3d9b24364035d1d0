import { expect, test } from "bun:test";
import { claimableThreads, servedProviders } from "#memories/write/phase-one/who-may-extract.ts";

test("without a model for all, the providers that can be called are served", () => {
  expect(servedProviders(["a", "b"], undefined)).toEqual(["a", "b"]);
});

test("a model for all serves every thread, and none when its provider cannot be called", () => {
  expect(servedProviders(["a", "b"], "b")).toBe("any");
  expect(servedProviders(["a"], "b")).toEqual([]);
});

test.each([
  ["builtin", true, ["a"], { type: "any" }],
  ["builtin", false, "any", { type: "any" }],
  ["model", true, ["a"], { type: "only", providers: ["a"] }],
  ["model", true, [], { type: "only", providers: [] }],
  ["model", true, "any", { type: "any" }],
  ["model", false, ["a"], { type: "only", providers: [] }],
  ["model", false, "any", { type: "only", providers: [] }],
  ["auto", true, ["a"], { type: "any" }],
  ["auto", true, "any", { type: "any" }],
  ["auto", false, ["a"], { type: "except", providers: ["a"] }],
  ["auto", false, [], { type: "except", providers: [] }],
  ["auto", false, "any", { type: "only", providers: [] }],
] as const)("%s, staying: %p, served: %p", (extractor, mayCallModels, served, expected) => {
  expect(claimableThreads({ extractor, mayCallModels, served })).toEqual(expected);
});
