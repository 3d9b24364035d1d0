import { describe, expect, test } from "bun:test";
import { failureOfIncomplete, failureOfResponseError, failureOfStatus, failureOfTransport } from "#providers/errors.ts";
import type { ModelFailure } from "#providers/model-client.ts";

const NOW = 1_800_000_000_000;

function refused(status: number, body: string | object, headers: Record<string, string> = {}): ModelFailure {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return failureOfStatus({
    status,
    headers: new Headers(headers),
    body: text,
    url: "http://h/v1/responses",
    nowMs: NOW,
  });
}

describe("response.failed", () => {
  const final = (kind: Extract<ModelFailure, { retry: false }>["kind"], message: string): ModelFailure => ({
    retry: false,
    kind,
    message,
  });

  test.each([
    [
      "context_length_exceeded",
      final(
        "context_window",
        "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
      ),
    ],
    ["insufficient_quota", final("quota", "Quota exceeded. Check your plan and billing details.")],
    ["invalid_prompt", final("bad_request", "msg")],
    ["server_is_overloaded", final("overloaded", "Selected model is at capacity. Please try a different model.")],
    ["rate_limit_exceeded", { retry: true, message: "stream disconnected before completion: msg" }],
    ["slow_down", { retry: true, message: "stream disconnected before completion: msg" }],
    ["never_heard_of", { retry: true, message: "stream disconnected before completion: msg" }],
  ] satisfies [string, ModelFailure][])("%s", (code, failure) => {
    expect(failureOfResponseError({ code, message: "msg" })).toEqual(failure);
  });

  test("a plan without Codex is final", () => {
    expect(failureOfResponseError({ code: "usage_not_included" })).toMatchObject({ retry: false, kind: "usage_limit" });
  });

  test("fields that are missing or of a wrong type", () => {
    const unnamed = "stream disconnected before completion: response.failed event received";
    for (const error of [undefined, null, "text", {}, { code: 5, message: 5 }]) {
      expect(failureOfResponseError(error)).toEqual({ retry: true, message: unnamed });
    }
    expect(failureOfResponseError({ code: "invalid_prompt" })).toEqual(final("bad_request", "Invalid request."));
  });

  test.each([
    ["try again in 1.5s.", 1500],
    ["Please try again in 20ms", 20],
    ["Try Again in 3 seconds", 3000],
    ["try again in 1 second", 1000],
    ["try again in 120s", 120_000],
    ["try again in 121s", undefined],
    ["try again in 5 minutes", undefined],
    ["try again later", undefined],
  ])("the wait in %p is %p", (message, delayMs) => {
    const failure = failureOfResponseError({ code: "rate_limit_exceeded", message });
    expect(failure).toEqual({
      retry: true,
      message: `stream disconnected before completion: ${message}`,
      ...(delayMs === undefined ? {} : { delayMs }),
    });
  });

  test("response.incomplete is final", () => {
    const incomplete = (details: unknown) => failureOfIncomplete(details).message;
    expect(incomplete({ reason: "content_filter" })).toBe("Incomplete response returned, reason: content_filter");
    expect(incomplete(null)).toBe("Incomplete response returned, reason: unknown");
  });
});

describe("HTTP statuses", () => {
  test("the quoted body: the error's message, else the text, else a stand-in, cut at 1000", () => {
    const quoted = (body: string | object) => refused(404, body).message;
    const wrap = (text: string) => `unexpected status 404 Not Found: ${text}, url: http://h/v1/responses`;
    expect(quoted({ error: { message: "m" } })).toBe(wrap("m"));
    expect(quoted({ error: { message: "" } })).toBe(wrap('{"error":{"message":""}}'));
    expect(quoted({ error: "m" })).toBe(wrap('{"error":"m"}'));
    expect(quoted({ detail: "m" })).toBe(wrap('{"detail":"m"}'));
    expect(quoted("plain")).toBe(wrap("plain"));
    expect(quoted("")).toBe(wrap("Unknown error"));
    expect(quoted("x".repeat(1000))).toBe(wrap("x".repeat(1000)));
    expect(quoted("x".repeat(1001))).toBe(wrap(`${"x".repeat(1000)}...`));
  });

  test("400 is the raw body; a context overflow is told apart", () => {
    expect(refused(400, "raw")).toEqual({ retry: false, kind: "bad_request", message: "raw" });
    expect(refused(400, "")).toMatchObject({ retry: false, kind: "bad_request" });
    expect(refused(400, "").message).not.toBe("");
    expect(refused(400, { error: { code: "context_length_exceeded" } })).toMatchObject({ kind: "context_window" });
  });

  test("429 by type", () => {
    const error = (fields: object) => refused(429, { error: fields }, { "retry-after": "1" });
    expect(error({ type: "insufficient_quota" })).toEqual({
      retry: false,
      kind: "quota",
      message: "Quota exceeded. Check your plan and billing details.",
    });
    expect(error({ type: "usage_not_included" })).toMatchObject({ retry: false, kind: "usage_limit" });
    expect(error({ type: "usage_limit_reached", resets_at: 1895389860 })).toMatchObject({ kind: "usage_limit" });
    expect(error({ type: "other" })).toMatchObject({ retry: true, delayMs: 1000 });
    expect(refused(429, "", { "x-request-id": "rid" }).message).toBe(
      "exceeded retry limit, last status: 429 Too Many Requests, request id: rid",
    );
  });

  test("retry-after as a date", () => {
    const at = (ms: number) => refused(429, "", { "retry-after": new Date(ms).toUTCString() });
    expect(at(NOW + 5000)).toMatchObject({ retry: true, delayMs: 5000 });
    expect(at(NOW - 5000)).toEqual({
      retry: true,
      message: "exceeded retry limit, last status: 429 Too Many Requests",
    });
    expect(at(NOW + 120_000)).toMatchObject({ retry: true, delayMs: 120_000 });
    expect(at(NOW + 121_000)).toMatchObject({ retry: false });
    for (const junk of ["-5", "1e3", "2026", "soon", " "]) {
      expect({ junk, ...refused(429, "", { "retry-after": junk }) }).toMatchObject({ junk, retry: false });
    }
  });

  test("5xx", () => {
    const busy = "We're currently experiencing high demand, which may cause temporary errors.";
    const capacity = "Selected model is at capacity. Please try a different model.";
    expect(refused(500, { error: { code: "server_is_overloaded" } })).toEqual({ retry: true, message: busy });
    for (const code of ["server_is_overloaded", "slow_down"]) {
      expect(refused(503, { error: { code } })).toEqual({ retry: false, kind: "overloaded", message: capacity });
    }
    expect(refused(503, "down").message).toStartWith("unexpected status 503 Service Unavailable: down");
    expect(refused(599, "").message).toStartWith("unexpected status 599 <unknown status code>: Unknown error");
  });
});

describe("the usage limit names its end", () => {
  const script = `
    const { usageLimitMessage } = await import("${import.meta.dir}/../../src/providers/usage-limit.ts");
    const times = JSON.parse(process.argv.at(-1));
    console.log(JSON.stringify(times.map(usageLimitMessage)));`;

  /** The time zone is fixed when a process starts, so another process is asked. */
  function messages(times: unknown[], zone: string): string[] {
    const env = { ...process.env, TZ: zone };
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script, JSON.stringify(times)], { env });
    return JSON.parse(stdout.toString());
  }

  test("in local time, with an ordinal day", () => {
    const at = (text: string) => Date.parse(text) / 1000;
    const found = messages(
      [
        1895389860,
        at("2026-11-01T00:05:00Z"),
        at("2026-02-02T12:00:00Z"),
        at("2026-03-11T23:59:00Z"),
        at("2026-12-21T11:00:00Z"),
      ],
      "UTC",
    );
    const whens = found.map((text) => text.replace(/^.* try again at (.*)\.$/, "$1"));
    expect(whens).toEqual([
      "Jan 23rd, 2030 9:11 AM",
      "Nov 1st, 2026 12:05 AM",
      "Feb 2nd, 2026 12:00 PM",
      "Mar 11th, 2026 11:59 PM",
      "Dec 21st, 2026 11:00 AM",
    ]);
    expect(found[0]).toStartWith("You've hit your usage limit. ");
    expect(messages([1895389860], "Asia/Tokyo")[0]).toEndWith("try again at Jan 23rd, 2030 6:11 PM.");
  });

  test("or says later", () => {
    expect(messages([null, "soon"], "UTC").map((text) => text.endsWith("try again later."))).toEqual([true, true]);
  });
});

describe("transport errors", () => {
  const url = "http://h/v1/responses";
  const withCode = (code: string, message: string) => Object.assign(new Error(message), { code });
  const sending = `stream disconnected before completion: error sending request for url (${url})`;

  test("refused and reset say the address, an unknown host says why", () => {
    expect(failureOfTransport(withCode("ECONNREFUSED", "x"), url)).toEqual({ retry: true, message: sending });
    expect(failureOfTransport("not an error", url)).toEqual({ retry: true, message: sending });
    expect(failureOfTransport(withCode("ENOTFOUND", "getaddrinfo ENOTFOUND h"), url)).toEqual({
      retry: true,
      message: `${sending}: getaddrinfo ENOTFOUND h`,
    });
  });

  test("a proxy that stands between is told of, and so is a server without TLS", () => {
    expect(failureOfTransport(withCode("ECONNREFUSED", "x"), url, "HTTP_PROXY")).toEqual({
      retry: true,
      message: `${sending} through the proxy that HTTP_PROXY names`,
    });
    expect(failureOfTransport(withCode("EPROTO", "x"), url)).toEqual({
      retry: true,
      message: `${sending}: what answers there does not speak TLS`,
    });
  });

  test("certificates are final", () => {
    for (const code of ["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]) {
      expect(failureOfTransport(withCode(code, "x"), url)).toMatchObject({ retry: false });
    }
  });
});
