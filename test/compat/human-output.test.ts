import { expect } from "bun:test";
import {
  answer,
  assistantText,
  completed,
  customToolCall,
  functionCall,
  reasoning,
  sse,
  status,
  webSearchCall,
} from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { NO_RETRIES, type Played, useStage } from "./stage.ts";

const stage = useStage();
const step = (name: string, state: string) => ({ step: name, status: state });
const plan = { explanation: "why", plan: [step("A", "completed"), step("B", "in_progress"), step("C", "pending")] };
const patch = "*** Begin Patch\n*** Add File: new.txt\n+x\n*** Update File: a.txt\n@@\n-old\n+young\n*** End Patch";

const tour = stage.shared({
  json: false,
  prompt: "the prompt",
  args: ["-s", "workspace-write"],
  files: { "a.txt": "old\n" },
  responses: [
    sse([
      ...reasoning(["my summary"], { raw: ["RAW THOUGHT"] }),
      ...assistantText("Working."),
      ...functionCall("exec_command", { cmd: "seq 1 30" }, "c1"),
      completed({ input_tokens: 2000, cached_input_tokens: 1000, output_tokens: 80 }),
    ]),
    answer(functionCall("exec_command", { cmd: "echo oops; exit 7" }, "c2")),
    answer(customToolCall("apply_patch", patch, "c3")),
    answer(functionCall("update_plan", plan, "c4"), webSearchCall({ type: "search", query: "cats" })),
    answer(assistantText("All done.")),
  ],
});

async function stderrLines(): Promise<string[]> {
  return (await tour()).stderr.split("\n");
}

/** The line after the first line that is exactly `label`. */
async function below(label: string): Promise<string | undefined> {
  const lines = await stderrLines();
  const index = lines.indexOf(label);
  return index < 0 ? undefined : lines[index + 1];
}

requirement(["exec.human.stdout", "exec.human.stdout-last", "exec.exit.done"], "stdout", async () => {
  const { stdout, code } = await tour();
  expect(stdout).toBe("All done.\n");
  expect(code).toBe(0);
});

const rejected = stage.shared({
  json: false,
  responses: () => status(500, "oops"),
  provider: "request_max_retries = 0\nstream_max_retries = 1",
});

requirement(["exec.human.stdout-failure", "exec.human.error"], "a failure", async () => {
  const { stdout, stderr, code } = await rejected();
  expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
  const cause = "We're currently experiencing high demand, which may cause temporary errors.";
  expect(stderr.split("\n")).toContain(`ERROR: ${cause}`);
});

requirement(["exec.human.reconnecting"], "a retry", async () => {
  const { stderr } = await rejected();
  expect(stderr).toMatch(/^Reconnecting\.\.\. 1\/1 \(We're currently .*\)$/m);
});

requirement(
  [
    "exec.human.header",
    "exec.human.header-workdir",
    "exec.human.header-model",
    "exec.human.header-provider",
    "exec.human.header-approval",
    "exec.human.header-sandbox-workspace",
    "exec.human.header-reasoning",
    "exec.human.header-session",
  ],
  "the header",
  async () => {
    const played = await tour();
    const lines = await stderrLines();
    expect(lines[0]).toMatch(/codex.* v?\d+\.\d+\.\d+/i);
    expect(lines[1]).toBe("--------");
    const end = lines.indexOf("--------", 2);
    const header = lines.slice(2, end);
    expect(header.slice(0, 4)).toEqual([
      `workdir: ${played.world.cwd}`,
      "model: gpt-5.2-codex",
      "provider: mock",
      "approval: never",
    ]);
    expect(header[4]).toMatch(/^sandbox: workspace-write \[workdir, \/tmp, \$TMPDIR(, .*)?\]$/);
    expect(header[5]).toMatch(/^reasoning effort: \w+$/);
    expect(header[6]).toMatch(/^reasoning summaries: \w+$/);
    const [session] = played.world.rollout();
    expect(header[7]).toBe(`session id: ${String(session?.payload.id)}`);
  },
);

requirement(["exec.human.header-sandbox-read-only"], "the header of read-only", async () => {
  expect((await stage.play({ json: false })).stderr).toContain("\nsandbox: read-only\n");
});

requirement(["exec.human.header-sandbox-full"], "the header of danger-full-access", async () => {
  const { stderr } = await stage.play({ json: false, args: ["-s", "danger-full-access"] });
  expect(stderr).toContain("\nsandbox: danger-full-access\n");
});

requirement(["exec.human.user", "exec.human.codex", "exec.human.thinking"], "labels", async () => {
  expect(await below("user")).toBe("the prompt");
  expect(await below("codex")).toBe("Working.");
  expect(await below("thinking")).toBe("my summary");
});

requirement(["exec.human.raw-reasoning-hidden"], "raw reasoning is hidden", async () => {
  const { stderr } = await tour();
  expect(stderr).toContain("my summary");
  expect(stderr).not.toContain("RAW THOUGHT");
});

requirement(["exec.human.raw-reasoning-shown"], "raw reasoning is shown", async () => {
  const { stderr } = await stage.play({
    json: false,
    config: "show_raw_agent_reasoning = true",
    responses: [answer(reasoning(["sum"], { raw: ["RAW THOUGHT"] }), assistantText("done"))],
  });
  expect(stderr).toContain("RAW THOUGHT");
});

requirement(["exec.human.exec"], "a command", async () => {
  const { cwd } = (await tour()).world;
  expect(await below("exec")).toMatch(/^\/bin\/bash -lc 'seq 1 30' in .* succeeded in \d+m?s:$/);
  expect(await below("exec")).toContain(` in ${cwd} succeeded`);
});

requirement(["exec.human.exec-20-lines"], "twenty lines of output", async () => {
  const lines = await stderrLines();
  const index = lines.indexOf("exec");
  const numbers = Array.from({ length: 20 }, (_, n) => String(n + 1));
  expect(lines.slice(index + 2, index + 22)).toEqual(numbers);
  expect(lines).not.toContain("21");
});

requirement(["exec.human.exec-failed"], "a failed command", async () => {
  const lines = await stderrLines();
  const index = lines.findIndex((line) => / exited 7 in \d+m?s:$/.test(line));
  expect(lines[index]).toStartWith("/bin/bash -lc 'echo oops; exit 7' in ");
  expect(lines[index + 1]).toBe("oops");
});

requirement(["exec.human.patch-start", "exec.human.patch-end"], "a patch", async () => {
  const played = await tour();
  const lines = await stderrLines();
  const index = lines.indexOf("file update");
  expect(index).toBeGreaterThan(0);
  expect(lines).toContain(`A ${played.world.cwd}/new.txt`);
  expect(lines).toContain(`M ${played.world.cwd}/a.txt`);
  const end = lines.findIndex((line) => /^apply_patch\(auto_approved=true\) exited 0 in \d+m?s:$/.test(line));
  expect(end).toBeGreaterThan(index);
  expect(lines[end + 1]).toBe("Success. Updated the following files:");
});

requirement(["exec.human.turn-diff"], "the turn's diff", async () => {
  const lines = await stderrLines();
  const index = lines.indexOf("file update:");
  expect(lines[index + 1]).toMatch(/^diff --git a\/\S+ b\/\S+$/);
  const rest = lines.slice(index);
  expect(rest).toContain("-old");
  expect(rest).toContain("+young");
});

requirement(["exec.human.plan"], "a plan", async () => {
  expect(await below("Plan update")).toBe("why");
  const lines = await stderrLines();
  for (const line of ["  ✓ A", "  → B", "  • C"]) expect(lines).toContain(line);
});

requirement(["exec.human.web-search"], "a web search", async () => {
  expect((await tour()).stderr).toMatch(/Searched: cats/);
});

requirement(["exec.human.tokens", "exec.human.tokens-number"], "tokens used", async () => {
  expect(await below("tokens used")).toBe("1,080");
});

function escapes(played: Played): boolean {
  return played.stderr.includes("\u001b[");
}

const colored = stage.shared({ json: false, prompt: "the prompt", args: ["--color", "always"] });

requirement(["exec.human.color-always"], "--color always", async () => {
  expect((await colored()).stderr).toContain("\u001b[1mworkdir:\u001b[0m ");
});

requirement(["exec.human.color-roles"], "colours of the labels", async () => {
  const { stderr } = await colored();
  expect(stderr).toContain("\u001b[36muser\u001b[0m\nthe prompt");
  const before = stderr.slice(0, stderr.indexOf("codex\u001b[0m")).split("\n").at(-1) ?? "";
  const codes = before.replaceAll("\u001b[", ";").replaceAll("m", "").split(";");
  expect(codes.filter((code) => code !== "").sort()).toEqual(["3", "35"]);
});

requirement(["exec.human.color-auto", "exec.human.color-never"], "no colour", async () => {
  expect(escapes(await colored())).toBe(true);
  expect(escapes(await tour())).toBe(false);
  expect(escapes(await stage.play({ json: false, args: ["--color", "never"], env: { TERM: "xterm" } }))).toBe(false);
});

requirement(["exec.exit.usage"], "an unknown option", async () => {
  const played = await stage.play({ args: ["--no-such-option"] });
  expect(played.code).toBe(2);
  expect(played.stderr).toContain("--no-such-option");
  expect(played.requests).toEqual([]);
});

requirement(["exec.exit.bad-choice"], "a value outside the choices", async () => {
  const played = await stage.play({ args: ["-s", "half-open"] });
  expect(played.code).toBe(2);
  expect(played.stderr).toContain("half-open");
});

requirement(["exec.config-error.toml"], "malformed TOML", async () => {
  const played = await stage.play({ configToml: 'model = "x"\nfoo = 1\nno equals\n' });
  expect({ code: played.code, stdout: played.stdout }).toEqual({ code: 1, stdout: "" });
  expect(played.stderr).toContain("Error loading config.toml");
  expect(played.stderr).toMatch(/config\.toml:3:\d+:/);
});

requirement(["exec.config-error.enum"], "a value outside an enum", async () => {
  const played = await stage.play({ config: 'sandbox_mode = "half-open"' });
  expect({ code: played.code, stdout: played.stdout }).toEqual({ code: 1, stdout: "" });
  expect(played.stderr).toContain("half-open");
  expect(played.stderr).toContain("sandbox_mode");
});

requirement(["exec.config-error.provider"], "an unknown provider", async () => {
  const played = await stage.play({ args: ["-c", "model_provider=nope"], provider: NO_RETRIES });
  expect({ code: played.code, stdout: played.stdout }).toEqual({ code: 1, stdout: "" });
  expect(played.stderr).toContain("Model provider `nope` not found");
});
