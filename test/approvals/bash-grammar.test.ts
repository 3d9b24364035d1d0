import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadScriptParser } from "#approvals/bash-grammar.ts";
import { readWith } from "#approvals/read-command.ts";
import { isKnown, type Word } from "#execpolicy/words.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { bashTrace } from "./bash-trace.ts";

const parse = await loadScriptParser();

/** A word as text: `pre…post` for an unknown one, doubled dots when it may be several words. */
function show(word: Word): string {
  return isKnown(word) ? word : `${word.prefix}${word.many ? "……" : "…"}${word.suffix}`;
}

function seen(script: string): string[][] {
  return readWith(["bash", "-lc", script], parse).seen.map((words) => words.map(show));
}

describe("words", () => {
  test.each<[string, string[]]>([
    ["rm > out -rf x", ["rm", "-rf", "x"]],
    ["false || rm > out -rf 2>&1 x", ["rm", "-rf", "x"]],
    ["2>&1 rm x", ["rm", "x"]],
    ["rm <<< 'in' x", ["rm", "x"]],
    ["cat <<E b\n$x\nE", ["cat", "b"]],
    ["r\\m a\\ b", ["rm", "a b"]],
    ["r'm' \"-r\"'f' $x", ["rm", "-rf", "……"]],
    ["echo $'a\\x41\\'\\n\\101\\u00e9' > x", ["echo", "aA'\nAé"]],
    [`echo "a$x" "$x" "b\${x}c" "pre/$x/post" > x`, ["echo", "a…", "…", "b…c", "pre/…/post"]],
    [`echo "$@" "\${x[@]}" > x`, ["echo", "……", "……"]],
    ["echo *.ts a?b ~/x {a,b} a[bc]d {} -I{} > x", ["echo", "…….ts", "a……b", "……/x", "……", "……", "{}", "-I{}"]],
    ["echo a\\*b '*' \"*\" > x", ["echo", "a*b", "*", "*"]],
    ["X=1 Y=$(true) run a > x", ["run", "a"]],
    ["export A=1 B=$x > x", ["export", "A=1", "…"]],
    ["echo a=b 'c'=d > x", ["echo", "a=b", "c=d"]],
    ["$x y > z", ["……", "y"]],
    ["a\\\nb c > x", ["ab", "c"]],
  ])("%p", (script, words) => {
    expect(seen(script).find(([program]) => program !== "true" && program !== "false")).toEqual(words);
  });
});

describe("commands inside commands", () => {
  test.each([
    ...["a | hit", "a && hit", "a & hit", "(hit)", "{ hit; }", "! hit", "time hit", "hit &", "a |& hit", "a\nhit"],
    ...[
      "if hit; then a; fi",
      "if a; then hit; else b; fi",
      "if a; then b; elif hit; then c; fi",
      "while hit; do a; done",
    ],
    ...["until a; do hit; done", "for x in 1; do hit; done", "for ((;;)); do hit; done", "select x in a; do hit; done"],
    ...[
      "case x in y) hit;; esac",
      "f() { hit; }",
      "function f { hit; }",
      "f() ( hit )",
      "coproc hit",
      "coproc N { hit; }",
      "coproc { hit; }",
    ],
    ...[
      "echo $(hit)",
      "echo `hit`",
      'echo "$(hit)"',
      'echo "`hit`"',
      "echo <(hit)",
      "a > >(hit)",
      `echo \${x:-$(hit)}`,
      `echo \${x/$(hit)/b}`,
    ],
    ...[
      "x=$(hit)",
      "x=$(hit) y",
      "x=(1 $(hit))",
      "x[$(hit)]=1",
      "echo $(($(hit)))",
      "(( $(hit) ))",
      "[[ $(hit) ]]",
      "[ `hit` ]",
    ],
    ...["cat <<E\n$(hit)\nE", "cat <<< $(hit)", "cat > $(hit)", "export x=$(hit)", "local x=`hit`", "let x=$(hit)"],
    ...[
      "bash <<E\nhit\nE",
      "sudo sh <<'E'\nx=1; hit\nE",
      "bash -c 'x=1; hit'",
      'sh -ec "hit > a"',
      "bash -l -c hit",
      "bash <<< 'a; hit'",
      "bash --norc -c hit",
    ],
    ...[
      "eval hit",
      "eval 'a; hit'",
      "exec hit",
      "command hit",
      "builtin hit",
      "trap hit EXIT",
      "env hit",
      "env -i A=1 -u B hit",
    ],
    ...[
      "env -S 'hit a'",
      "env --split-string='hit a'",
      "sudo -u root -E A=1 hit",
      "sudo -- hit",
      "doas hit",
      "nice -n 5 hit",
      "nohup hit",
    ],
    ...[
      "timeout -s KILL 5 hit",
      "stdbuf -oL hit",
      "setsid hit",
      "xargs hit",
      "xargs -0 -n 1 -I{} hit {}",
      "find . -exec hit {} ;",
    ],
    ...[
      "find . -name x -execdir hit {} + -print",
      "ionice -c 3 hit",
      "flock x hit",
      "chroot / hit",
      "watch -n 1 hit",
      "time -p hit",
    ],
    ...[
      "echo `echo \\`hit\\``",
      "sudo env bash -c 'eval \"hit\"'",
      "a; # x\nhit",
      "h\\\nit",
      "'hi't",
      "$'hit'",
      "hit;",
      "hit )",
    ],
  ])("%p", (script) => {
    const found = seen(script);
    expect(found.some(([program]) => program === "hit")).toBe(true);
  });

  test("text is not taken for commands", () => {
    for (const script of ["echo 'hit; hit' > x", "# hit\na > x", "cat <<'E' > x\n$(hit)\nE", 'echo "a; hit" > x']) {
      expect(seen(script).some(([program]) => program === "hit")).toBe(false);
    }
  });

  test.each([
    "! for x in a; do b\ndone",
    "! { b; }",
    "! while a; do b; done",
    "! if a; then b; fi",
    "! case x in x) b;; esac",
  ])("what follows a negation in %j is seen or known not to be understood", (script) => {
    const { commands, complete } = parse(script);
    const sees = commands.some(([name]) => name === "b");
    expect(sees || !complete).toBe(true);
  });

  test("a here-document whose mark stands within a substitution in it is not understood: bash ends it there", () => {
    const inner = (mark: string) => `(cat <<E\n$(cat <<'${mark}'\na\n${mark}\n)\nhit\nE\n)`;
    expect(parse(inner("E")).complete).toBeFalse();
    expect(parse("cat <<-E\n$(a\n\t\tE\n)\nhit\nE\n").complete).toBeFalse();
    expect(parse(inner("F")).complete).toBeTrue();
    expect(parse("cat <<E\n E\nE F\nE\n").complete).toBeTrue();
  });

  test("a shell's here-document is read with its escapes undone, unless its mark is quoted", () => {
    expect(seen("bash <<E\nb \\$a\nE\n").at(-1)).not.toEqual(["b", "$a"]);
    expect(seen("bash <<'E'\nb \\$a\nE\n").at(-1)).toEqual(["b", "$a"]);
  });

  test("endless layers end", () => {
    let script = "hit";
    for (let layer = 0; layer < 40; layer++) script = `eval ${script}`;
    const { seen: found, unparsed } = readWith(["bash", "-lc", script], parse);
    expect(found.length).toBeLessThan(60);
    expect(unparsed.length).toBeGreaterThan(0);
  });
});

/** Whether the words that ran are what was seen, unknown words standing for what they may become. */
function covers(words: readonly Word[], ran: readonly string[]): boolean {
  const [word, ...rest] = words;
  if (word === undefined) return ran.length === 0;
  const [first, ...others] = ran;
  if (isKnown(word)) return first === word && covers(rest, others);
  if (!word.many) return first !== undefined && isPossible(word, first) && covers(rest, others);
  return Array.from({ length: ran.length + 1 }, (_, count) => count).some((count) => covers(rest, ran.slice(count)));
}

function isPossible(word: Exclude<Word, string>, text: string): boolean {
  return text.startsWith(word.prefix) && text.endsWith(word.suffix);
}

/**
 * Makes a script from a list of numbers, each a choice; when they run out it ends quickly. Programs are made of the
 * letters a, b and z, and none of them exists.
 */
class ScriptMaker {
  readonly #choices: number[];

  constructor(choices: readonly number[]) {
    this.#choices = [...choices];
  }

  script(): string {
    let text = this.#command();
    while (this.#pick(3) === 1)
      text += this.#of(" ; ", "\n", " | ", " || ", " && ", " & ", "; # note\n") + this.#command();
    return text + this.#of("", "\n", " ;");
  }

  #command(): string {
    switch (this.#pick(24)) {
      case 1:
        return `b >out ${this.#word()}`;
      case 2:
        return `x=${this.#word()} b`;
      case 3:
        return `2>&1 zz ${this.#word()} <<< a`;
      case 4:
        return `(${this.script()}\n)`;
      case 5:
        return `{ ${this.script()}\n}`;
      case 6:
        return `if ${this.script()}\nthen a\nelse ${this.script()}\nfi`;
      case 7:
        return `while ${this.script()}\ndo break; done`;
      case 8:
        return `for x in a ${this.#word()}; do ${this.script()}\ndone`;
      case 9:
        return `case a in b) a;; *) ${this.script()}\n;; esac`;
      case 10:
        return `f() { ${this.script()}\n}; f a`;
      case 11:
        return `! ${this.#command()}`;
      case 12:
        return `cat <<E\n$(${this.script()}\n)\nE\n`;
      case 13:
        return `eval ${this.#quoted()}`;
      case 14:
        return `/bin/bash -c ${this.#quoted()}`;
      case 15:
        return `command ${this.#words()}`;
      case 16:
        return `[[ -n $(${this.script()}\n) ]]`;
      case 17:
        return `/bin/bash <<'E'\n${this.script()}\nE\n`;
      default:
        return this.#words();
    }
  }

  #words(): string {
    let text = this.#word();
    while (this.#pick(2) === 1) text += ` ${this.#word()}`;
    return text;
  }

  #word(): string {
    let text = this.#piece();
    while (this.#pick(3) === 1) text += this.#piece();
    return text;
  }

  #piece(): string {
    switch (this.#pick(12)) {
      case 1:
        return `$(${this.script()}\n)`;
      case 2:
        return `"$(${this.script()}\n)"`;
      case 3:
        return `\`${this.script().replace(/[`\\]/g, "")}\n\``;
      case 4:
        return `\${x:-$(${this.script()}\n)}`;
      case 5:
        return this.#of(
          "'x y'",
          '"x y"',
          "\\a",
          "''",
          "$'\\x61b'",
          '"$x"',
          "$x",
          "*",
          "\\\n",
          "=",
          "é",
          "a\\ b",
          "[a]",
        );
      case 6:
        return this.#of(
          "{a,b}",
          "~",
          "#",
          "%",
          `\${x:-b}`,
          "\\$",
          '"\\$a"',
          "$1",
          '"$@"',
          "-a",
          '"a',
          "a'",
          "(",
          "}",
          "^",
        );
      default:
        return this.#of("a", "b", "zz");
    }
  }

  #quoted(): string {
    return `'${this.script().replaceAll("'", "")}'`;
  }

  #pick(count: number): number {
    return (this.#choices.pop() ?? 0) % count;
  }

  #of(...texts: string[]): string {
    return texts[this.#pick(texts.length)] ?? "";
  }
}

const script = fc.array(fc.nat(10_000), { maxLength: 50 }).map((choices) => new ScriptMaker(choices).script());

describe("fuzzing", () => {
  test("no text makes it throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), script), (text) => {
        const reading = readWith(["bash", "-lc", text], parse);
        return reading.seen.every((words) => words.every((word) => isKnown(word) || word.prefix.length >= 0));
      }),
      { numRuns: 1000 },
    );
  });

  test("every command that bash runs was seen, or the script is known not to be understood", async () => {
    using bash = bashTrace();
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(script, async (text) => {
        const { seen: found, unparsed } = readWith(["bash", "-lc", text], parse);
        if (unparsed.length > 0) return;
        // A pattern in a program's place names no program; the grammar takes `[a]` there for a test. And a program
        // called `a=`, which `command a=` runs, is taken for an assignment.
        const ran = ((await bash.run(text)) ?? []).filter(([program]) => !/^\[|=/.test(program ?? ""));
        compared += ran.length;
        const missed = ran.filter((words) => !found.some((known) => covers(known, words)));
        expect({ text, missed, found: missed.length > 0 ? found : [] }).toEqual({ text, missed: [], found: [] });
      }),
      { numRuns: 600 },
    );
    expect(compared).toBeGreaterThan(200);
  }, 120_000);
});

test("scripts and commands of any form are read in a moment", async () => {
  const scripts = [
    `${"bash $X && ".repeat(1_500)}bash <<EOF\nrm -f a\nEOF\n`,
    `echo ${'"$('.repeat(4_000)}a${')"'.repeat(4_000)}`,
    `find $X ${"-exec a ".repeat(8_000)}`,
  ];
  for (const script of scripts) {
    const spent = await cpuMs(() => readWith(["bash", "-lc", script], parse));
    expect(spent).toBeLessThan(2_000);
  }
  const [first = ""] = scripts;
  expect(readWith(["bash", "-lc", first], parse).seen).toContainEqual(["rm", "-f", "a"]);
});

test("of a find with more actions than are looked at, the rest counts as not understood", () => {
  const argv = [
    "find",
    ".",
    ...Array.from({ length: 2_000 }, () => ["-exec", "a"]).flat(),
    "-exec",
    "rm",
    "-f",
    "x",
    ";",
  ];
  const { unparsed } = readWith(argv, parse);
  expect(unparsed.some((text) => text.includes("rm -f x"))).toBe(true);
});
