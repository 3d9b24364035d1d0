import { expect, test } from "bun:test";

/** 2026-03-29 00:30 UTC: already the 29th in UTC and Tokyo, still the 28th in New York. */
const AT = Date.UTC(2026, 2, 29, 0, 30, 5);

test.each([
  ["UTC", "2026 03 29 00-30-05"],
  ["Etc/UTC", "2026 03 29 00-30-05"],
  ["America/New_York", "2026 03 28 20-30-05"],
  ["Asia/Tokyo", "2026 03 29 09-30-05"],
])("local parts under TZ=%s", (zone, parts) => {
  const script = `import { localDateParts } from "#lib/clock.ts"; const p = localDateParts(${AT}); console.log(p.year, p.month, p.day, p.time);`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script], {
    cwd: `${import.meta.dir}/../..`,
    env: { PATH: process.env.PATH ?? "", TZ: zone },
  });
  expect(stdout.toString().trim()).toBe(parts);
});
