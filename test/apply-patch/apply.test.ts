import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import { type ApplyOptions, applyVerified, describeFailure } from "#apply-patch/apply.ts";
import { parsePatch } from "#apply-patch/parse.ts";
import { describeForModel } from "#apply-patch/patch.ts";
import { type VerifiedPatch, verifyPatch } from "#apply-patch/verify.ts";
import { patchOf, Scratch } from "./scratch.ts";

function verify(cwd: string, ...lines: string[]): VerifiedPatch {
  const patch = parsePatch(patchOf(...lines));
  if (patch.type !== "patch") throw new Error(describeForModel(patch));
  const verified = verifyPatch(patch, cwd);
  if (verified.type !== "verified") throw new Error(describeForModel(verified));
  return verified;
}

/** Applies the patch and returns what went wrong, or "". */
function apply(cwd: string, lines: string[], options?: ApplyOptions): string {
  const outcome = applyVerified(verify(cwd, ...lines), options);
  return outcome.ok ? "" : describeFailure(outcome);
}

const mode = (path: string) => statSync(path).mode & 0o7777;
const below = (root: string) => (path: string) => path.startsWith(`${root}/`);

describe("what stays as it was", () => {
  test("the permission bits of an updated file", () => {
    using scratch = new Scratch({ "run.sh": "echo 1\n" });
    for (const bits of [0o755, 0o600, 0o640, 0o444]) {
      chmodSync(scratch.at("run.sh"), bits);
      const text = scratch.text("run.sh").trim();
      expect(apply(scratch.path, ["*** Update File: run.sh", "@@", `-${text}`, `+echo ${bits}`])).toBe("");
      expect([scratch.text("run.sh"), mode(scratch.at("run.sh"))]).toEqual([`echo ${bits}\n`, bits]);
    }
  });

  test("the permission bits of a moved file and of one added over another", () => {
    using scratch = new Scratch({ "a.sh": "1\n", "b.sh": "1\n" });
    chmodSync(scratch.at("a.sh"), 0o750);
    chmodSync(scratch.at("b.sh"), 0o700);
    const patch = ["*** Update File: a.sh", "*** Move to: bin/a", "@@", "-1", "+2", "*** Add File: b.sh", "+2"];
    expect(apply(scratch.path, patch)).toBe("");
    expect([mode(scratch.at("bin/a")), mode(scratch.at("b.sh"))]).toEqual([0o750, 0o700]);
  });

  test("the owner of an updated file, for root", () => {
    if (process.getuid?.() !== 0) return;
    using scratch = new Scratch({ a: "1\n" });
    expect(spawnSync("chown", ["12345:12346", scratch.at("a")]).status).toBe(0);
    expect(apply(scratch.path, ["*** Update File: a", "@@", "-1", "+2"])).toBe("");
    const { uid, gid } = statSync(scratch.at("a"));
    expect([uid, gid, scratch.text("a")]).toEqual([12345, 12346, "2\n"]);
  });

  test("a new file follows the umask", () => {
    using scratch = new Scratch();
    const before = process.umask(0o027);
    try {
      expect(apply(scratch.path, ["*** Add File: a", "+1"])).toBe("");
    } finally {
      process.umask(before);
    }
    expect(mode(scratch.at("a"))).toBe(0o640);
  });

  test("no temporary file is left behind", () => {
    using scratch = new Scratch({ a: "1\n" });
    expect(apply(scratch.path, ["*** Update File: a", "@@", "-1", "+2"])).toBe("");
    expect(scratch.files()).toEqual({ a: "2\n" });
  });

  test("another name of the same file keeps the old content", () => {
    using scratch = new Scratch({ a: "1\n" });
    linkSync(scratch.at("a"), scratch.at("hard"));
    expect(apply(scratch.path, ["*** Update File: a", "@@", "-1", "+2"])).toBe("");
    expect(scratch.files()).toEqual({ a: "2\n", hard: "1\n" });
  });
});

describe("symbolic links inside", () => {
  test("an update and an added file go through the link, which stays", () => {
    using scratch = new Scratch({ "real.txt": "1\n" });
    symlinkSync("real.txt", scratch.at("link"));
    symlinkSync("link", scratch.at("link2"));
    expect(apply(scratch.path, ["*** Update File: link2", "@@", "-1", "+2"])).toBe("");
    expect([scratch.text("real.txt"), readlinkSync(scratch.at("link2"))]).toEqual(["2\n", "link"]);
    expect(apply(scratch.path, ["*** Add File: link", "+3"])).toBe("");
    expect([scratch.text("real.txt"), readlinkSync(scratch.at("link"))]).toEqual(["3\n", "real.txt"]);
  });

  test("a dangling link leads to where the file is made", () => {
    using scratch = new Scratch();
    symlinkSync("sub/new.txt", scratch.at("link"));
    expect(apply(scratch.path, ["*** Add File: link", "+1"])).toBe("");
    expect([scratch.text("sub/new.txt"), readlinkSync(scratch.at("link"))]).toEqual(["1\n", "sub/new.txt"]);
  });

  test("deleting and moving take the link away, not its target", () => {
    using scratch = new Scratch({ "real.txt": "1\n" });
    symlinkSync("real.txt", scratch.at("gone"));
    symlinkSync("real.txt", scratch.at("moved"));
    const patch = ["*** Delete File: gone", "*** Update File: moved", "*** Move to: m.txt", "@@", "-1", "+2"];
    expect(apply(scratch.path, patch)).toBe("");
    expect(scratch.files()).toEqual({ "real.txt": "1\n", "m.txt": "2\n" });
    expect(lstatSync(scratch.at("moved"), { throwIfNoEntry: false })).toBeUndefined();
  });

  test("a link replaced by a file within one patch", () => {
    using scratch = new Scratch({ "real.txt": "1\n" });
    symlinkSync("real.txt", scratch.at("link"));
    expect(apply(scratch.path, ["*** Delete File: link", "*** Add File: link", "+2"])).toBe("");
    expect(scratch.files()).toEqual({ "real.txt": "1\n", link: "2\n" });
  });

  test("a link replaced by a file is that file for the rest of the patch", () => {
    using scratch = new Scratch({ "real.txt": "1\n" });
    symlinkSync("real.txt", scratch.at("link"));
    const replaced = ["*** Delete File: link", "*** Add File: link", "+2", "*** Update File: link", "@@", "-2", "+3"];
    expect(apply(scratch.path, [...replaced, "*** Update File: real.txt", "@@", "-1", "+one"])).toBe("");
    expect(scratch.files()).toEqual({ "real.txt": "one\n", link: "3\n" });
  });

  test("moving a link onto its own target loses nothing", () => {
    using scratch = new Scratch({ "real.txt": "1\n" });
    symlinkSync("real.txt", scratch.at("link"));
    expect(apply(scratch.path, ["*** Update File: link", "*** Move to: real.txt", "@@", "-1", "+2"])).toBe("");
    expect(scratch.text("real.txt")).toBe("2\n");
  });

  test("a cycle of links is an error, not a hang", () => {
    using scratch = new Scratch();
    symlinkSync("b", scratch.at("a"));
    symlinkSync("a", scratch.at("b"));
    const reason = "Too many levels of symbolic links (os error 40)";
    expect(() => verify(scratch.path, "*** Add File: a", "+1")).toThrow(
      `Failed to resolve ${scratch.at("a")}: ${reason}`,
    );
    expect(() => verify(scratch.path, "*** Update File: a", "@@", "+1")).toThrow(
      `Failed to read file to update ${scratch.at("a")}: ${reason}`,
    );
  });
});

describe("ways out of the allowed folder", () => {
  /** A workspace `w` beside `secret.txt` and an empty folder `out`. */
  function workspace(): Scratch {
    const scratch = new Scratch({ "w/in.txt": "1\n", "secret.txt": "s\n" });
    mkdirSync(scratch.at("out"));
    return scratch;
  }

  const escapes: [string, (w: string, outside: string) => string[]][] = [
    ["add by ..", () => ["*** Add File: ../out/x", "+1"]],
    ["add by .. after a folder", () => ["*** Add File: sub/../../out/x", "+1"]],
    ["add by an absolute path", (_, outside) => [`*** Add File: ${outside}/out/x`, "+1"]],
    ["update by ..", () => ["*** Update File: ../secret.txt", "@@", "-s", "+x"]],
    ["delete by ..", () => ["*** Delete File: ../secret.txt"]],
    ["move out", () => ["*** Update File: in.txt", "*** Move to: ../out/x", "@@", "-1", "+2"]],
    ["move in from outside", () => ["*** Update File: ../secret.txt", "*** Move to: x", "@@", "-s", "+t"]],
  ];
  const linkEscapes: [string, (w: string, outside: string) => void, string[]][] = [
    ["add below a linked folder", (w, o) => symlinkSync(`${o}/out`, `${w}/l`), ["*** Add File: l/x", "+1"]],
    ["add below a relative link", (w) => symlinkSync("../out", `${w}/l`), ["*** Add File: l/deep/x", "+1"]],
    ["add through a dangling link", (w, o) => symlinkSync(`${o}/out/x`, `${w}/l`), ["*** Add File: l", "+1"]],
    [
      "add through a chain",
      (w) => {
        symlinkSync("b", `${w}/a`);
        symlinkSync("./../w/c", `${w}/b`);
        symlinkSync("../out", `${w}/c`);
      },
      ["*** Add File: a/x", "+1"],
    ],
    [
      "update through a link",
      (w, o) => symlinkSync(`${o}/secret.txt`, `${w}/l`),
      ["*** Update File: l", "@@", "-s", "+x"],
    ],
    ["delete below a linked folder", (w) => symlinkSync("..", `${w}/l`), ["*** Delete File: l/secret.txt"]],
    [
      "move onto a link",
      (w, o) => symlinkSync(`${o}/secret.txt`, `${w}/l`),
      ["*** Update File: in.txt", "*** Move to: l", "@@", "-1", "+2"],
    ],
  ];

  for (const [name, lines] of escapes) {
    test(name, () => {
      using scratch = workspace();
      refused(scratch, lines(scratch.at("w"), scratch.path));
    });
  }
  for (const [name, prepare, lines] of linkEscapes) {
    test(name, () => {
      using scratch = workspace();
      prepare(scratch.at("w"), scratch.path);
      refused(scratch, lines);
    });
  }

  function refused(scratch: Scratch, lines: string[]): void {
    const verified = verify(scratch.at("w"), ...lines);
    const allowed = below(scratch.at("w"));
    // What a caller decides on beforehand already shows where the patch leads.
    expect(verified.steps.every((step) => allowed(step.target))).toBe(false);
    const outcome = applyVerified(verified, { allowed });
    expect(outcome).toMatchObject({ ok: false, cause: expect.stringContaining("outside the writable folders") });
    expect(scratch.files()["secret.txt"]).toBe("s\n");
    expect(Object.keys(scratch.files()).filter((name) => name.startsWith("out/"))).toEqual([]);
    expect(scratch.files()["w/in.txt"]).toBe("1\n");
    expect(scratch.files()["w/x"]).toBeUndefined();
  }

  test("deleting a link that points outside removes only the link", () => {
    using scratch = workspace();
    symlinkSync("../secret.txt", scratch.at("w/l"));
    expect(apply(scratch.at("w"), ["*** Delete File: l"], { allowed: below(scratch.at("w")) })).toBe("");
    expect(scratch.text("secret.txt")).toBe("s\n");
  });

  test("a folder swapped for a link after the check is caught before the write", () => {
    using scratch = workspace();
    mkdirSync(scratch.at("w/sub"));
    const allowed = below(scratch.at("w"));
    const verified = verify(scratch.at("w"), "*** Add File: sub/x", "+1");
    expect(verified.steps.every((step) => allowed(step.target))).toBe(true);
    renameSync(scratch.at("w/sub"), scratch.at("w/sub.old"));
    symlinkSync("../out", scratch.at("w/sub"));
    const outcome = applyVerified(verified, { allowed });
    expect(outcome.ok).toBe(false);
    expect(Object.keys(scratch.files())).toEqual(["secret.txt", "w/in.txt"]);
  });
});

describe("failures", () => {
  test("a write that fails midway says what was and what was not done", () => {
    using scratch = new Scratch({ "a.txt": "1\n", "z.txt": "z\n" });
    const path = "/proc/codex-apply-patch-test/x";
    const patch = ["*** Update File: a.txt", "@@", "-1", "+2", `*** Add File: ${path}`, "+1", "*** Delete File: z.txt"];
    const [first, cause, ...rest] = apply(scratch.path, patch).split("\n");
    expect(first).toBe(`Failed to create parent directories for ${path}`);
    expect(cause).toMatch(/ \(os error \d+\)$/);
    expect(rest).toEqual(["Changed before the failure:", "M a.txt", "Not changed:", `A ${path}`, "D z.txt", ""]);
    expect(scratch.files()).toEqual({ "a.txt": "2\n", "z.txt": "z\n" });
  });

  test("a patch of which one part is refused changes nothing", () => {
    using scratch = new Scratch({ "a.txt": "1\n" });
    const patch = ["*** Update File: a.txt", "@@", "-1", "+2", "*** Add File: out/b", "+1"];
    expect(apply(scratch.path, patch, { allowed: (path) => !path.includes("/out/") })).toBe(
      `Failed to write file out/b\n"out/b" leads to "${scratch.at("out/b")}", which is outside the writable folders\n`,
    );
    expect(scratch.files()).toEqual({ "a.txt": "1\n" });
  });

  test("a folder that cannot be made names the file and the system's reason", () => {
    using scratch = new Scratch();
    const path = "/proc/codex-apply-patch-test/x";
    expect(apply(scratch.path, [`*** Add File: ${path}`, "+1"])).toMatch(
      /^Failed to create parent directories for \/proc\/codex-apply-patch-test\/x\n.+\n$/,
    );
  });

  test("a file that vanished after the check", () => {
    using scratch = new Scratch({ a: "1\n" });
    const verified = verify(scratch.path, "*** Delete File: a");
    rmSync(scratch.at("a"));
    expect(applyVerified(verified)).toEqual({
      ok: false,
      message: "Failed to delete file a",
      cause: "No such file or directory (os error 2)",
      done: [],
      pending: ["D a"],
    });
  });

  test("a name that is too long", () => {
    using scratch = new Scratch();
    const name = "x".repeat(300);
    expect(() => verify(scratch.path, `*** Add File: ${name}`, "+1")).toThrow("File name too long (os error 36)");
  });

  test("a path with a NUL byte", () => {
    using scratch = new Scratch();
    expect(() => verify(scratch.path, "*** Add File: a\0b", "+1")).toThrow("invalid patch: the path");
  });

  test("named pipes and devices are refused without waiting", () => {
    using scratch = new Scratch();
    expect(spawnSync("mkfifo", [scratch.at("pipe")]).status).toBe(0);
    for (const path of ["pipe", "/dev/zero"]) {
      expect(() => verify(scratch.path, `*** Update File: ${path}`, "@@", "+1")).toThrow("not a regular file");
      expect(apply(scratch.path, [`*** Add File: ${path}`, "+1"])).toBe(`Failed to write file ${path}\n`);
    }
    expect(apply(scratch.path, ["*** Delete File: pipe"])).toBe("");
  });

  test("an aborted turn writes nothing", () => {
    using scratch = new Scratch();
    const verified = verify(scratch.path, "*** Add File: a", "+1");
    expect(() => applyVerified(verified, { signal: AbortSignal.abort(new Error("stop")) })).toThrow("stop");
    expect(scratch.files()).toEqual({});
  });
});

describe("large files", () => {
  test("a file over 64 MiB is refused by its size, unread", () => {
    using scratch = new Scratch({ big: "" });
    truncateSync(scratch.at("big"), 200 * 1024 * 1024);
    expect(() => verify(scratch.path, "*** Update File: big", "@@", "+1")).toThrow(
      "the file has 209715200 bytes; files over 67108864 bytes cannot be patched, edit it with a command",
    );
    expect(apply(scratch.path, ["*** Delete File: big"])).toBe("");
  });

  test("a file of 16 MiB is edited at both ends", () => {
    const lines = Array.from({ length: 400_000 }, (_, index) => `line ${index} ${"x".repeat(30)}`);
    using scratch = new Scratch({ big: `${lines.join("\n")}\n` });
    const size = statSync(join(scratch.path, "big")).size;
    expect(size).toBeGreaterThan(16 * 1024 * 1024);
    const patch = ["*** Update File: big", "@@", `-${lines[0]}`, "+first", "@@", `-${lines.at(-1)}`, "+last"];
    expect(apply(scratch.path, patch)).toBe("");
    expect(scratch.text("big")).toBe(`${["first", ...lines.slice(1, -1), "last"].join("\n")}\n`);
  });
});
