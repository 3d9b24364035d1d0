import { expect, test } from "bun:test";
import { startCli } from "../support/spawn-cli.ts";
import { tempHome } from "../support/temp-home.ts";

async function run(...args: string[]) {
  await using home = await tempHome();
  return await startCli(args, { home: home.root, cwd: home.cwd }).done;
}

test.each([
  [["login"], "error: codex login is not here yet\n(set CODEX_API_KEY"],
  [["login", "--with-api-key"], "error: codex login is not here yet\n"],
  [["-c", "model=x", "resume", "--last"], "error: codex resume is not here yet\n(codex exec resume"],
  [
    ["fix the tests"],
    'error: "fix the tests" is no command, and the interactive terminal is not here yet\n(codex exec',
  ],
  [["exce"], "error: unknown command 'exce'\n(Did you mean exec?)\n"],
])("%j says what does instead", async (args, expected) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toStartWith(expected);
});

test("nothing at all is the interactive terminal, and help", async () => {
  const { code, stdout, stderr } = await run();
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toStartWith(
    "error: the interactive terminal is not here yet; codex exec runs one task without it\n\nUsage:",
  );
});
