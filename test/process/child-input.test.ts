import { expect, test } from "bun:test";
import { childInput } from "#process/child-input.ts";

async function read(bytes: Uint8Array, command = "cat"): Promise<string> {
  const child = (() => {
    using input = childInput(bytes);
    return Bun.spawn(["/bin/sh", "-c", command], { stdio: [input.stdin, "pipe", "inherit"] });
  })();
  const text = await new Response(child.stdout).text();
  await child.exited;
  return text;
}

test("a child reads all of it, from its beginning, and then the end", async () => {
  expect(await read(Buffer.from("one\ntwo\n"))).toBe("one\ntwo\n");
  expect(await read(new Uint8Array())).toBe("");
  const long = "x".repeat(3_000_000);
  expect(await read(Buffer.from(long))).toBe(long);
});

test("a child may open it again by its name", async () => {
  expect(await read(Buffer.from("again"), "cat /dev/stdin")).toBe("again");
});
