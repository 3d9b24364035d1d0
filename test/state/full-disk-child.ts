/**
 * usage: full-disk-child.ts CODEX_HOME   (on a small file system of its own)
 *
 * Claims, finishes on a full disk, then again with room. Prints what came of it.
 */
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import { openState } from "#state/open.ts";
import { DAY, NOTHING_TO_IMPORT, output, rolloutFile, rolloutText, rules, T, threadId } from "./home.ts";

const codexHome = process.argv[2] ?? "";
const ballast = join(codexHome, "ballast");

function fill(): void {
  const fd = openSync(ballast, "w");
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    try {
      while (writeSync(fd, Buffer.alloc(size, 1)) > 0);
    } catch {
      // Full, for blocks of this size.
    }
  }
  closeSync(fd);
}

const id = threadId(1);
await Bun.write(rolloutFile(codexHome, id), rolloutText(id, { updatedAt: T - DAY }));
const store = await openState({ codexHome, artifacts: NOTHING_TO_IMPORT, report: (notice) => console.error(notice) });
await store.threads.backfill();
const [claim] = await store.stageOne.claim({ ...rules(), limit: 1, worker: "w" });
const learned = output({ rawMemory: "x".repeat(100_000) });
const finish = () => store.stageOne.finish({ now: T, threadId: id, token: claim?.token ?? "", output: learned });
fill();
const full = await finish().catch((error) => (error instanceof CodexError ? error.code : String(error)));
const between = (await store.outputs.list()).length;
rmSync(ballast);
const roomy = await finish();
writeFileSync(1, JSON.stringify({ full, between, roomy, after: (await store.outputs.list()).length }));
await store.close();
