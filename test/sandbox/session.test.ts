import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { outputOf, useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { runCli } from "../support/spawn-cli.ts";
import { tempHome } from "../support/temp-home.ts";
import { whyNoLandlock, whySkipped } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(60_000);
const noLandlock = (await whyNoLandlock()) !== undefined;
const stage = useStage();

const httpServer = () =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => new Response(new URL(request.url).pathname) });

const calls = (commands: Record<string, string>) => [
  ...Object.entries(commands).map(([id, cmd]) =>
    answer(functionCall("exec_command", { cmd, yield_time_ms: 20_000 }, id)),
  ),
  answer(assistantText("done")),
];

describe.skipIf(skip)("a session with [network]", () => {
  const status = (url: string) => `curl -s -m 10 -o /dev/null -w '%{http_code}' ${url}`;

  test.each(["read-only", "workspace-write"])(
    "reaches listed hosts only, says once what was refused, and leaves nothing, %s",
    async (mode) => {
      const server = httpServer();
      const listed = `http://127.0.0.1:${server.port}/found`;
      const played = await stage.play({
        args: ["-s", mode, "-c", "sandbox_workspace_write.network_access=true"],
        tables: '[network]\nenabled = true\nallowed_domains = ["127.0.0.1"]\n',
        responses: calls({
          listed: `curl -s -m 10 ${listed}`,
          refused: `${status("http://denied.test/")}; ${status("http://denied.test/again")}`,
          direct: `curl -s -m 10 --noproxy '*' ${listed}; echo $?`,
          patch: "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: made.txt\n+made\n*** End Patch\nEOF",
        }),
      });
      await server.stop(true);
      expect(outputOf(played, "listed")).toEndWith("Output:\n/found");
      expect(outputOf(played, "refused")).toEndWith("Output:\n403403");
      expect(outputOf(played, "direct")).toEndWith("Output:\n7\n");
      const warnings = `${played.stdout}${played.stderr}`.match(/refused a command's request to \\?"denied.test/g);
      expect(warnings).toHaveLength(1);
      expect(readdirSync(join(played.world.codexHome, "sockets"))).toEqual([]);
      expect(played.code).toBe(0);
    },
  );

  test("a proxy that cannot start lets no command run", async () => {
    const played = await stage.play({
      tables: '[network]\nenabled = true\nallowed_domains = ["127.0.0.1"]\n',
      homeFiles: { sockets: "a file in the folder's place" },
      responses: calls({ call: "echo it ran" }),
    });
    expect(outputOf(played, "call")).toContain("Cannot start the network proxy");
    expect(outputOf(played, "call")).not.toContain("it ran\n");
  });
});

describe.skipIf(noLandlock)("a session under Landlock", () => {
  test("says at its start what is not protected, and runs commands", async () => {
    const played = await stage.play({
      tables: "[features]\nuse_legacy_landlock = true\n",
      args: ["-s", "workspace-write", "-c", "sandbox_workspace_write.exclude_slash_tmp=true"],
      responses: calls({ call: "touch made /usr/made-by-a-test; ls made" }),
    });
    expect(`${played.stdout}${played.stderr}`).toContain("use_legacy_landlock is on: commands run under Landlock");
    expect(outputOf(played, "call")).toMatch(/\/usr\/made-by-a-test.*Permission denied[\s\S]*\nmade/);
  });
});

describe.skipIf(skip || process.platform !== "linux")("codex sandbox", () => {
  const at = async (config: string) => {
    const home = await tempHome();
    home.write("home/config.toml", config);
    const options = { home: home.root, cwd: home.cwd, env: { CODEX_HOME: home.codexHome } };
    const run = (...args: string[]) => runCli(["sandbox", ...args], options);
    return { run, home, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
  };

  test("honours [network], with exit codes of its own", async () => {
    await using it = await at('[network]\nenabled = true\nallowed_domains = ["127.0.0.1"]');
    const server = httpServer();
    const { code, stdout, stderr } = await it.run(
      ...[
        "linux",
        "--",
        "sh",
        "-c",
        `curl -s http://127.0.0.1:${server.port}/x; curl -s -o /dev/null http://denied.test; exit 5`,
      ],
    );
    await server.stop(true);
    expect([code, stdout]).toEqual([5, "/x"]);
    expect(stderr).toContain('warning: The network proxy refused a command\'s request to "denied.test"');
    expect((await it.run("--", "sh", "-c", "kill -TERM $$")).code).toBe(128 + 15);
  });

  test("allow_loopback gives a loopback, and only that", async () => {
    await using it = await at("[sandbox_workspace_write]\nallow_loopback = true");
    const server = httpServer();
    const script = `python3 -c 'import socket as s; a = s.create_server(("127.0.0.1", 0)); s.create_connection(a.getsockname())' && ! curl -s http://127.0.0.1:${server.port}`;
    const ends = [await it.run("--full-auto", "--", "sh", "-c", script), await it.run("--", "sh", "-c", script)];
    await server.stop(true);
    expect(ends.map(({ code }) => code)).toEqual([0, 1]);
  });

  test.skipIf(noLandlock)("use_legacy_landlock is announced, and the doctor shows what it does not keep", async () => {
    await using it = await at("[features]\nuse_legacy_landlock = true");
    const { code, stderr } = await it.run("--", "sh", "-c", "exit 6");
    expect([code, stderr]).toEqual([6, expect.stringContaining("warning: features.use_legacy_landlock is on")]);
    const missing = await it.run("--", "/etc");
    expect(missing.code).toBe(126);
    const report = JSON.parse((await it.run("doctor", "--json")).stdout);
    const broken = report.guarantees.filter(({ status }: { status: string }) => status === "broken");
    expect(report).toMatchObject({ ok: false, backend: "landlock", version: expect.stringMatching(/^ABI \d/) });
    const ids = broken.map(({ id }: { id: string }) => id);
    for (const id of ["git_protected", "protected_names", "credentials_hidden", "nothing_left_running"])
      expect(ids).toContain(id);
    // Nobody asked for it: with [network] Landlock is refused.
    expect(ids).not.toContain("proxied_network");
    for (const id of ["workspace_writable", "sockets_refused", "no_capabilities", "filter_loaded"])
      expect(ids).not.toContain(id);
  });

  test("--log-denials says that Linux has no such log", async () => {
    await using it = await at("");
    const { code, stderr } = await it.run("linux", "--log-denials", "--", "true");
    expect([code, stderr]).toEqual([0, expect.stringContaining("--log-denials works on macOS only")]);
  });
});
