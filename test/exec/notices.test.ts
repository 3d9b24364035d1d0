import { expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall, status } from "../support/model-script.ts";

const stage = useStage();
const TURN = ["thread.started", "turn.started", "item.completed", "turn.completed"];

function types(played: { events: readonly { type: string }[] }): string[] {
  return played.events.map(({ type }) => type);
}

test("an unknown model gives one notice on stderr and none in the stream", async () => {
  const played = await stage.play({ config: 'model = "mock-model"' });
  expect(played.stderr.split("\n").filter((line) => line.includes("mock-model"))).toHaveLength(1);
  expect(types(played)).toEqual(TURN);
});

test("a catalog model gives no notice", async () => {
  const played = await stage.play({});
  expect(played.stderr).toBe("");
});

const SERVER = '[mcp_servers.tiny]\ncommand = "true"\n';

test("an MCP server that does not start does not stop the run", async () => {
  const played = await stage.play({ tables: SERVER });
  expect(played.code).toBe(0);
  expect(types(played)).toEqual(TURN);
});

test("a disabled MCP server is not started", async () => {
  const played = await stage.play({ tables: `${SERVER}enabled = false\n`, json: false });
  expect(played.stderr).not.toContain("mcp");
});

test("a required MCP server fails the start", async () => {
  const played = await stage.play({ tables: `${SERVER}required = true\n` });
  expect({ code: played.code, stdout: played.stdout }).toEqual({ code: 1, stdout: "" });
  expect(played.stderr).toContain("required MCP servers failed to initialize: tiny");
  expect(played.requests).toEqual([]);
});

test("a socks proxy is refused, not ignored", async () => {
  const played = await stage.play({ env: { ALL_PROXY: "socks5://127.0.0.1:9", NO_PROXY: "" } });
  expect(played.code).toBe(1);
  expect(played.stdout + played.stderr).toContain("socks5");
  expect(played.requests).toEqual([]);
});

test("RUST_LOG writes logs to stderr without the key", async () => {
  const played = await stage.play({ env: { RUST_LOG: "debug", MOCK_KEY: "sk-very-secret-0123456789" } });
  expect(played.stderr.length).toBeGreaterThan(50);
  expect(played.stderr).not.toContain("sk-very-secret-0123456789");
  expect(types(played)).toEqual(TURN);
});

test("$CODEX_HOME/.env is read at start, names beginning CODEX_ are not", async () => {
  const played = await stage.play({
    env: { MOCK_KEY: undefined },
    homeFiles: { ".env": "MOCK_KEY=sk-from-dotenv\nCODEX_INTERNAL_ORIGINATOR_OVERRIDE=sneaky\n" },
  });
  expect(played.requests[0]?.headers).toMatchObject({
    authorization: "Bearer sk-from-dotenv",
    originator: "codex_exec",
  });
});

test("an untrusted project's configuration is not read", async () => {
  const played = await stage.play({ files: { ".codex/config.toml": 'model = "gpt-5.2"\n' } });
  expect(played.requests[0]?.body.model).toBe("gpt-5.2-codex");
});

test("a trusted project's configuration is read", async () => {
  const world = await stage.world({ files: { ".codex/config.toml": 'model_reasoning_effort = "high"\n' } });
  appendFileSync(join(world.codexHome, "config.toml"), `\n[projects."${world.cwd}"]\ntrust_level = "trusted"\n`);
  await world.run({});
  expect(world.server.requests[0]?.body.reasoning?.effort).toBe("high");
});

test("what a model or a command wrote moves no cursor and sets no clipboard", async () => {
  const hostile = "\u001b]52;c;aGk=\u0007\u001b[2Jhi\u202e";
  const responses = [
    answer(functionCall("exec_command", { cmd: "printf '\\033[2Jlist\\007'", login: false })),
    answer(assistantText(hostile)),
  ];
  const played = await stage.play({ json: false, args: ["--color", "never"], responses });
  expect(played.stderr).toContain("list\ufffd");
  expect(played.stderr).not.toContain("\u001b");
  // A script reads the answer as it came.
  expect(played.stdout).toBe(`${hostile}\n`);
});

test("a key that the server quotes in its refusal is not shown", async () => {
  const key = "mock-key-0123456789";
  const quoted = (code: number) => status(code, { error: { message: `Incorrect API key provided: ${key}` } });
  for (const code of [400, 401]) {
    for (const json of [true, false]) {
      const played = await stage.play({
        json,
        provider: 'env_key = "MOCK_TEST_KEY"\nrequest_max_retries = 0\nstream_max_retries = 1\n',
        env: { MOCK_TEST_KEY: key },
        responses: [quoted(code), quoted(code)],
        checkRequests: false,
      });
      expect(played.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
      expect(played.stdout + played.stderr).toContain("Incorrect API key provided: [REDACTED]");
      expect(played.stdout + played.stderr).not.toContain(key);
    }
  }
});

test("a damaged state database is put aside and told of once", async () => {
  const world = await stage.world({
    homeFiles: { "codex-ts.sqlite": "SQLite format 3\0 and then nothing of the kind" },
  });
  const first = await world.run({});
  expect({ code: first.code, types: types(first) }).toEqual({ code: 0, types: TURN });
  expect(first.stderr).toMatch(
    /^warning: The state database ".*codex-ts\.sqlite" was damaged\. It is kept as ".*\.corrupt-/m,
  );
  expect((await world.run({})).stderr).not.toContain("damaged");
});
