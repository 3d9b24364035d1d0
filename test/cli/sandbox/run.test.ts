import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { whySkipped } from "../../sandbox/support.ts";
import { type CliOptions, cliBinary, runCli } from "../../support/spawn-cli.ts";
import { type TempHome, tempHome } from "../../support/temp-home.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);

/** Outside the temporary folders, which workspace-write opens too. */
const CLOSED = [
  "-c",
  "sandbox_workspace_write.exclude_slash_tmp=true",
  "-c",
  "sandbox_workspace_write.exclude_tmpdir_env_var=true",
];

const optionsOf = (home: TempHome, env: Record<string, string | undefined> = {}): CliOptions => ({
  home: home.root,
  cwd: home.cwd,
  env: { CODEX_HOME: home.codexHome, ...env },
});

describe.skipIf(skip || process.platform !== "linux")("codex sandbox", () => {
  test("passes exit codes, signals and the standard streams through, under every name it has", async () => {
    await using home = await tempHome();
    const run = (...args: string[]) => runCli(args, { ...optionsOf(home), stdin: "in" });
    const script = ["sh", "-c", "cat; echo err >&2; exit 3"];
    for (const name of [["sandbox"], ["sandbox", "linux"], ["sandbox", "landlock"], ["debug", "landlock"]]) {
      const { code, stdout, stderr } = await run(...name, ...script);
      expect([name, code, stdout, stderr]).toEqual([name, 3, "in", "err\n"]);
    }
    expect((await run("sandbox", "linux", "--", "sh", "-c", "kill -TERM $$")).code).toBe(128 + 15);
    expect((await run("sandbox", "--", "sh", "-c", "kill -KILL $$")).code).toBe(128 + 9);
  });

  test("a program that is missing is 127, one that cannot be executed 126", async () => {
    await using home = await tempHome();
    writeFileSync(join(home.cwd, "text"), "");
    const ends = await Promise.all(
      ["nowhere-to-be-found", "./text", "/etc", ""].map((program) =>
        runCli(["sandbox", "linux", "--", program], optionsOf(home)),
      ),
    );
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
      [127, 'Error: cannot execute "nowhere-to-be-found": No such file or directory\n'],
      [126, 'Error: cannot execute "./text": Permission denied\n'],
      [126, 'Error: cannot execute "/etc": Permission denied\n'],
      [127, 'Error: cannot execute "": No such file or directory\n'],
    ]);
  });

  test("what follows the program is the program's, whatever it looks like", async () => {
    await using home = await tempHome();
    const { stdout } = await runCli(
      ["sandbox", "echo", "-C", "/nowhere", "--version", "--", "doctor"],
      optionsOf(home),
    );
    expect(stdout).toBe("-C /nowhere --version -- doctor\n");
  });

  test("is read-only until something asks for more", async () => {
    await using home = await tempHome();
    const writes = async (args: string[]) => {
      const { code } = await runCli(
        ["sandbox", ...CLOSED, ...args, "sh", "-c", "touch made && rm made"],
        optionsOf(home),
      );
      return code === 0;
    };
    expect(await writes([])).toBe(false);
    expect(await writes(["--full-auto"])).toBe(true);
    expect(await writes(["-s", "workspace-write"])).toBe(true);
    expect(await writes(["-c", "sandbox_mode=workspace-write"])).toBe(true);
    home.write("home/config.toml", 'sandbox_mode = "workspace-write"');
    expect(await writes([])).toBe(true);
    expect(await writes(["-s", "read-only"])).toBe(false);
    home.write("home/config.toml", `[projects."${home.cwd}"]\ntrust_level = "trusted"`);
    expect(await writes([])).toBe(false);
  });

  test("sandbox_workspace_write, -C and --add-dir decide what is writable", async () => {
    await using home = await tempHome();
    const [other, third] = [join(home.root, "other"), join(home.root, "third")];
    for (const folder of [other, third]) mkdirSync(folder);
    const attempt = async (folder: string, args: string[]) =>
      (await runCli(["sandbox", "--full-auto", ...CLOSED, ...args, "touch", join(folder, "x")], optionsOf(home)))
        .code === 0;
    expect(await attempt(other, [])).toBe(false);
    expect(await attempt(other, ["--add-dir", "../other"])).toBe(true);
    expect(await attempt(home.cwd, ["-C", third])).toBe(false);
    expect(await attempt(third, ["-C", third])).toBe(true);
    home.write("home/config.toml", `[sandbox_workspace_write]\nwritable_roots = ["${other}"]`);
    expect(await attempt(other, [])).toBe(true);
  });

  test("danger-full-access says that there is no sandbox", async () => {
    await using home = await tempHome();
    const { code, stderr } = await runCli(["sandbox", "-s", "danger-full-access", "touch", "made"], optionsOf(home));
    expect([code, existsSync(join(home.cwd, "made"))]).toEqual([0, true]);
    expect(stderr).toContain("without a sandbox");
  });

  test("our own keys stay outside, everything else the policy keeps is there", async () => {
    await using home = await tempHome();
    const env = { OPENAI_API_KEY: "k", CODEX_API_KEY: "k", OTHER_TOKEN: "t", TERM: "xterm", UNWANTED: "u" };
    const { stdout } = await runCli(
      ["sandbox", "-c", 'shell_environment_policy.exclude=["UNW*"]', "env"],
      optionsOf(home, env),
    );
    const names = stdout.split("\n");
    expect(names).toContain("OTHER_TOKEN=t");
    expect(names).toContain("TERM=xterm");
    expect(names).toContain("CODEX_SANDBOX_NETWORK_DISABLED=1");
    expect(names.filter((line) => /^(OPENAI_API_KEY|CODEX_API_KEY|UNWANTED|CODEX_THREAD_ID)=/.test(line))).toEqual([]);
  });

  test("other systems' sandboxes are refused in Codex CLI's words", async () => {
    await using home = await tempHome();
    const refusal = async (...args: string[]) => {
      const { code, stderr } = await runCli([...args, "true"], optionsOf(home));
      return [code, stderr];
    };
    const seatbelt = [1, "Error: Seatbelt sandbox is only available on macOS\n"];
    expect(await refusal("sandbox", "macos", "--log-denials")).toEqual(seatbelt);
    expect(await refusal("sandbox", "seatbelt")).toEqual(seatbelt);
    expect(await refusal("debug", "seatbelt")).toEqual(seatbelt);
    expect(await refusal("sandbox", "windows", "--full-auto")).toEqual([
      1,
      "Error: Windows sandbox is only available on Windows\n",
    ]);
  });

  test("without a command it is a usage error", async () => {
    await using home = await tempHome();
    expect((await runCli(["sandbox"], optionsOf(home))).code).toBe(2);
    expect((await runCli(["sandbox", "linux"], optionsOf(home))).code).toBe(2);
  });

  test("being asked to end ends the command and leaves nothing in the workspace", async () => {
    await using home = await tempHome();
    const child = Bun.spawn([cliBinary(), "sandbox", "--full-auto", "sh", "-c", "echo ready; exec sleep 600"], {
      cwd: home.cwd,
      env: { PATH: "/usr/bin:/bin", HOME: home.root, CODEX_HOME: home.codexHome },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await child.stdout.getReader().read();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(128 + 15);
    for (let tries = 0; tries < 1000 && readdirSync(home.cwd).length > 0; tries++) await Bun.sleep(50);
    expect(readdirSync(home.cwd)).toEqual([]);
  });
});

describe.skipIf(skip || process.platform !== "linux")("codex sandbox on a terminal", () => {
  /** Starts it on a terminal of its own; `until` waits for output. */
  function start(home: TempHome, argv: string[]) {
    let output = "";
    const child = Bun.spawn([cliBinary(), "sandbox", "linux", "--", ...argv], {
      cwd: home.cwd,
      env: { PATH: "/usr/bin:/bin", HOME: home.root, CODEX_HOME: home.codexHome, TERM: "xterm" },
      terminal: {
        cols: 80,
        rows: 24,
        data: (_terminal, chunk) => {
          output += chunk.toString();
        },
      },
    });
    const until = async (text: RegExp) => {
      for (const end = performance.now() + 15_000; !text.test(output); await Bun.sleep(5)) {
        if (performance.now() > end) throw new Error(`no ${text} in ${JSON.stringify(output)}`);
      }
    };
    return { child, until, type: (text: string) => child.terminal?.write(text) };
  }

  test("^C interrupts a shell's command and not the shell", async () => {
    await using home = await tempHome();
    const session = start(home, ["/bin/bash", "--norc", "--noprofile", "-i"]);
    await session.until(/\$ $|# $/);
    session.type("sleep 600 && echo un''reached; echo after''wards\n");
    await Bun.sleep(200);
    session.type("\u0003");
    await session.until(/\^C[\s\S]*(\$|#) $/);
    session.type("test -t 1 && stty size && exit 5\n");
    await session.until(/24 80/);
    expect(await session.child.exited).toBe(5);
  });

  test("^C is an exception to a program that catches it, and the end of one that does not", async () => {
    await using home = await tempHome();
    const catching = start(home, [
      "/bin/sh",
      "-c",
      'trap "echo caught; exit 6" INT; echo ready; while :; do sleep 0.05; done',
    ]);
    await catching.until(/ready/);
    catching.type("\u0003");
    await catching.until(/caught/);
    expect(await catching.child.exited).toBe(6);
    const plain = start(home, ["/bin/sh", "-c", "echo ready; exec sleep 600"]);
    await plain.until(/ready/);
    plain.type("\u0003");
    expect(await plain.child.exited).toBe(128 + 2);
  });
});
