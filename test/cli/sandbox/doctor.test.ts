import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { doctorText } from "#cli/commands/sandbox/doctor.ts";
import { textWidth } from "#lib/text-width.ts";
import { type DoctorReport, diagnoseSandbox, isSound } from "#sandbox/doctor.ts";
import type { Sandbox } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { whySkipped } from "../../sandbox/support.ts";
import { runCli } from "../../support/spawn-cli.ts";
import { tempHome } from "../../support/temp-home.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);

const AS_IT_COMES = { usesProxy: false };

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("codex-sandbox-doctor-"));

test.skipIf(skip)("every promise is tried and holds here, as text and as JSON", async () => {
  await using home = await tempHome();
  const options = { home: home.root, cwd: home.cwd, env: { CODEX_HOME: home.codexHome } };
  const json = await runCli(["sandbox", "doctor", "--json"], options);
  const report = JSON.parse(json.stdout);
  expect(report.guarantees.filter(({ status }: { status: string }) => status !== "holds")).toEqual([]);
  expect(report).toMatchObject({ ok: true, backend: "bwrap", version: expect.stringMatching(/^\d+\./) });
  expect(report.guarantees.length).toBeGreaterThanOrEqual(20);
  expect(json.code).toBe(0);
  const text = await runCli(["sandbox", "doctor"], options);
  expect(text.code).toBe(0);
  expect(text.stdout).toContain(`${report.guarantees.length} of ${report.guarantees.length} hold here.`);
});

test.skipIf(skip)("what only the network proxy needs counts where it is used", async () => {
  const withoutEntry = prepareSandbox({ nsenterPaths: ["/nowhere/nsenter"] });
  const rowOf = ({ guarantees }: DoctorReport) => guarantees.find(({ id }) => id === "proxied_network");
  const unused = await diagnoseSandbox(withoutEntry, AS_IT_COMES);
  expect(rowOf(unused)).toMatchObject({ status: "unused", found: expect.stringContaining("/nowhere/nsenter") });
  expect(isSound(unused)).toBe(true);
  expect(doctorText(unused, 100)).toContain(`${unused.guarantees.length - 1} of ${unused.guarantees.length - 1} hold`);
  const used = await diagnoseSandbox(withoutEntry, { usesProxy: true });
  expect(rowOf(used)).toMatchObject({ status: "broken", found: expect.stringContaining("/nowhere/nsenter") });
  expect(isSound(used)).toBe(false);
});

test.skipIf(skip)("what would be configured can be asked for", async () => {
  await using home = await tempHome();
  const options = { home: home.root, cwd: home.cwd, env: { CODEX_HOME: home.codexHome } };
  // Landlock knows no proxy: with bubblewrap the promise would hold, without [network] it would not count.
  const words = ["-c", "features.use_legacy_landlock=true", "-c", "network.enabled=true"];
  const { stdout } = await runCli(["sandbox", "doctor", "--json", ...words], options);
  const { guarantees } = JSON.parse(stdout) as DoctorReport;
  expect(guarantees.find(({ id }) => id === "proxied_network")?.status).toBe("broken");
});

test("a sandbox that confines nothing is found out, promise by promise", async () => {
  const before = leftovers();
  const none: Sandbox = {
    plan: (command, context) => prepareSandbox().plan(command, { ...context, policy: { type: "danger-full-access" } }),
  };
  const { guarantees } = await diagnoseSandbox(none, AS_IT_COMES);
  const holding = guarantees.filter(({ status }) => status === "holds").map(({ id }) => id);
  const independent = [
    "workspace_writable",
    "nothing_left_behind",
    "terminal_signals",
    "no_new_privileges",
    "no_capabilities",
  ];
  const byMachine = ["kernel_settings", "filter_loaded", "no_nested_namespaces", "devices_private"];
  expect(holding.filter((id) => ![...independent, ...byMachine].includes(id))).toEqual([]);
  expect(leftovers()).toEqual(before);
});

test("a missing backend is one explanation, and nothing holds", async () => {
  const report = await diagnoseSandbox(
    prepareSandbox({ platform: "linux", bwrapPaths: ["/nowhere/bwrap"] }),
    AS_IT_COMES,
  );
  expect(report).toMatchObject({ backend: "none", unavailable: expect.stringContaining("apt-get install bubblewrap") });
  expect(new Set(report.guarantees.map(({ status }) => status))).toEqual(new Set(["untried"]));
});

test("the table fits the terminal, whatever its width", async () => {
  const report = await diagnoseSandbox(
    prepareSandbox({ platform: "linux", bwrapPaths: ["/nowhere/bwrap"] }),
    AS_IT_COMES,
  );
  for (const columns of [30, 40, 80, 200]) {
    const widths = doctorText(report, columns).split("\n").map(textWidth);
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
  }
});
