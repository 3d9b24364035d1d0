import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { interceptPatch, interceptScript } from "#apply-patch/heredoc.ts";
import { Scratch } from "./scratch.ts";

const PATCH = '*** Begin Patch\n*** Add File: a.txt\n+it\'s "1" $HOME `x` \\ !\n*** End Patch';
const heredoc = (delimiter: string, word = "EOF") => `apply_patch <<${delimiter}\n${PATCH}\n${word}\n`;

describe("scripts that only apply a patch", () => {
  const cases: [string, string, string | null][] = [
    ["single quotes", heredoc("'EOF'"), null],
    ["double quotes", heredoc('"EOF"'), null],
    ["no quotes", heredoc("EOF"), null],
    ["another delimiter", heredoc("'END OF PATCH'", "END OF PATCH"), null],
    ["a blank before the delimiter", heredoc(" 'EOF'"), null],
    ["the old name", heredoc("'EOF'").replace("apply_patch", "applypatch"), null],
    ["no final newline", heredoc("'EOF'").trimEnd(), null],
    ["blank lines around", `\n\n  ${heredoc("'EOF'")}\n  \n`, null],
    ["tabs stripped by <<-", `apply_patch <<-'EOF'\n${PATCH.replace(/^/gm, "\t")}\n\tEOF\n`, null],
    ["cd", `cd sub && ${heredoc("'EOF'")}`, "sub"],
    ["cd to a quoted folder", `cd 'my "sub" $x' && ${heredoc("'EOF'")}`, 'my "sub" $x'],
    ["cd to a double-quoted folder", `cd "it's here" &&  ${heredoc("'EOF'")}`, "it's here"],
    ["cd to an absolute folder", `cd /srv/a-b_c.d/ü && ${heredoc("'EOF'")}`, "/srv/a-b_c.d/ü"],
    ["cd and a new line", `  cd ../x&&\n${heredoc("'EOF'")}`, "../x"],
  ];
  for (const [name, script, workdir] of cases) {
    test(name, () => {
      for (const [shell, flag] of [
        ["bash", "-lc"],
        ["/bin/bash", "-c"],
        ["/usr/bin/zsh", "-lc"],
        ["sh", "-c"],
      ] as const) {
        expect(interceptPatch([shell, flag, script])).toEqual({ type: "apply", patch: PATCH, workdir });
      }
    });
  }

  test("an argument list", () => {
    expect(interceptPatch(["apply_patch", PATCH])).toEqual({ type: "apply", patch: PATCH, workdir: null });
    expect(interceptPatch(["applypatch", "anything"])).toEqual({ type: "apply", patch: "anything", workdir: null });
  });

  test("a patch given as the command", () => {
    expect(interceptPatch([PATCH])).toEqual({ type: "bare_patch" });
    expect(interceptPatch(["bash", "-lc", `\n${PATCH}\n`])).toEqual({ type: "bare_patch" });
  });
});

describe("everything else is an ordinary command", () => {
  const good = heredoc("'EOF'");
  const scripts: [string, string][] = [
    ["nothing", ""],
    ["a command before", `echo hi && ${good}`],
    ["a command after", `${good}echo hi\n`],
    ["a command after the delimiter's line", good.replace("'EOF'", "'EOF'; rm x")],
    ["cd with ;", `cd sub; ${good}`],
    ["cd with ||", `cd sub || ${good}`],
    ["cd with &", `cd sub & ${good}`],
    ["cd on a line of its own", `cd sub\n${good}`],
    ["two cd", `cd a && cd b && ${good}`],
    ["cd without a folder", `cd && ${good}`],
    ["cd to nothing", `cd '' && ${good}`],
    ["cd with two words", `cd a b && ${good}`],
    ["cd with an option", `cd -P a && ${good}`],
    ["cd back", `cd - && ${good}`],
    ["cd home", `cd ~ && ${good}`],
    ["cd below home", `cd ~/x && ${good}`],
    ["cd to a variable", `cd $HOME && ${good}`],
    ["cd to a quoted variable", `cd "$HOME/x" && ${good}`],
    ["cd to a substitution", `cd "\`pwd\`" && ${good}`],
    ["cd to an escape", `cd a\\ b && ${good}`],
    ["cd to a pattern", `cd a* && ${good}`],
    ["cd to glued quotes", `cd a'b'c && ${good}`],
    ["an argument", good.replace("apply_patch", "apply_patch x")],
    ["a path to the command", good.replace("apply_patch", "./apply_patch")],
    ["a longer name", good.replace("apply_patch", "apply_patches")],
    ["a variable before", `X=1 ${good}`],
    ["a comment before", `# note\n${good}`],
    ["a subshell", `(${good})`],
    ["a pipe", good.replace("'EOF'", "'EOF' | cat")],
    ["a redirection", good.replace("'EOF'", "'EOF' > /dev/null")],
    ["a redirection first", good.replace("<<", "> /dev/null <<")],
    ["in the background", good.replace("'EOF'", "'EOF' &")],
    ["a second here-document", good.replace("'EOF'", "'EOF' <<'B'")],
    ["a here-string", `apply_patch <<< '${PATCH.replaceAll("'", "")}'`],
    ["glued delimiter quotes", good.replace("'EOF'", "'E'OF")],
    ["an empty delimiter", "apply_patch <<''\nx\n\n"],
    ["no delimiter line", `apply_patch <<'EOF'\n${PATCH}\n`],
    ["an indented delimiter line", `apply_patch <<'EOF'\n${PATCH}\n  EOF\n`],
    ["an early delimiter line", `apply_patch <<'EOF'\nEOF\n${PATCH}\nEOF\n`],
    ["the patch as an argument", `apply_patch '${PATCH.replaceAll("'", "")}'`],
    ["cat piped in", `cat <<'EOF' | apply_patch\n${PATCH}\nEOF\n`],
  ];
  for (const [name, script] of scripts) {
    test(name, () => {
      expect(interceptPatch(["bash", "-lc", script])).toBeNull();
    });
  }

  const argvs: string[][] = [
    [],
    ["apply_patch"],
    ["apply_patch", PATCH, "x"],
    ["bash", "-x", good],
    ["bash", "-lc", good, "x"],
    ["bash", good],
    ["fish", "-c", good],
    ["python3", "-c", good],
    ["env", "apply_patch", PATCH],
    ["ls"],
  ];
  for (const argv of argvs) {
    test(`argv ${JSON.stringify(argv).slice(0, 60)}`, () => {
      expect(interceptPatch(argv)).toBeNull();
    });
  }
});

describe("against a real shell", () => {
  /** Pieces of scripts around the forms that are intercepted. */
  const piece = fc.constantFrom(
    "cd sub",
    "cd 'sub'",
    'cd "sub"',
    "cd .",
    " && ",
    "&&",
    "; ",
    "\n",
    " ",
    "apply_patch ",
    "applypatch",
    "<<'EOF'",
    "<<EOF",
    '<< "EOF"',
    "<<-EOF",
    "line 1",
    "\tline 2",
    "*** x",
    "EOF",
    "\tEOF",
    " EOF",
    "# c",
    "echo hi",
  );
  const pieces = fc.array(piece, { maxLength: 3 }).map((parts) => parts.join(""));
  const near = fc
    .record({
      before: fc.oneof(fc.constantFrom("", "cd sub && ", "\n cd 'sub'&&\n", "cd sub; "), pieces),
      start: fc.constantFrom("<<'EOF'", "<<EOF", '<< "EOF" ', "<<-EOF", "<<-'EOF'"),
      body: fc.array(fc.constantFrom("", "line", "\tline", " EOF", "\tEOF", "EOF", "*** x"), { maxLength: 4 }),
      after: fc.oneof(fc.constantFrom("", "\n", " \n\t\n"), pieces),
    })
    .map(({ before, start, body, after }) => `${before}apply_patch ${start}\n${body.join("\n")}\nEOF${after}`);
  const script = fc.oneof(
    near,
    fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")),
  );

  test("what is intercepted is what bash would have run, and nothing more", () => {
    using scratch = new Scratch({ "sub/x": "" });
    writeFileSync(
      scratch.at("functions"),
      'apply_patch() { printf "%s|%s|" "$#" "$PWD"; cat; printf "|end"; }\napplypatch() { apply_patch "$@"; }\n',
    );
    let intercepted = 0;
    fc.assert(
      fc.property(script, (text) => {
        const found = interceptScript(text);
        // An empty body and one blank line are the same patch: none.
        if (found?.type !== "apply" || found.patch === "") return;
        intercepted++;
        const run = spawnSync("bash", ["-c", `. "$0"; eval "$1"`, scratch.at("functions"), text], {
          cwd: scratch.path,
          encoding: "utf8",
        });
        const folder = found.workdir === null ? scratch.path : scratch.at(found.workdir);
        expect(run.stdout).toBe(`0|${folder}|${found.patch}\n|end`);
      }),
      { numRuns: 800 },
    );
    expect(intercepted).toBeGreaterThan(20);
    expect(readdirSync(scratch.path)).toHaveLength(2);
  });
});
