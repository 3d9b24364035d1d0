import { expect, test } from "bun:test";
import { VERSION } from "#lib/version.ts";

test("VERSION is the version of package.json", async () => {
  const manifest = await Bun.file(new URL("../../package.json", import.meta.url)).json();
  expect(VERSION).toBe(manifest.version);
});
