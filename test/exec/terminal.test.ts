import { expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall, reasoning } from "../support/model-script.ts";
import { startModelServer } from "../support/model-server.ts";
import { cliBinary } from "../support/spawn-cli.ts";
import { tempHome } from "../support/temp-home.ts";

/** Sets the clipboard, clears the screen, rings and turns the direction of writing. */
const HOSTILE = "\u001b]52;c;aGk=\u0007\u001b[2J\u0007\u202eevil";
const TOML_HOSTILE = "\\u001b]52;c;aGk=\\u0007\\u001b[2J\\u0007\\u202eevil";

/** What a terminal gets of `codex exec`, and its exit code. */
async function onTerminal(args: readonly string[], { cwd, home }: { cwd: string; home: string }) {
  const decoder = new TextDecoder();
  let shown = "";
  const child = Bun.spawn([cliBinary(), "exec", ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", HOME: home, CODEX_HOME: join(home, ".codex"), TERM: "xterm", LANG: "C.UTF-8" },
    terminal: {
      data: (_terminal, chunk) => {
        shown += decoder.decode(chunk, { stream: true });
      },
    },
  });
  const code = await child.exited;
  child.terminal?.close();
  return { code, shown };
}

test("nothing that reaches a terminal is more than text, and the file of the answer is exact", async () => {
  await using home = await tempHome({ git: true });
  await using server = await startModelServer({
    checkRequests: false,
    responses: [
      answer(
        reasoning([`thought ${HOSTILE}`]),
        functionCall("exec_command", { cmd: "printf 'printed\\033[2J\\007\\n\\tindented\\n'", login: false }),
      ),
      answer(assistantText(`answer ${HOSTILE}\n\tindented`)),
    ],
  });
  home.write(
    ".codex/config.toml",
    `model = "unknown-${TOML_HOSTILE}"
model_provider = "mock"
sandbox_mode = "danger-full-access"
notify = ["/no/such/${TOML_HOSTILE}"]
[model_providers.mock]
name = "mock"
base_url = "${server.baseUrl}"
`,
  );
  const folder = join(home.cwd, `folder ${HOSTILE.replace("/", "")}`);
  mkdirSync(folder);
  const file = join(home.root, "answer");
  const args = ["--color", "never", "-o", file, `prompt ${HOSTILE}`];
  const { code, shown } = await onTerminal(args, { cwd: folder, home: home.root });
  expect(code).toBe(0);
  expect(JSON.stringify(shown)).not.toMatch(/\\u001b|\\u0007|\u202e/);
  // Each of them was shown: the prompt, the folder, the model, a warning in front, the work, the answer, a warning behind.
  for (const text of ["prompt ", "workdir: ", "model: unknown-", "Nothing is known about model", "thought "]) {
    expect(shown).toContain(text);
  }
  expect(shown).toContain("printed\ufffd\r\n\tindented\r\n");
  expect(shown).toMatch(/answer .*evil\r\n\tindented\r\n/);
  expect(shown).toMatch(/warning: Cannot start the notify program "\/no\/such\/.*evil"/);
  expect(readFileSync(file, "utf8")).toBe(`answer ${HOSTILE}\n\tindented`);
}, 60_000);
