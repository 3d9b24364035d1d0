import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Placeholders, placeholderRegistry } from "#sandbox/linux/placeholders.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { contextOf, makePlace, type Place, runSandboxed, sandbox, whySkipped } from "../support.ts";

let place: Place;
let registry: string;
let path: string;
beforeEach(() => {
  place = makePlace();
  registry = join(place.outside, "registry");
  path = join(place.work, ".codex");
});
afterEach(() => place.remove());

const DEADLINE_MS = 10_000;
setDefaultTimeout(4 * DEADLINE_MS);

async function untilGone(name: string): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (existsSync(name) && performance.now() < end) await Bun.sleep(10);
}

const PROJECT = join(import.meta.dir, "../../..");
const DRIVER = join(import.meta.dir, "placeholder-driver.ts");
const entries = () => (existsSync(registry) ? readdirSync(registry) : []);

test("a placeholder lives from the first hold until after the last drop", () => {
  const placeholders = new Placeholders(registry);
  expect(placeholders.isPlaceholder(path)).toBe(false);
  expect([placeholders.hold(path), placeholders.hold(path)]).toEqual(["held", "held"]);
  expect([existsSync(path), placeholders.isPlaceholder(path)]).toEqual([true, true]);
  placeholders.drop(path);
  placeholders.sweep();
  expect(existsSync(path)).toBe(true);
  placeholders.drop(path);
  expect(existsSync(path)).toBe(true);
  placeholders.sweep();
  expect([existsSync(path), placeholders.isPlaceholder(path), entries()]).toEqual([false, false, []]);
});

test("it goes by itself a moment after the last drop", async () => {
  const placeholders = new Placeholders(registry);
  placeholders.hold(path);
  placeholders.drop(path);
  await untilGone(path);
  expect(existsSync(path)).toBe(false);
});

test("two processes share one: the last to go removes it", () => {
  const [first, second] = [new Placeholders(registry), new Placeholders(registry)];
  first.hold(path);
  expect(second.isPlaceholder(path)).toBe(true);
  expect(second.hold(path)).toBe("held");
  first.drop(path);
  first.sweep();
  expect(existsSync(path)).toBe(true);
  second.drop(path);
  second.sweep();
  expect([existsSync(path), entries()]).toEqual([false, []]);
});

test("two processes that take and remove one at the same time both have it, and leave nothing", async () => {
  const [meetingPlace, rounds] = [join(place.outside, "meeting"), 60];
  mkdirSync(meetingPlace);
  const drive = (own: string, other: string) =>
    Bun.spawn([process.execPath, DRIVER, registry, path, String(rounds), own, other, meetingPlace], {
      cwd: PROJECT,
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 2 * DEADLINE_MS,
    });
  const said = await Promise.all([drive("a", "b"), drive("b", "a")].map(({ stdout }) => stdout.text()));
  const expected = "held gone\n".repeat(rounds);
  expect(said).toEqual([expected, expected]);
  expect(entries()).toEqual([]);
});

test("what the user has put there stays, and a folder of the user's own is none", () => {
  const placeholders = new Placeholders(registry);
  placeholders.hold(path);
  writeFileSync(join(path, "config.toml"), "");
  placeholders.drop(path);
  placeholders.sweep();
  expect(readdirSync(path)).toEqual(["config.toml"]);
  expect(placeholders.isPlaceholder(path)).toBe(false);
  expect(placeholders.hold(path)).toBe("taken");
  expect(entries()).toEqual([]);
});

test("one that was removed under our feet is made again", () => {
  const placeholders = new Placeholders(registry);
  placeholders.hold(path);
  rmdirSync(path);
  expect(placeholders.hold(path)).toBe("held");
  expect(existsSync(path)).toBe(true);
});

test("leftovers of a killed process are adopted where they are needed and cleared elsewhere", () => {
  const elsewhere = join(place.outside, ".agents");
  const killed = new Placeholders(registry);
  for (const folder of [path, elsewhere]) killed.hold(folder);
  // Rewritten as of a process that cannot be: no pid reaches 2^31 - 1.
  for (const name of readdirSync(registry)) {
    renameSync(join(registry, name), join(registry, `${name.split(".")[0]}.uses.2147483647-1-00000000`));
    writeFileSync(join(registry, `${name.split(".")[0]}.removes.2147483647-1-00000000`), "");
  }
  const placeholders = new Placeholders(registry);
  expect(placeholders.isPlaceholder(path)).toBe(true);
  expect(placeholders.hold(path)).toBe("held");
  expect([existsSync(path), existsSync(elsewhere)]).toEqual([true, false]);
  placeholders.drop(path);
  placeholders.sweep();
  expect([existsSync(path), entries()]).toEqual([false, []]);
});

test("a name that nobody can create is not held", () => {
  const placeholders = new Placeholders(registry);
  expect(placeholders.hold(join(place.base, "missing", ".codex"))).toBe("not-possible");
  expect(placeholders.hold("/proc/.codex")).toBe("not-possible");
  expect(entries()).toEqual([]);
});

test("the registry is a folder of the user's own, or lies in CODEX_HOME", () => {
  const userId = process.getuid?.() ?? 0;
  expect(placeholderRegistry(place.codexHome, userId)).toBe(`/dev/shm/codex-sandbox-${userId}`);
  const squatted = 4_000_000_001;
  symlinkSync(place.outside, `/dev/shm/codex-sandbox-${squatted}`);
  try {
    expect(placeholderRegistry(place.codexHome, squatted)).toBe(join(place.codexHome, "tmp/sandbox-placeholders"));
  } finally {
    unlinkSync(`/dev/shm/codex-sandbox-${squatted}`);
  }
});

const skip = (await whySkipped()) !== undefined;

/** One that has planned nothing so far, as in another process: equal options would share what it keeps. */
const anotherSandbox = () => prepareSandbox({ nsenterPaths: [place.base] });

describe.skipIf(skip)("with real commands", () => {
  const make = ["/bin/bash", "-c", "sleep 0.05; mkdir .codex/x || rmdir .codex || touch .agents/x || rmdir .agents"];

  test("20 at once all find the names protected, and nothing is left", async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => runSandboxed(place, make)));
    expect(results.map((result) => result.exitCode)).toEqual(results.map(() => 1));
    for (const name of [".codex", ".agents"]) await untilGone(join(place.work, name));
    expect(readdirSync(place.work)).toEqual([]);
  });

  test("a command of another process that ends does not take the protection of one that runs", async () => {
    const go = join(place.work, "go");
    const waiting = runSandboxed(place, ["/bin/bash", "-c", `until test -e go; do sleep 0.01; done; ${make[2]}`]);
    const other = anotherSandbox().plan({ argv: ["true"], cwd: place.work, env: {}, tty: false }, contextOf(place));
    if ("unavailable" in other) throw new Error(other.message);
    other.finished();
    await Bun.sleep(400);
    expect(readdirSync(place.work).sort()).toEqual([".agents", ".codex"]);
    writeFileSync(go, "");
    expect((await waiting).exitCode).toBe(1);
  });

  test("the first command after a killed session finds both names protected, in a process that has run none", async () => {
    const killed = new Placeholders(placeholderRegistry(place.codexHome, process.getuid?.() ?? 0));
    const held = [".codex", ".agents"].map((name) => join(place.work, name));
    for (const folder of held) killed.hold(folder);
    const registered = `/dev/shm/codex-sandbox-${process.getuid?.()}`;
    for (const name of readdirSync(registered)) {
      const file = join(registered, name);
      if (held.includes(readFileSync(file, "utf8")))
        renameSync(file, join(registered, `${name.split(".")[0]}.uses.2147483647-1-0`));
    }
    const plan = anotherSandbox().plan(
      { argv: make, cwd: place.work, env: { PATH: "/usr/bin:/bin" }, tty: false },
      contextOf(place),
    );
    if ("unavailable" in plan) throw new Error(plan.message);
    const stdio = ["ignore", "ignore", "pipe", ...plan.inheritFds] as ["ignore", "ignore", "pipe", ...number[]];
    const child = Bun.spawn(plan.argv, { cwd: plan.cwd, env: plan.env, stdio });
    plan.release();
    const stderr = await new Response(child.stderr).text();
    const exitCode = await child.exited;
    expect([exitCode, plan.startFailure(stderr)]).toEqual([1, undefined]);
    plan.finished();
    for (const folder of held) await untilGone(folder);
  });

  test("a plan that is refused leaves nothing behind", async () => {
    symlinkSync(place.outside, join(place.work, ".agents"));
    const plan = sandbox.plan({ argv: ["true"], cwd: place.work, env: {}, tty: false }, contextOf(place));
    expect("unavailable" in plan).toBe(true);
    await untilGone(path);
    expect(readdirSync(place.work)).toEqual([".agents"]);
  });
});
