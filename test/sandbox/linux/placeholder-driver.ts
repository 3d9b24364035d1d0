/**
 * Takes and gives up placeholders in step with another process that does the same, so that both meet in every round.
 * usage: bun placeholder-driver.ts <registry> <first path> <rounds> <own mark> <mark of the other> <folder to meet in>
 * Prints what each round came to: what `hold` said, and whether the folder was still there when both had gone.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Placeholders } from "#sandbox/linux/placeholders.ts";

const [registry = "", path = "", rounds = "", own = "", other = "", meetingPlace = ""] = process.argv.slice(2);

/** Waits without a pause, or they would not come at the same time. */
function meet(what: string): void {
  writeFileSync(join(meetingPlace, `${what}.${own}`), "");
  while (!existsSync(join(meetingPlace, `${what}.${other}`)));
}

const placeholders = new Placeholders(registry);
for (let round = 0; round < Number(rounds); round++) {
  const name = `${path}${round}`;
  meet(`hold-${round}`);
  const held = placeholders.hold(name);
  meet(`drop-${round}`);
  placeholders.drop(name);
  placeholders.sweep();
  meet(`gone-${round}`);
  console.log(held, existsSync(name) ? "left" : "gone");
}
