import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { row, seeded } from "../fixture.ts";

const SCRIPT = fileURLToPath(import.meta.resolve("../small-disk.ts"));
const USERS = "# Memory\n\n## Notes\n\nmine\n";

/** A file system of its own needs user namespaces; where they are forbidden nothing is shown, and that is said. */
const canMount = Bun.spawnSync(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitCode === 0;
if (!canMount) console.error("SKIPPED: a full disk in the middle of a publish (no user namespaces with mounts here)");

test.if(canMount)("a disk that fills up before any step leaves whole files, and room ends it well", async () => {
  let steps = 0;
  let failures = 0;
  for (let step = 0; step <= steps; step++) {
    await using home = await seeded([2, 1].map((n) => row(n)));
    mkdirSync(home.root);
    const setUp = `mount -t tmpfs -o size=256k tmpfs "$1/memories" && printf '%s' "$4" > "$1/memories/MEMORY.md" && exec "$2" "$3" "$1" "$5"`;
    const child = Bun.spawn(
      ["unshare", "-rm", "sh", "-c", setUp, "sh", home.path, process.execPath, SCRIPT, USERS, String(step)],
      { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    );
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([await child.exited, stderr]).toEqual([0, ""]);
    const { full, afterFull, roomy, after, ...rest } = JSON.parse(stdout);
    if (step === 0) steps = rest.steps;
    expect(["published", "failed"]).toContain(full.type);
    if (full.type === "failed") failures++;
    if (full.type === "failed") expect(full.error).toMatch(/ENOSPC|no space/i);
    const merged = expect.stringMatching(/^# Memory\n\n## Summary\n[\s\S]*Keep answer 2[\s\S]*\n## Notes\n\nmine\n$/);
    expect(afterFull["MEMORY.md"]).toEqual(full.type === "failed" ? USERS : merged);
    expect(roomy.type).toBe(full.type === "failed" ? "published" : "skipped");
    expect(after["MEMORY.md"]).toEqual(merged);
    expect(Object.keys(after).filter((name) => name.endsWith(".tmp") || name.startsWith(".staging"))).toEqual([]);
  }
  expect(steps).toBeGreaterThan(10);
  expect(failures).toBeGreaterThan(3);
});
