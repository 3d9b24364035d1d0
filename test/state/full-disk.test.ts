import { expect, test } from "bun:test";
import { join } from "node:path";
import { testHome } from "./home.ts";

/** A file system of its own needs user namespaces; where they are forbidden nothing is shown, and that is said. */
const canMount = Bun.spawnSync(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitCode === 0;
if (!canMount) console.error("SKIPPED: a full disk under the state database (no user namespaces with mounts here)");

test.if(canMount)(
  "on a full disk a finish says so and changes nothing, and with room the owner can finish",
  async () => {
    const home = testHome();
    try {
      const setUp = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1"';
      const script = join(import.meta.dir, "full-disk-child.ts");
      const child = Bun.spawn(["unshare", "-rm", "sh", "-c", setUp, "sh", home.path, process.execPath, script], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      expect([await child.exited, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toEqual({ full: "state_full", between: 0, roomy: true, after: 1 });
    } finally {
      home.remove();
    }
  },
);
