import { describe, expect, test } from "bun:test";
import { findSecrets, REDACTED, redactSecrets } from "#lib/redact.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import {
  BARE_CONTEXTS,
  cleanLines,
  KEYED_CONTEXTS,
  leaks,
  PLAIN_MAKERS,
  type PlantedSecret,
  plant,
  SPLIT_CONTEXTS,
  seededRandom,
  TOKEN_MAKERS,
} from "./redact-corpus.ts";

/** Share of planted secrets of which nothing telling is left, and the first that leaked. */
function recall(planted: readonly PlantedSecret[]): { share: number; missed: string[] } {
  const missed = planted.filter(({ text, secret }) => leaks(redactSecrets(text), secret));
  return {
    share: 1 - missed.length / planted.length,
    missed: missed.slice(0, 12).map(({ kind, context, text }) => `${kind} / ${context}: ${JSON.stringify(text)}`),
  };
}

function expectRecall(planted: readonly PlantedSecret[], least: number): void {
  const { share, missed } = recall(planted);
  if (share < least) throw new Error(`recall ${share.toFixed(4)} < ${least}; missed:\n${missed.join("\n")}`);
  expect(share).toBeGreaterThanOrEqual(least);
}

describe("recall", () => {
  test("kinds that their form gives away, wherever they stand: 0.97", () => {
    expect(Object.keys(TOKEN_MAKERS).length).toBeGreaterThanOrEqual(50);
    expectRecall(plant(TOKEN_MAKERS, BARE_CONTEXTS, 4, 11), 0.97);
  });

  test("the same cut by a line break: 0.97", () => {
    const { "private key": _, ...oneLine } = TOKEN_MAKERS;
    expectRecall(plant(oneLine, SPLIT_CONTEXTS, 6, 12), 0.97);
  });

  test("the same after a key, a header, a flag or in a URL: 0.99", () => {
    const { "private key": _, ...oneLine } = TOKEN_MAKERS;
    expectRecall(plant(oneLine, KEYED_CONTEXTS, 2, 13), 0.99);
  });

  test("secrets without a form of their own, after a key: 0.99", () => {
    expectRecall(plant(PLAIN_MAKERS, KEYED_CONTEXTS, 40, 14), 0.99);
  });
});

describe("what is no secret stays", () => {
  test("5,000 clean lines, one by one and as one text", () => {
    const lines = cleanLines(5200, 21);
    const touched = lines.filter((line) => redactSecrets(line) !== line);
    expect(touched).toEqual([]);
    expect(lines.length).toBeGreaterThanOrEqual(5000);
    const text = lines.filter((line) => !line.includes("PRIVATE KEY")).join("\n");
    expect(findSecrets(text).map((span) => text.slice(span.start - 40, span.end))).toEqual([]);
  });

  test("words around a secret are kept to the letter", () => {
    const planted = plant(TOKEN_MAKERS, { between: (s) => `before the ${s} and after it` }, 1, 22);
    for (const { text } of planted) {
      expect(redactSecrets(text)).toMatch(/^before the (?:https:\/\/)?\[REDACTED_SECRET\] and after it$/);
    }
  });
});

describe("forms", () => {
  test.each([
    ["sk-proj-a-b-c-d-e-f-g-h1", REDACTED],
    ["Authorization: Basic YWRhOmh1bnRlcjI=", `Authorization: Basic ${REDACTED}`],
    ["Cookie: session=abc123def456; theme=dark", `Cookie: ${REDACTED}`],
    ["curl -u ada:hunter22 https://api.test", `curl -u ada:${REDACTED} https://api.test`],
    ["my password is hunter2!x", `my password is ${REDACTED}`],
    ["AccountKey=abcdEFGH1234+/abcd==;Suffix=x", `AccountKey=${REDACTED};Suffix=x`],
    ["https://acc.blob.test/x?sv=1&sig=abcDEF123%2Fabc%3D99999999", `https://acc.blob.test/x?sv=1&sig=${REDACTED}`],
    ["-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQ", REDACTED],
  ])("%j", (text, clean) => {
    expect(redactSecrets(text)).toBe(clean);
  });

  test("redacting twice changes nothing more", () => {
    for (const { text } of plant(TOKEN_MAKERS, { ...KEYED_CONTEXTS, ...BARE_CONTEXTS }, 1, 31)) {
      const once = redactSecrets(text);
      expect(redactSecrets(once)).toBe(once);
    }
  });

  test("spans are in order, apart and inside the text", () => {
    const text = plant(TOKEN_MAKERS, KEYED_CONTEXTS, 1, 32)
      .map((one) => one.text)
      .join("\n");
    let last = 0;
    for (const { start, end } of findSecrets(text)) {
      expect(start).toBeGreaterThanOrEqual(last);
      expect(end).toBeGreaterThan(start);
      last = end;
    }
    expect(last).toBeLessThanOrEqual(text.length);
  });

  test("hostile input takes time in proportion to its length", async () => {
    const pieces = [
      "token=",
      "-----BEGIN PRIVATE KEY-----",
      "eyJ",
      "://a:",
      "\\n",
      "password: ",
      "sk-",
      '"',
      "Bearer ",
    ];
    const random = seededRandom(33);
    const once = pieces.map((piece) => piece.repeat(20_000)).join("");
    const mixed = Array.from({ length: 40_000 }, () => pieces[Math.floor(random() * pieces.length)]).join("");
    const spent = await cpuMs(() => [findSecrets(once), findSecrets(mixed)]);
    expect(spent).toBeLessThan(8000);
  });
});

test.each([
  ["a gap behind a key", `token=${"\t".repeat(100_000)} x`],
  ["backslashes behind a token", `sk-${"abcd1234".repeat(5)}${"\\".repeat(5_000)} x`],
  ["signatures in each other", "-sig=".repeat(50_000)],
  ["cookies in each other", "cookie:a=".repeat(40_000)],
])("%s take time in proportion to their number", async (_, text) => {
  const spent = await cpuMs(() => findSecrets(text));
  expect(spent).toBeLessThan(1_000);
});
