import { expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempHome } from "../../support/temp-home.ts";

const REPO = join(import.meta.dir, "../../..");

test("a browser gets the address as one word, and none of our credentials", async () => {
  await using home = await tempHome();
  const out = join(home.root, "out");
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  const program = home.write(`bin/${opener}`, `#!/bin/sh\n{ echo "$# $1"; env; } > "${out}"\necho > "${out}.done"\n`);
  chmodSync(program, 0o755);
  const url = "https://as.example/authorize?a=1&b=$(reboot)";
  const script = `import { openBrowser } from "#cli/commands/mcp/open-browser.ts";
    openBrowser(${JSON.stringify(url)});
    while (!(await Bun.file(${JSON.stringify(`${out}.done`)}).exists())) await Bun.sleep(10);`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    cwd: REPO,
    env: { PATH: `${join(home.root, "bin")}:/usr/bin:/bin`, OPENAI_API_KEY: "k1", CODEX_API_KEY: "k2", DISPLAY: ":7" },
    timeout: 30_000,
  });
  expect(await child.exited).toBe(0);
  const [words, ...variables] = readFileSync(out, "utf8").trimEnd().split("\n");
  expect(words).toBe(`1 ${url}`);
  expect(variables).toContain("DISPLAY=:7");
  expect(variables.filter((line) => /_API_KEY=/.test(line))).toEqual([]);
}, 40_000);

const isLinux = process.platform === "linux";

test.each([
  ["a screen", { DISPLAY: ":0" }, true],
  ["a Wayland screen", { WAYLAND_DISPLAY: "wayland-0" }, true],
  ["no screen", {}, !isLinux],
  ["a screen of a CI machine", { DISPLAY: ":0", CI: "true" }, false],
])(
  "at a terminal with %s",
  async (_what, env, isSeen) => {
    const script = `import { hasBrowser } from "#cli/commands/mcp/open-browser.ts"; process.exit(hasBrowser() ? 10 : 11);`;
    const argv = [process.execPath, "-e", script];
    const options = { cwd: REPO, env: { PATH: "/usr/bin:/bin", ...env }, timeout: 30_000 };
    const child = Bun.spawn(argv, { ...options, terminal: {} });
    expect(await child.exited).toBe(isSeen ? 10 : 11);
    child.terminal?.close();
    expect(Bun.spawnSync(argv, options).exitCode).toBe(11);
  },
  40_000,
);
