import { expect, test } from "bun:test";
import { join } from "node:path";

const SRC = join(import.meta.dir, "../../src");

/** Counts the modules of the SDK and its schema library that a script has loaded. */
async function sdkModules(script: string): Promise<number> {
  const count = `console.log(Object.keys(require.cache).filter((path) => /@modelcontextprotocol|zod/.test(path)).length)`;
  const child = Bun.spawn([process.execPath, "-e", `${script}\n${count}`], {
    cwd: SRC,
    stdout: "pipe",
    stderr: "inherit",
  });
  expect(await child.exited).toBe(0);
  return Number(await child.stdout.text());
}

test("the SDK is not loaded with the servers, only with the first connection", async () => {
  const composed = `await import("${SRC}/runtime/create.ts"); await import("${SRC}/runtime/mcp.ts");`;
  expect(await sdkModules(composed)).toBe(0);
  expect(await sdkModules(`await import("${SRC}/mcp/connect.ts");`)).toBeGreaterThan(10);
}, 30_000);

test("nothing of MCP is loaded with the runtime", async () => {
  const child = Bun.spawn(
    [
      process.execPath,
      "-e",
      `await import("${SRC}/runtime/create.ts"); console.log(Object.keys(require.cache).filter((path) => path.startsWith("${SRC}/mcp/")).join())`,
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  expect(await child.exited).toBe(0);
  expect((await child.stdout.text()).trim()).toBe("");
}, 30_000);
