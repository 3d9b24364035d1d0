import { expect, test } from "bun:test";
import fc from "fast-check";
import { ConfigError } from "#config/config-error.ts";
import type { ConfigFlags } from "#config/load.ts";
import { CONFIG_SCHEMA } from "#config/schema.ts";
import { CodexError } from "#lib/errors.ts";
import { configFixture } from "./fixture.ts";

const KEYS = CONFIG_SCHEMA.kind === "table" ? Object.keys(CONFIG_SCHEMA.fields) : [];
const INNER = ["name", "command", "url", "model", "enabled", "exporter", "otlp-http", "trust_level", "__proto__", "x"];

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.constantFrom("never", "read-only", "trusted", "none", "live"),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...INNER), fc.string()), tie("any"), { maxKeys: 3 }),
  ),
})).any;

test("whatever is given, loading succeeds or says what is wrong", async () => {
  using fixture = configFixture();
  const settings = fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), value, { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(settings, async (flags) => {
      const error = await fixture.load({ flags: flags as ConfigFlags }).then(() => undefined, identity);
      if (error !== undefined) expect(error).toBeInstanceOf(CodexError);
    }),
    { numRuns: 500 },
  );
});

test("whatever a file holds, it loads or the place of the mistake is named", async () => {
  using fixture = configFixture();
  const piece = fc.oneof(
    fc.constantFrom(
      ...KEYS,
      "[",
      "]",
      "[[",
      "{",
      "}",
      "=",
      ".",
      ",",
      '"',
      "'''",
      "\n",
      "\r\n",
      "#",
      "true",
      "1",
      "\\u",
    ),
    fc.string({ unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 25 }), async (pieces) => {
      const file = fixture.write("home/config.toml", pieces.join(""));
      const error = await fixture.load().then(() => undefined, identity);
      if (error === undefined) return;
      if (!(error instanceof ConfigError)) expect(error).toMatchObject({ code: "profile_not_found" });
      else expect(error.message).toMatch(placeIn(file));
    }),
    { numRuns: 500 },
  );
});

function identity(error: unknown): unknown {
  return error;
}

function placeIn(file: string): RegExp {
  return new RegExp(`^Error loading config\\.toml:\\n${RegExp.escape(file)}:[1-9]\\d*:[1-9]\\d*: .`);
}
