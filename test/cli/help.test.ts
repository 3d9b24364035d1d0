import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";

const stage = useStage();

/** What a screen of 80 columns shows without breaking a line itself. */
const COMMANDS: readonly (readonly string[])[] = [
  ["exec"],
  ["exec", "resume"],
  ["exec", "review"],
  ["sandbox"],
  ["sandbox", "linux"],
  ["execpolicy", "check"],
  ["memories"],
  ["memories", "run"],
];

for (const words of COMMANDS) {
  test(`codex ${words.join(" ")} --help fits 80 columns`, async () => {
    const { code, stdout } = await stage.play({ argv: [...words, "--help"] });
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: codex ${words[0]}`);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
}

test("a working folder that is not there is named", async () => {
  const { code, stderr } = await stage.play({ argv: ["exec", "-C", "/no/such/folder", "go"] });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'Error: No such file or directory (os error 2): "/no/such/folder"\n',
  });
});
