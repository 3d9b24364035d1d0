import { expect, test } from "bun:test";
import { textOf, useStage, type World } from "../compat/stage.ts";
import { cliBinary, OPEN_PIPE } from "../support/spawn-cli.ts";

const stage = useStage();

function prompt(world: World): string {
  return textOf(world.server.requests[0]?.body.input.at(-1));
}

/** Runs through a shell, for pipelines and redirections. `$CODEX` is the executable. */
async function shell(world: World, script: string): Promise<{ code: number; stderr: string }> {
  const child = Bun.spawn(["bash", "-c", script], {
    cwd: world.cwd,
    env: {
      PATH: Bun.env.PATH,
      HOME: world.home,
      CODEX_HOME: world.codexHome,
      MOCK_KEY: "sk-mock",
      TERM: "dumb",
      CODEX: cliBinary(),
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const stderr = await child.stderr.text();
  return { code: await child.exited, stderr };
}

/** Runs in a terminal of its own and answers what was shown there. */
async function inTerminal(world: World, args: readonly string[]): Promise<{ code: number; shown: string }> {
  let shown = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([cliBinary(), ...args], {
    cwd: world.cwd,
    env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "sk-mock", TERM: "xterm" },
    terminal: {
      data: (_, bytes) => {
        shown += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const code = await child.exited;
  clearTimeout(deadline);
  return { code, shown };
}

test("a prompt and an inherited pipe that stays open do not hang", async () => {
  const played = await stage.play({ prompt: "look", stdin: OPEN_PIPE, timeoutMs: 15_000 });
  expect(played.code).toBe(0);
  expect(prompt(played.world)).toBe("look");
});

test("a prompt in a terminal does not read the terminal", async () => {
  const world = await stage.world({});
  const { code, shown } = await inTerminal(world, ["exec", "look"]);
  expect(code).toBe(0);
  expect(shown).toContain("done");
  expect(prompt(world)).toBe("look");
});

test("no prompt in a terminal is an error at once", async () => {
  const world = await stage.world({});
  const { code, shown } = await inTerminal(world, ["exec"]);
  expect(code).toBe(1);
  expect(shown).toContain("No prompt provided");
  expect(world.server.requests).toEqual([]);
});

test("a file on standard input becomes the block", async () => {
  const world = await stage.world({ files: { "notes.txt": "from a file\n" } });
  const { code } = await shell(world, '"$CODEX" exec look < notes.txt');
  expect(code).toBe(0);
  expect(prompt(world)).toBe("look\n\n<stdin>\nfrom a file\n\n</stdin>");
});

test("a pipeline's output becomes the block", async () => {
  const world = await stage.world({});
  const { code } = await shell(world, 'seq 1 3 | "$CODEX" exec look');
  expect(code).toBe(0);
  expect(prompt(world)).toBe("look\n\n<stdin>\n1\n2\n3\n\n</stdin>");
});

test("a slow pipeline's output becomes the block too", async () => {
  const world = await stage.world({});
  const { code } = await shell(world, '(sleep 1; echo late; sleep 0.5; echo later) | "$CODEX" exec look');
  expect(code).toBe(0);
  expect(prompt(world)).toBe("look\n\n<stdin>\nlate\nlater\n\n</stdin>");
});

test("a megabyte on standard input arrives whole", async () => {
  const text = "0123456789abcdef".repeat(65_536);
  const played = await stage.play({ prompt: null, stdin: text });
  expect(prompt(played.world) === text).toBe(true);
});

test("invalid UTF-8 on standard input does not stop the run", async () => {
  const world = await stage.world({});
  const { code } = await shell(world, `printf 'a\\377b' | "$CODEX" exec -`);
  expect(code).toBe(0);
  expect(prompt(world)).toBe("a\uFFFDb");
});
