import { expect, test } from "bun:test";
import { cliBinary } from "../support/spawn-cli.ts";
import { tempHome } from "../support/temp-home.ts";

/** Whether the refusal of a terminal's run, which needs no model, is preceded by a coloured header. */
async function isColoured(env: Record<string, string>, args: readonly string[] = []): Promise<boolean> {
  await using home = await tempHome({ git: true });
  let shown = "";
  const config = ["-c", "model_provider=p", "-c", "model_providers.p={name='P',env_key='NO_SUCH_KEY'}"];
  const child = Bun.spawn([cliBinary(), "exec", ...args, ...config, "go"], {
    cwd: home.cwd,
    env: { PATH: process.env.PATH ?? "", HOME: home.root, CODEX_HOME: home.codexHome, ...env },
    terminal: {
      data: (_terminal, chunk) => {
        shown += new TextDecoder().decode(chunk);
      },
    },
  });
  await child.exited;
  child.terminal?.close();
  expect(shown).toContain("Missing environment variable: `NO_SUCH_KEY`");
  return shown.includes("\u001b[1mworkdir:");
}

test("a terminal is coloured unless it or the user says otherwise", async () => {
  expect(await isColoured({ TERM: "xterm" })).toBe(true);
  expect(await isColoured({ TERM: "xterm", NO_COLOR: "1" })).toBe(false);
  expect(await isColoured({ TERM: "dumb" })).toBe(false);
  expect(await isColoured({ TERM: "dumb" }, ["--color", "always"])).toBe(true);
});
