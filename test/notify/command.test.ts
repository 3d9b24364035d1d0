import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cliBinary, runCli } from "../support/spawn-cli.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const TEXT = `don't "quote" <b>&amp; $(touch evil) \`x\`\n');exit 3;('`;

/** `codex debug notification` at a real terminal: its exit code and everything the terminal was sent. */
async function atTerminal(
  home: TempHome,
  args: readonly string[],
  env: Record<string, string>,
  isComplete = (screen: string) => screen.includes("\x07"),
) {
  mkdirSync(join(home.root, ".codex"), { recursive: true });
  const decoder = new TextDecoder();
  let screen = "";
  const child = Bun.spawn([cliBinary(), "debug", "notification", ...args], {
    cwd: home.cwd,
    env: { PATH: "/usr/bin:/bin", HOME: home.root, TERM: "xterm", ...env },
    terminal: {
      cols: 200,
      rows: 24,
      data: (_terminal, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const code = await child.exited;
  await until(() => isComplete(screen));
  child.terminal?.close();
  return { code, screen };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error("waited for ten seconds");
    await Bun.sleep(10);
  }
}

/** A folder with a `powershell.exe` that is this script. */
function fakePowershell(home: TempHome, script: string): string {
  const program = home.write("windows/powershell.exe", `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return dirname(program);
}

describe("codex debug notification", () => {
  test("sends OSC 9 where the terminal is known for it, and says by what", async () => {
    await using home = await tempHome();
    const { code, screen } = await atTerminal(home, ["one\ntwo"], { TERM_PROGRAM: "WezTerm" });
    expect(code).toBe(0);
    expect(screen).toBe(
      [
        "method: osc9 (TERM_PROGRAM is WezTerm)",
        "agent-turn-complete: yes; while you look at the terminal: no",
        "approval-requested: yes; while you look at the terminal: no",
        "\x1b]9;one two\x07",
      ].join("\r\n"),
    );
  }, 30_000);

  test("rings the bell elsewhere, and takes the method and the types of config.toml", async () => {
    await using home = await tempHome();
    const other = await atTerminal(home, [], {});
    expect(other.screen).toEndWith("\r\n\x07");
    home.write(
      ".codex/config.toml",
      `[tui]\nnotification_method = "osc9"\nnotifications = ["approval-requested"]\nnotification_condition = "always"\n`,
    );
    const configured = await atTerminal(home, ["hi"], {});
    expect(configured.screen).toBe(
      [
        "method: osc9 (it was asked for)",
        "agent-turn-complete: no; while you look at the terminal: no",
        "approval-requested: yes; while you look at the terminal: yes",
        "\x1b]9;hi\x07",
      ].join("\r\n"),
    );
    const chosen = await atTerminal(home, ["--method", "bel", "hi"], {});
    expect(chosen.screen).toEndWith("\r\n\x07");
  }, 30_000);

  test("tells nobody where there is no terminal", async () => {
    await using home = await tempHome();
    const run = await runCli(["debug", "notification", "--method", "bel"], { home: home.root, cwd: home.cwd });
    expect([run.code, run.stdout]).toEqual([1, ""]);
    expect(run.stderr).toStartWith("method: none (standard output is no terminal)\n");
  }, 30_000);
});

describe("a toast of Windows", () => {
  const WSL = { WT_SESSION: "guid", WSL_DISTRO_NAME: "Ubuntu", OPENAI_API_KEY: "sk-secret" };

  test("is shown by PowerShell with the text as data, and without our credentials", async () => {
    await using home = await tempHome();
    const out = join(home.root, "out");
    const folder = fakePowershell(
      home,
      `{ env; printf '%s\\n' "$@"; } > ${out}.part; mv ${out}.part ${out}; sleep 0.2`,
    );
    const env = { ...WSL, PATH: `${folder}:/usr/bin:/bin` };
    const { code, screen } = await atTerminal(home, [TEXT], env, (shown) => shown.includes("approval-requested"));
    expect(code).toBe(0);
    expect(screen).not.toContain("\x07");
    const lines = readFileSync(out, "utf8").trimEnd().split("\n");
    expect(lines.join("\n")).not.toContain("sk-secret");
    expect(lines.slice(-4, -1)).toEqual(["-NoProfile", "-NonInteractive", "-EncodedCommand"]);
    const script = Buffer.from(lines.at(-1) ?? "", "base64").toString("utf16le");
    const data = /FromBase64String\('([A-Za-z0-9+/=]*)'\)/.exec(script)?.[1] ?? "";
    expect(script.replace(data, "")).not.toContain("quote");
    expect(Buffer.from(data, "base64").toString()).toBe(
      `<toast><visual><binding template="ToastGeneric"><text>Codex</text><text>don't "quote" &lt;b&gt;&amp;amp; $(touch evil) \`x\` ');exit 3;('</text></binding></visual></toast>`,
    );
    expect(existsSync(join(home.cwd, "evil"))).toBe(false);
  }, 30_000);

  test.each([
    ["fails", "exit 4", 'powershell.exe" ended with 4'],
    ["hangs", "sleep 600 & wait", 'powershell.exe" took longer than 5 s'],
    ["is killed", "kill -9 $$", 'powershell.exe" ended with SIGKILL'],
  ])(
    "is replaced by the bell when PowerShell %s",
    async (_what, script, problem) => {
      await using home = await tempHome();
      const folder = fakePowershell(home, script);
      const { code, screen } = await atTerminal(home, ["x"], { ...WSL, PATH: `${folder}:/usr/bin:/bin` });
      expect(code).toBe(0);
      expect(screen).toContain(problem);
      expect(screen).toContain("\x07");
    },
    30_000,
  );

  test("is replaced by the bell without PowerShell", async () => {
    await using home = await tempHome();
    const { screen } = await atTerminal(home, ["x"], WSL);
    expect(screen).toContain("the bell was rung instead: powershell.exe is not on the PATH");
    expect(screen).toContain("\x07");
  }, 30_000);
});
