import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, customToolCall, functionCall } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { completedItems, itemsOf, outputOf, type Played, type Scene, useStage } from "./stage.ts";

const stage = useStage();

function patch(...lines: string[]): string {
  return ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");
}

/** One patch per round, each with its key as call id, under workspace-write. */
function patches(inputs: Record<string, string>, files: Scene["files"] = {}): Scene {
  const rounds = Object.entries(inputs).map(([id, text]) => answer(customToolCall("apply_patch", text, id)));
  return { args: ["-s", "workspace-write"], files, responses: [...rounds, answer(assistantText("done"))] };
}

const good = stage.shared(
  patches(
    {
      add: patch("*** Add File: deep/er/new.txt", "+one", "+two"),
      remove: patch("*** Delete File: gone.txt"),
      update: patch("*** Update File: a.txt", "@@", " one", "-two", "+TWO", " three"),
      move: patch("*** Update File: from.txt", "*** Move to: moved/to.txt", "@@", "-from", "+to"),
      whitespace: `\n  ${patch("*** Add File: padded.txt", "+x")}  \n\n`,
      wrapped: `<<'EOF'\n${patch("*** Add File: wrapped.txt", "+x")}\nEOF\n`,
      empty: patch("*** Add File: empty.txt"),
      over: patch("*** Add File: over.txt", "+replaced"),
      noheader: patch("*** Update File: noheader.txt", "-b", "+B"),
      context: patch("*** Update File: context.txt", "@@ second:", "-  x", "+  y"),
      trailing: patch("*** Update File: trailing.txt", "@@", "-text", "+changed"),
      indent: patch("*** Update File: indent.txt", "@@", "-text", "+changed"),
      unicode: patch("*** Update File: unicode.txt", "@@", '-say "hi" - it\'s', "+plain"),
      strict: patch("*** Update File: strict.txt", "@@", "-text", "+changed"),
      insert: patch("*** Update File: insert.txt", "@@", "+last"),
      eof: patch("*** Update File: eof.txt", "@@", "-same", "+end", "*** End of File"),
      newline: patch("*** Update File: newline.txt", "@@", "-a", "+b"),
      crlf: patch("*** Update File: crlf.txt", "@@", " one", "-two", "+2", "+2b"),
      many: patch(
        "*** Update File: many1.txt",
        "@@",
        "-x",
        "+y",
        "*** Delete File: many2.txt",
        "*** Add File: many3.txt",
        "+z",
      ),
    },
    {
      "gone.txt": "gone\n",
      "a.txt": "zero\none\ntwo\nthree\nfour\n",
      "from.txt": "from\n",
      "over.txt": "before\n",
      "noheader.txt": "a\nb\n",
      "context.txt": "first:\n  x\nsecond:\n  x\n",
      "trailing.txt": "text   \n",
      "indent.txt": "    text\n",
      "unicode.txt": "say \u201chi\u201d \u2014 it\u2019s\n",
      "strict.txt": "  text\nmiddle\ntext\n",
      "insert.txt": "first\n",
      "eof.txt": "same\nmiddle\nsame\n",
      "newline.txt": "a",
      "crlf.txt": "one\r\ntwo\r\nthree\r\n",
      "many1.txt": "x\n",
      "many2.txt": "x\n",
    },
  ),
);

const success = (...lines: string[]) => {
  const body = ["Success. Updated the following files:", ...lines, ""].join("\n");
  return new RegExp(`^Exit code: 0\nWall time: \\d+(\\.\\d)? seconds\nOutput:\n${body}$`);
};

requirement(["exec.patch.success", "exec.patch.paths-as-given"], "the summary of a patch", async () => {
  const played = await good();
  expect(outputOf(played, "add")).toMatch(success("A deep/er/new.txt"));
  expect(outputOf(played, "update")).toMatch(success("M a.txt"));
  expect(outputOf(played, "remove")).toMatch(success("D gone.txt"));
  expect(outputOf(played, "many")).toMatch(success("A many3.txt", "M many1.txt", "D many2.txt"));
});

requirement(["exec.patch.move-summary", "exec.patch.move"], "a move", async () => {
  const played = await good();
  expect(outputOf(played, "move")).toMatch(success("M moved/to.txt"));
  expect(played.world.read("moved/to.txt")).toBe("to\n");
  expect(existsSync(join(played.world.cwd, "from.txt"))).toBe(false);
});

requirement(["exec.patch.add", "exec.patch.delete", "exec.patch.update"], "add, delete, update", async () => {
  const { world } = await good();
  expect(world.read("deep/er/new.txt")).toBe("one\ntwo\n");
  expect(existsSync(join(world.cwd, "gone.txt"))).toBe(false);
  expect(world.read("a.txt")).toBe("zero\none\nTWO\nthree\nfour\n");
});

requirement(
  ["exec.patch.lenient-whitespace", "exec.patch.lenient-heredoc", "exec.patch.lenient-empty-add"],
  "a lenient parser",
  async () => {
    const { world } = await good();
    expect(world.read("padded.txt")).toBe("x\n");
    expect(world.read("wrapped.txt")).toBe("x\n");
    expect(world.read("empty.txt")).toBe("");
  },
);

requirement(["exec.patch.add-over-existing"], "adding over a file", async () => {
  expect((await good()).world.read("over.txt")).toBe("replaced\n");
});

requirement(["exec.patch.first-chunk-without-header", "exec.patch.context-header"], "chunk headers", async () => {
  const { world } = await good();
  expect(world.read("noheader.txt")).toBe("a\nB\n");
  expect(world.read("context.txt")).toBe("first:\n  x\nsecond:\n  y\n");
});

requirement(
  ["exec.patch.match-trailing-space", "exec.patch.match-indentation", "exec.patch.match-unicode"],
  "tolerant matching",
  async () => {
    const { world } = await good();
    expect(world.read("trailing.txt")).toBe("changed\n");
    expect(world.read("indent.txt")).toBe("changed\n");
    expect(world.read("unicode.txt")).toBe("plain\n");
  },
);

requirement(["exec.patch.match-strict-first"], "an exact match further down", async () => {
  expect((await good()).world.read("strict.txt")).toBe("  text\nmiddle\nchanged\n");
});

requirement(["exec.patch.insert-only", "exec.patch.end-of-file"], "the end of the file", async () => {
  const { world } = await good();
  expect(world.read("insert.txt")).toBe("first\nlast\n");
  expect(world.read("eof.txt")).toBe("same\nmiddle\nend\n");
});

requirement(
  ["exec.patch.final-newline"],
  "a file without a final newline",
  async () => {
    expect((await good()).world.read("newline.txt")).toBe("b");
  },
  { differs: "the release adds a final newline" },
);

requirement(
  ["exec.patch.crlf"],
  "a CRLF file",
  async () => {
    expect((await good()).world.read("crlf.txt")).toBe("one\r\n2\r\n2b\r\nthree\r\n");
  },
  { differs: "the release writes new lines with LF" },
);

const bad = stage.shared(
  patches(
    {
      first: "nonsense\n*** End Patch",
      last: "*** Begin Patch\n*** Add File: x.txt\n+x",
      header: patch("*** Frob File: x.txt", "+x"),
      hollow: patch("*** Update File: a.txt"),
      missing: patch("*** Update File: no.txt", "@@", "-a", "+b"),
      missingdelete: patch("*** Delete File: no.txt"),
      lines: patch("*** Update File: a.txt", "@@", "-absent", "-gone", "+b"),
      context: patch("*** Update File: a.txt", "@@ class Nope", "-one", "+b"),
      partial: patch("*** Add File: partial.txt", "+x", "*** Update File: a.txt", "@@", "-absent", "+b"),
      runtime: patch("*** Add File: a.txt/below.txt", "+x"),
      outside: patch("*** Add File: /etc/codex-compat.txt", "+x"),
      escape: patch("*** Add File: ../../../../../../../../etc/codex-compat.txt", "+x"),
      binary: patch("*** Update File: latin1.txt", "@@", "-a", "+b"),
    },
    { "a.txt": "one\n", "latin1.txt": Uint8Array.of(0x61, 0x0a, 0xff, 0xfe, 0x0a) },
  ),
);

async function rejection(id: string): Promise<string> {
  const output = outputOf(await bad(), id);
  const prefix = "apply_patch verification failed: ";
  expect(output).toStartWith(prefix);
  return output.slice(prefix.length).trimEnd();
}

requirement(["exec.patch.bad-first-line", "exec.patch.bad-last-line", "exec.patch.prefix"], "bad ends", async () => {
  expect(await rejection("first")).toBe("invalid patch: The first line of the patch must be '*** Begin Patch'");
  expect(await rejection("last")).toBe("invalid patch: The last line of the patch must be '*** End Patch'");
});

requirement(["exec.patch.bad-header"], "a bad header", async () => {
  const headers = "'*** Add File: {path}', '*** Delete File: {path}', '*** Update File: {path}'";
  expect(await rejection("header")).toBe(
    `invalid hunk at line 2, '*** Frob File: x.txt' is not a valid hunk header. Valid hunk headers: ${headers}`,
  );
});

requirement(["exec.patch.empty-update"], "an empty update", async () => {
  expect(await rejection("hollow")).toBe("invalid hunk at line 2, Update file hunk for path 'a.txt' is empty");
});

requirement(["exec.patch.missing-update", "exec.patch.missing-delete"], "missing files", async () => {
  const path = `${(await bad()).world.cwd}/no.txt`;
  expect(await rejection("missing")).toBe(
    `Failed to read file to update ${path}: No such file or directory (os error 2)`,
  );
  expect(await rejection("missingdelete")).toStartWith(`Failed to read ${path}`);
});

requirement(["exec.patch.no-match", "exec.patch.no-context"], "lines that are not there", async () => {
  const path = `${(await bad()).world.cwd}/a.txt`;
  expect(await rejection("lines")).toBe(`Failed to find expected lines in ${path}:\nabsent\ngone`);
  expect(await rejection("context")).toBe(`Failed to find context 'class Nope' in ${path}`);
});

requirement(["exec.patch.no-partial"], "nothing is applied in part", async () => {
  await rejection("partial");
  const { world } = await bad();
  expect(existsSync(join(world.cwd, "partial.txt"))).toBe(false);
  expect(world.read("a.txt")).toBe("one\n");
});

requirement(["exec.patch.runtime-failure"], "a write that fails", async () => {
  const output = outputOf(await bad(), "runtime");
  expect(output).toStartWith("Exit code: 1\n");
  expect(output).toContain("a.txt/below.txt");
});

const OUTSIDE = "patch rejected: writing outside of the project; rejected by user approval settings";

requirement(["exec.patch.outside", "exec.patch.escape"], "paths outside", async () => {
  expect(outputOf(await bad(), "outside")).toBe(OUTSIDE);
  expect(outputOf(await bad(), "escape")).toBe(OUTSIDE);
  expect(existsSync("/etc/codex-compat.txt")).toBe(false);
});

requirement(["exec.patch.binary"], "a file that is not UTF-8", async () => {
  const played = await bad();
  expect(outputOf(played, "binary")).toStartWith("apply_patch verification failed: ");
  expect(readFileSync(join(played.world.cwd, "latin1.txt"))).toEqual(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a]));
});

requirement(["exec.patch.read-only"], "read-only", async () => {
  const scene = patches({ p: patch("*** Add File: new.txt", "+x") });
  const played = await stage.play({ ...scene, args: ["-s", "read-only"] });
  expect(outputOf(played, "p")).toStartWith("patch rejected: ");
  expect(existsSync(join(played.world.cwd, "new.txt"))).toBe(false);
});

requirement(["exec.patch.symlink"], "a symlink that leads outside", async () => {
  const tables = "[sandbox_workspace_write]\nexclude_slash_tmp = true\nexclude_tmpdir_env_var = true";
  const world = await stage.world({ ...patches({ p: patch("*** Add File: link/new.txt", "+x") }), tables });
  mkdirSync(join(world.root, "outside"));
  symlinkSync(join(world.root, "outside"), join(world.cwd, "link"));
  await world.run({ args: ["-s", "workspace-write"] });
  expect(world.server.requests).toHaveLength(2);
  expect(existsSync(join(world.root, "outside/new.txt"))).toBe(false);
});

const shell = (cmd: string, id: string) => functionCall("exec_command", { cmd }, id);
const piped = (path: string) =>
  `echo before; printf '%s' "${patch(`*** Add File: ${path}`, "+x")}" | apply_patch; echo $?`;
const intercepted = stage.shared({
  args: ["-s", "workspace-write"],
  files: { "sub/a.txt": "one\n" },
  responses: [
    answer(shell(`apply_patch <<'EOF'\n${patch("*** Add File: heredoc.txt", "+x")}\nEOF\n`, "heredoc")),
    answer(
      shell(`cd sub && apply_patch <<'EOF'\n${patch("*** Update File: a.txt", "@@", "-one", "+two")}\nEOF\n`, "cd"),
    ),
    answer(functionCall("apply_patch", { input: patch("*** Add File: function.txt", "+x") }, "function")),
    answer(functionCall("exec_command", { cmd: piped("piped.txt"), login: false }, "command")),
    answer(shell(piped("login.txt"), "login")),
    answer(assistantText("done")),
  ],
});

function kinds(played: Played): string[] {
  return itemsOf(played)
    .filter(({ event }) => event === "item.completed")
    .map(({ type }) => type);
}

requirement(["exec.patch.heredoc", "exec.patch.heredoc-cd"], "a patch in a heredoc", async () => {
  const played = await intercepted();
  expect(played.world.read("heredoc.txt")).toBe("x\n");
  expect(played.world.read("sub/a.txt")).toBe("two\n");
  expect(outputOf(played, "heredoc")).toContain("Success. Updated the following files:");
  expect(kinds(played).slice(0, 2)).toEqual(["file_change", "file_change"]);
  const [, inSub] = completedItems(played, "file_change");
  expect(inSub?.changes).toEqual([{ path: `${played.world.cwd}/sub/a.txt`, kind: "update" }]);
});

requirement(["exec.patch.function-form"], "a patch as a function call", async () => {
  const played = await intercepted();
  expect(outputOf(played, "function")).toContain("A function.txt");
  expect(played.world.read("function.txt")).toBe("x\n");
});

requirement(["exec.patch.command"], "the apply_patch command", async () => {
  const played = await intercepted();
  expect(played.world.read("piped.txt")).toBe("x\n");
  expect(outputOf(played, "command")).toEndWith("A piped.txt\n0\n");
});

requirement(
  ["exec.patch.command-login"],
  "the apply_patch command in a login shell",
  async () => {
    const played = await intercepted();
    expect(played.world.read("login.txt")).toBe("x\n");
    expect(outputOf(played, "login")).toEndWith("A login.txt\n0\n");
  },
  { differs: "the login profile resets the release's PATH" },
);
