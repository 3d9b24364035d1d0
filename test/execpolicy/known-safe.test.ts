import { describe, expect, test } from "bun:test";
import { isDangerous } from "#execpolicy/dangerous.ts";
import { isKnownSafe } from "#execpolicy/known-safe.ts";

const LISTED =
  "cat cd cut echo expr false grep head id ls nl paste pwd rev seq stat tail tr true uname uniq wc which whoami";

describe("known-safe", () => {
  test.each([
    ...LISTED.split(" "),
    ...["/bin/ls -l", "/usr/bin/cat a", "base64 a", "base64 -d -w 0 a", "find . -name x -print", "uniq -c a"],
    ...["rg x", "rg -n --type rust x", "rg -nexz a", "rg -g*.zip x", "sed -n 1p", "sed -n 1,20p file"],
    ...["git status", "git log -p -3", "git diff HEAD --stat --text", "git show x:y", "git --no-pager log"],
    ...["git branch", "git branch -a -vv", "git branch --show-current", "git branch --format=%(refname)"],
    ...(process.platform === "linux" ? ["numfmt 1", "tac a"] : []),
  ])("%s", (line) => {
    expect(isKnownSafe(line.split(" "))).toBe(true);
  });

  test.each([
    ...["", "make", "rm a", "./ls", "/tmp/ls", "/home/me/bin/cat", "sh", "bash -c ls", "LS", "constructor", "toString"],
    ...["base64 -o x", "base64 -do x", "base64 --output=x", "base64 --out x"],
    ..."-exec -execdir -ok -okdir -delete -fls -fprint -fprint0 -fprintf"
      .split(" ")
      .map((action) => `find . ${action} x`),
    ...["rg --pre x", "rg --pre=x y", "rg --hostname-bin x", "rg --search-zip x", "rg -z x", "rg -nz x"],
    ...[
      "sed 1p",
      "sed -n p",
      "sed -n 1d",
      "sed -n 1p a b",
      "sed -n 1p -i",
      "sed -n 1pw",
      "sed -n 1,2,3p",
      "sed -ni 1p",
    ],
    ...["git", "git push", "git -c a=b status", "git --config-env=a=b log", "git -p log", "git --paginate log"],
    ...[
      "git --git-dir=x status",
      "git log --output=x",
      "git diff --output x",
      "git diff --outp=x",
      "git log --ext-diff",
    ],
    ...[
      "git show --textconv",
      "git show --textc",
      "git diff --exec=x",
      "git branch new",
      "git branch -d x",
      "git branch -m x",
    ],
    ...[
      "git grep x",
      "git commit",
      "uniq a b",
      "uniq - b",
      "uniq -- - -x",
      "git -C a status",
      "env ls",
      "sudo ls",
      "xargs cat",
      "tee a",
      "sort -o a",
    ],
  ])("%p is not", (line) => {
    expect(isKnownSafe(line.split(" "))).toBe(false);
  });

  test("no words at all", () => {
    expect(isKnownSafe([])).toBe(false);
  });
});

describe("dangerous", () => {
  test.each(["rm -f", "rm -rf a", "rm -fr a", "rm -vRf a", "rm a -f", "rm --force a", "rm --fo a", "/usr/bin/rm -f a"])(
    "%s",
    (line) => {
      expect(isDangerous(line.split(" "))).toBe(true);
    },
  );

  test.each(["rm", "rm a", "rm -r a", "rm -- -f", "rm --from", "rmdir -f", "echo rm -f", "rm --", "rm a-f"])(
    "%s is not",
    (line) => {
      expect(isDangerous(line.split(" "))).toBe(false);
    },
  );

  test("unknown words are not taken for force", () => {
    const word = { prefix: "", suffix: "", many: true };
    expect(isDangerous(["rm", word])).toBe(false);
    expect(isDangerous(["rm", word, "-f"])).toBe(true);
    expect(isDangerous([word, "-f"])).toBe(false);
  });
});
