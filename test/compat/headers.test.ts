import { expect } from "bun:test";
import { answer, assistantText, completed, functionCall, sse } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { git, NO_RETRIES, type Played, useStage } from "./stage.ts";

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const stage = useStage();
const plain = stage.shared({ prompt: "hi", git: false, args: ["--skip-git-repo-check"] });
const provider = (text: string) => ({ provider: `${NO_RETRIES}${text}` });

function header(played: Played, name: string, request = 0): string | undefined {
  return played.requests[request]?.headers[name];
}

function turnMetadata(played: Played): Record<string, unknown> {
  return JSON.parse(header(played, "x-codex-turn-metadata") ?? "null") as Record<string, unknown>;
}

requirement(["exec.headers.session-id"], "session_id is the thread id", async () => {
  const played = await plain();
  expect(header(played, "session_id")).toMatch(UUID_7);
  expect(header(played, "session_id")).toBe(String(played.events[0]?.thread_id));
});

requirement(
  ["exec.headers.authorization", "exec.headers.accept", "exec.headers.content-type", "exec.headers.originator"],
  "fixed headers",
  async () => {
    const { requests } = await plain();
    expect(requests[0]?.headers).toMatchObject({
      authorization: "Bearer sk-mock",
      accept: "text/event-stream",
      "content-type": "application/json",
      originator: "codex_exec",
    });
  },
);

requirement(["exec.headers.content-length", "exec.headers.host"], "content-length and host", async () => {
  const played = await plain();
  expect(header(played, "content-length")).toBe(String(Buffer.byteLength(played.requests[0]?.rawBody ?? "")));
  expect(header(played, "host")).toBe(`127.0.0.1:${played.world.server.port}`);
});

requirement(["exec.headers.user-agent"], "user-agent", async () => {
  expect(header(await plain(), "user-agent")).toMatch(/^codex_exec\/\d+\.\d+\.\d+\S* \([^;()]+ [^;()]+; \w+\) dumb$/);
});

requirement(["exec.headers.user-agent-no-term"], "user-agent without TERM", async () => {
  expect(header(await stage.play({ env: { TERM: undefined } }), "user-agent")).toEndWith(") unknown");
});

requirement(
  ["exec.headers.originator-override", "exec.headers.user-agent-override"],
  "the originator override",
  async () => {
    const played = await stage.play({ env: { CODEX_INTERNAL_ORIGINATOR_OVERRIDE: "my_program" } });
    expect(header(played, "originator")).toBe("my_program");
    expect(header(played, "user-agent")).toStartWith("my_program/");
  },
);

requirement(
  ["exec.headers.turn-metadata-sandbox", "exec.headers.turn-metadata-outside-git"],
  "turn metadata outside git",
  async () => {
    expect(turnMetadata(await plain())).toEqual({ sandbox: "seccomp" });
  },
);

requirement(["exec.headers.turn-metadata-workspaces"], "turn metadata inside git", async () => {
  const world = await stage.world({ files: { "sub/a.txt": "a" } });
  git(world.cwd, "add", ".");
  git(world.cwd, "commit", "-qm", "first");
  await world.run({ args: ["-C", "sub"] });
  const metadata = JSON.parse(world.server.requests[0]?.headers["x-codex-turn-metadata"] ?? "null") as unknown;
  const commit = git(world.cwd, "rev-parse", "HEAD");
  expect(metadata).toMatchObject({ workspaces: { [world.cwd]: { latest_git_commit_hash: commit } } });
});

requirement(["exec.headers.turn-metadata-no-sandbox"], "turn metadata without a sandbox", async () => {
  expect(turnMetadata(await stage.play({ args: ["-s", "danger-full-access"] }))).toMatchObject({ sandbox: "none" });
});

requirement(["exec.headers.review-subagent"], "a review's requests", async () => {
  const played = await stage.play({ args: ["review"], prompt: "look" });
  expect(header(played, "x-openai-subagent")).toBe("review");
});

requirement(["exec.headers.no-subagent"], "an ordinary turn's requests", async () => {
  const played = await plain();
  expect(played.requests).toHaveLength(1);
  expect(header(played, "x-openai-subagent")).toBeUndefined();
});

requirement(["exec.headers.turn-state", "exec.headers.turn-state-first"], "the turn state goes back", async () => {
  const call = (id: string) => functionCall("exec_command", { cmd: "true" }, id);
  const played = await stage.play({
    responses: [
      sse([...call("a"), completed()], { "x-codex-turn-state": "STATE-1" }),
      answer(call("b")),
      answer(assistantText("done")),
    ],
  });
  const states = [0, 1, 2].map((index) => header(played, "x-codex-turn-state", index));
  expect(states).toEqual([undefined, "STATE-1", "STATE-1"]);
});

const limits = stage.shared({
  responses: [
    sse([...functionCall("exec_command", { cmd: "true" }), completed()], {
      "x-codex-primary-used-percent": "12.5",
      "x-codex-primary-window-minutes": "300",
      "x-codex-primary-reset-at": "1900000000",
      "x-codex-secondary-used-percent": "40",
      "x-codex-secondary-window-minutes": "10080",
      "x-codex-secondary-reset-at": "1900000001",
      "x-codex-credits-has-credits": "true",
      "x-codex-credits-unlimited": "false",
      "x-codex-credits-balance": "7.5",
    }),
    answer(assistantText("done")),
  ],
});

async function rateLimits(): Promise<unknown[]> {
  const lines = (await limits()).world.rollout();
  const counts = lines.filter(({ payload }) => payload.type === "token_count");
  return counts.map(({ payload }) => payload.rate_limits).filter((found) => found !== null);
}

requirement(["exec.headers.rate-limits"], "rate limit headers", async () => {
  expect(await rateLimits()).toContainEqual({
    limit_id: "codex",
    limit_name: null,
    primary: { used_percent: 12.5, window_minutes: 300, resets_at: 1900000000 },
    secondary: { used_percent: 40, window_minutes: 10080, resets_at: 1900000001 },
    credits: { has_credits: true, unlimited: false, balance: "7.5" },
    plan_type: null,
  });
});

requirement(["exec.headers.rate-limits-absent"], "a response without rate limit headers", async () => {
  expect((await rateLimits()).at(-1)).toMatchObject({
    primary: null,
    secondary: null,
    credits: { has_credits: true, unlimited: false, balance: "7.5" },
  });
});

requirement(
  [
    "exec.headers.provider-http-headers",
    "exec.headers.provider-env-http-headers",
    "exec.headers.env-http-headers-unset",
  ],
  "the provider's own headers",
  async () => {
    const scene = provider('http_headers = { X-One = "1" }\nenv_http_headers = { X-Two = "TWO", X-Three = "THREE" }');
    const { requests } = await stage.play({ ...scene, env: { TWO: "2" } });
    const { "x-one": one, "x-two": two, "x-three": three } = requests[0]?.headers ?? {};
    expect({ one, two, three }).toEqual({ one: "1", two: "2", three: undefined });
  },
);

requirement(["exec.headers.bearer-token"], "experimental_bearer_token", async () => {
  const played = await stage.play(provider('experimental_bearer_token = "from-config"'));
  expect(header(played, "authorization")).toBe("Bearer from-config");
});

requirement(["exec.headers.env-key-wins"], "env_key beside a bearer token", async () => {
  const played = await stage.play(provider('env_key = "MOCK_KEY"\nexperimental_bearer_token = "from-config"'));
  expect(header(played, "authorization")).toBe("Bearer sk-mock");
});

requirement(["exec.headers.env-key-missing"], "a missing env_key variable", async () => {
  const played = await stage.play({ env: { MOCK_KEY: undefined } });
  expect(played.events.at(-1)).toEqual({
    type: "turn.failed",
    error: { message: "Missing environment variable: `MOCK_KEY`." },
  });
  expect(played.code).toBe(1);
  expect(played.requests).toEqual([]);
});

requirement(["exec.headers.wire-api"], "another wire_api", async () => {
  const played = await stage.play(provider('wire_api = "chat"'));
  expect(played.code).toBe(1);
  expect(played.stderr).toContain("wire_api");
  expect(played.requests).toEqual([]);
});
