import { expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText } from "../support/model-script.ts";
import { startModelServer } from "../support/model-server.ts";
import { runCli } from "../support/spawn-cli.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../docs/notify.md"), "utf8");

/** The Python block below a heading of docs/notify.md. */
function script(heading: string): string {
  const section = PAGE.split(/^### /m).find((part) => part.startsWith(`${heading}\n`));
  const block = /^```python\n([\s\S]*?)^```$/m.exec(section ?? "")?.[1];
  if (block === undefined) throw new Error(`docs/notify.md has no script for ${heading}`);
  return block;
}

const HOSTILE = `-x <b>bold</b> & "it's" $(touch evil)\n[done]`;

function payload(more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type: "agent-turn-complete",
    "thread-id": "th",
    "turn-id": "tu",
    cwd: "/",
    "input-messages": ["what was said before", "--fix it"],
    "last-assistant-message": HOSTILE,
    ...more,
  });
}

/** A folder with a program of this name that writes its arguments and its input down, NUL after each. */
function recorder(home: TempHome, name: string): { folder: string; arguments: () => string[] } {
  const out = join(home.root, "recorded");
  const program = home.write(
    `bin/${name}`,
    `#!/bin/sh\n{ printf '%s\\0' "$@"; cat; } > ${out}.part && mv ${out}.part ${out}\n`,
  );
  chmodSync(program, 0o755);
  return { folder: join(home.root, "bin"), arguments: () => readFileSync(out, "utf8").split("\0") };
}

async function runScript(home: TempHome, heading: string, folder: string, argument: string): Promise<number> {
  const file = home.write("notify.py", script(heading));
  const child = Bun.spawn(["python3", file, argument], {
    cwd: home.cwd,
    env: { PATH: `${folder}:${process.env.PATH}` },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  return child.exited;
}

test("Linux: notify-send gets title and escaped body behind --", async () => {
  await using home = await tempHome();
  const notifySend = recorder(home, "notify-send");
  expect(await runScript(home, "Linux", notifySend.folder, payload())).toBe(0);
  expect(notifySend.arguments()).toEqual([
    "--app-name=Codex",
    "--",
    "--fix it",
    "-x &lt;b&gt;bold&lt;/b&gt; &amp; &quot;it&#x27;s&quot; $(touch evil)\n[done]",
    "",
  ]);
}, 30_000);

test("Linux: an answer of null and a type of another version are no error", async () => {
  await using home = await tempHome();
  const notifySend = recorder(home, "notify-send");
  const nothing = { "input-messages": [], "last-assistant-message": null };
  expect(await runScript(home, "Linux", notifySend.folder, payload(nothing))).toBe(0);
  expect(notifySend.arguments().slice(2)).toEqual(["Turn complete", "", ""]);
  expect(await runScript(home, "Linux", "/nonexistent", payload({ type: "something-else" }))).toBe(0);
}, 30_000);

test("Linux: a real turn of codex exec starts it", async () => {
  await using home = await tempHome({ git: true });
  const notifySend = recorder(home, "notify-send");
  const file = home.write("notify.py", script("Linux"));
  await using server = await startModelServer({ responses: [answer(assistantText("All <green>."))] });
  home.write(
    ".codex/config.toml",
    `notify = ["python3", "${file}"]
model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "${server.baseUrl}"
`,
  );
  const env = { PATH: `${notifySend.folder}:${process.env.PATH}` };
  const run = await runCli(["exec", "run the tests"], { home: home.root, cwd: home.cwd, env });
  expect([run.code, run.stdout]).toEqual([0, "All <green>.\n"]);
  const deadline = Date.now() + 20_000;
  while (!(await Bun.file(join(home.root, "recorded")).exists()) && Date.now() < deadline) await Bun.sleep(10);
  expect(notifySend.arguments().slice(2)).toEqual(["run the tests", "All &lt;green&gt;.", ""]);
}, 60_000);

test("macOS: terminal-notifier gets the message on its standard input", async () => {
  await using home = await tempHome();
  const notifier = recorder(home, "terminal-notifier");
  expect(await runScript(home, "macOS", notifier.folder, payload())).toBe(0);
  expect(notifier.arguments()).toEqual(["-title", "Codex", "-subtitle", " --fix it", "-group", "th", HOSTILE]);
}, 30_000);

test("WSL: PowerShell gets the texts as data", async () => {
  await using home = await tempHome();
  const powershell = recorder(home, "powershell.exe");
  expect(await runScript(home, "WSL", powershell.folder, payload())).toBe(0);
  const [noProfile, nonInteractive, option, encoded = ""] = powershell.arguments();
  expect([noProfile, nonInteractive, option]).toEqual(["-NoProfile", "-NonInteractive", "-EncodedCommand"]);
  const code = Buffer.from(encoded, "base64").toString("utf16le");
  const data = /FromBase64String\('([A-Za-z0-9+/=]+)'\)/.exec(code)?.[1] ?? "";
  expect(code).not.toContain("bold");
  expect(Buffer.from(data, "base64").toString()).toBe(
    `<toast><visual><binding template="ToastGeneric"><text>--fix it</text><text>-x &lt;b&gt;bold&lt;/b&gt; &amp; "it's" $(touch evil) [done]</text></binding></visual></toast>`,
  );
}, 30_000);

test("the command to try it with is one that works", async () => {
  await using home = await tempHome();
  const notifySend = recorder(home, "notify-send");
  const line = /^python3 ~\/\.codex\/notify\.py .*$/m.exec(PAGE)?.[0] ?? "";
  home.write(".codex/notify.py", script("Linux"));
  const child = Bun.spawn(["sh", "-c", line], {
    env: { HOME: home.root, PATH: `${notifySend.folder}:${process.env.PATH}` },
    stdin: "ignore",
  });
  expect(await child.exited).toBe(0);
  expect(notifySend.arguments().slice(2)).toEqual(["fix the tests", "All green.", ""]);
}, 30_000);
