import { describe, expect, test } from "bun:test";
import { formatLine, isWanted, parseLogFilter } from "#telemetry/log.ts";
import { redact, registerSecret } from "#telemetry/redact.ts";

describe("RUST_LOG", () => {
  test("a bare level holds for every folder, and only up to that level", () => {
    const filter = parseLogFilter("warn");
    expect(isWanted(filter, "tools", "warn")).toBe(true);
    expect(isWanted(filter, "tools", "error")).toBe(true);
    expect(isWanted(filter, "tools", "info")).toBe(false);
  });

  test("target=level overrides the level for one folder, with or without a crate path", () => {
    const filter = parseLogFilter("error, codex_core::providers=trace,tools=off");
    expect(isWanted(filter, "providers", "trace")).toBe(true);
    expect(isWanted(filter, "tools", "error")).toBe(false);
    expect(isWanted(filter, "config", "warn")).toBe(false);
  });

  test.each(["", "nonsense", "=", "tools=", ",,,", "tools=loud"])("%j wants nothing", (text) => {
    expect(isWanted(parseLogFilter(text), "tools", "error")).toBe(false);
  });
});

describe("redaction", () => {
  test.each([
    ["key sk-abcdefghijklmnop1234", "key [REDACTED]"],
    ["authorization: Bearer abc.def-ghi_123", "authorization: Bearer [REDACTED]"],
    ['{"api_key":"hunter2hunter2"}', '{"api_key":"[REDACTED]"}'],
    ["MY_SECRET_TOKEN=s3cr3tvalue next", "MY_SECRET_TOKEN=[REDACTED] next"],
    ["ghp_0123456789abcdefghij0123", "[REDACTED]"],
  ])("%j", (text, clean) => {
    expect(redact(text)).toBe(clean);
  });

  test("a registered credential is replaced whatever it looks like", () => {
    registerSecret("plain-looking words");
    expect(redact("sent plain-looking words today")).toBe("sent [REDACTED] today");
  });

  test("ordinary text stays", () => {
    const text = "the tokenizer read 12 files; see docs/passwords.md and src/secret-garden.ts";
    expect(redact(text)).toBe(text);
  });

  test("a log line is redacted as a whole", () => {
    expect(formatLine("providers", "debug", "request", { url: "http://h/?api_key=abcdefgh1", attempt: 1 })).toMatch(
      /^\S+ DEBUG providers: request url="http:\/\/h\/\?api_key=\[REDACTED\]" attempt=1$/,
    );
  });
});
