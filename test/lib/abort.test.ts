import { describe, expect, test } from "bun:test";
import { eitherSignal } from "#lib/abort.ts";

describe("eitherSignal", () => {
  test("is aborted with the first of them, for its reason", () => {
    const [one, two] = [new AbortController(), new AbortController()];
    using either = eitherSignal(one.signal, two.signal);
    expect(either.signal.aborted).toBeFalse();
    two.abort(new Error("second"));
    one.abort(new Error("first"));
    expect(either.signal.reason).toEqual(new Error("second"));
  });

  test("is aborted from the beginning where one of them is", () => {
    const reason = new Error("before");
    using either = eitherSignal(new AbortController().signal, AbortSignal.abort(reason));
    expect([either.signal.aborted, either.signal.reason]).toEqual([true, reason]);
  });

  test("is not aborted any more once it is disposed of", () => {
    const one = new AbortController();
    const either = eitherSignal(one.signal);
    either[Symbol.dispose]();
    one.abort();
    expect(either.signal.aborted).toBeFalse();
  });
});
