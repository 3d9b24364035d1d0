import { expect, test } from "bun:test";
import { join } from "node:path";
import { isGone } from "../support/processes.ts";

/** Starts a server that ends for nothing but SIGKILL, tells its process id and waits. */
const HOLDER = `
  import { mcpStage } from "${join(import.meta.dir, "mcp-stage.ts")}";
  import { rawServer } from "${join(import.meta.dir, "../support/mcp-settings.ts")}";
  const at = await mcpStage([rawServer("stubborn"), rawServer("tiny")]);
  const first = JSON.parse(await at.text("stubborn", "env")).pid;
  const second = JSON.parse(await at.text("tiny", "env")).pid;
  console.log(first + " " + second);
  await Bun.sleep(60000);
`;

test("servers do not outlive a process that is killed", async () => {
  const holder = Bun.spawn([process.execPath, "-e", HOLDER], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  let said = "";
  for await (const chunk of holder.stdout) {
    said += Buffer.from(chunk).toString();
    if (said.includes("\n")) break;
  }
  const pids = said.trim().split(" ").map(Number);
  expect(pids.every((pid) => pid > 1)).toBe(true);
  holder.kill("SIGKILL");
  await holder.exited;
  expect(await Promise.all(pids.map(isGone))).toEqual([true, true]);
}, 30_000);
