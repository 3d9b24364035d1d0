import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DenialLog, denialReport, parseDenial } from "#sandbox/macos/denial-log.ts";
import { makePlace, type Place } from "../support.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const line = (eventMessage: string) => JSON.stringify({ eventMessage, processID: 0 });

test("a refusal is read out of the kernel's sentence, and nothing else is one", () => {
  expect(parseDenial(line("Sandbox: touch(4242) deny(1) file-write-create /private/etc/x y"))).toEqual({
    ...{ pid: 4242, name: "touch", capability: "file-write-create /private/etc/x y" },
  });
  expect(parseDenial(line("Sandbox: Google Chrome He(7) deny(5) mach-lookup com.apple.x"))?.name).toBe(
    "Google Chrome He",
  );
  const others = [
    "Filtering the log data using …",
    "",
    line("Sandbox: touch(1) allow file-read"),
    '{"eventMessage":3}',
    "[]",
    "null",
  ];
  expect(others.map(parseDenial)).toEqual(others.map(() => undefined));
});

test("the report names each program with what it was refused", () => {
  const denial = { pid: 1, name: "touch", capability: "file-write-create /x" };
  expect(denialReport([denial])).toBe("\n=== Sandbox denials ===\n(touch) file-write-create /x\n");
  expect(denialReport([])).toBe("\n=== Sandbox denials ===\nNone found.\n");
});

test("what processes that were there before were refused is left out, and each refusal is told once", async () => {
  const [log, ps] = ["log", "ps"].map((name) => join(place.base, name)) as [string, string];
  const denials = [
    "Sandbox: old(11) deny(1) file-read-data /a",
    "Sandbox: new(99) deny(1) file-read-data /b",
    "Sandbox: new(99) deny(1) file-read-data /b",
    "Sandbox: new(100) deny(1) network-outbound /c",
  ];
  const lines = ["Filtering the log data", ...denials.map(line)].map((text) => `echo '${text}'`);
  writeFileSync(log, `#!/bin/sh\n${lines.join("\n")}\nexec sleep 60\n`, { mode: 0o755 });
  writeFileSync(ps, "#!/bin/sh\nprintf '    1\\n   11\\n'\n", { mode: 0o755 });
  const listener = await DenialLog.start({ log, ps });
  expect((await listener.finish()).map(({ name, capability }) => `${name} ${capability}`)).toEqual([
    "new file-read-data /b",
    "new network-outbound /c",
  ]);
});
