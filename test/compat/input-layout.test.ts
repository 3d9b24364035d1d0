import { expect } from "bun:test";
import {
  answer,
  assistantText,
  customToolCall,
  functionCall,
  localShellCall,
  reasoning,
  webSearchCall,
} from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { type Played, textOf, useStage } from "./stage.ts";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const stage = useStage();
const first = stage.shared({ prompt: "hello there", files: { "AGENTS.md": "Be kind.\n" } });
const workspace = stage.shared({ args: ["-s", "workspace-write", "--add-dir", "/var/tmp"] });
const network = stage.shared({
  args: ["-s", "workspace-write", "-c", "sandbox_workspace_write.network_access=true"],
});
const fullAccess = stage.shared({ args: ["-s", "danger-full-access"] });
const action = { type: "search", query: "cats" };
const history = stage.shared({
  responses: [
    answer(
      reasoning(["thinking"]),
      assistantText("working"),
      webSearchCall(action),
      functionCall("exec_command", { cmd: "true" }, "call_f"),
    ),
    answer(customToolCall("apply_patch", "not a patch", "call_c")),
    answer(localShellCall(["/bin/true"], "call_l", { timeout_ms: 5000, working_directory: "/" })),
    answer(assistantText("done")),
  ],
});

function inputOf(played: Played, request = 0): Record<string, unknown>[] {
  const found = played.requests.at(request);
  if (found === undefined) throw new Error(`request ${request} is missing; stderr: ${played.stderr}`);
  return found.body.input;
}

async function historyItem(type: string): Promise<Record<string, unknown>> {
  const found = inputOf(await history(), -1).find((item) => item.type === type);
  if (found === undefined) throw new Error(`no ${type} in the last request`);
  return found;
}

requirement(["exec.input.order"], "the items of the first turn", async () => {
  const items = inputOf(await first());
  expect(items.map((item) => `${item.type} ${item.role}`)).toEqual([
    "message developer",
    "message user",
    "message user",
    "message user",
  ]);
  expect(textOf(items[0])).toStartWith("<permissions instructions>");
  expect(textOf(items[1])).toStartWith("# AGENTS.md instructions");
  expect(textOf(items[2])).toStartWith("<environment_context>");
  expect(textOf(items[3])).toBe("hello there");
});

requirement(["exec.input.permissions-tags"], "the permissions' tags", async () => {
  expect(textOf(inputOf(await first())[0])).toMatch(
    /^<permissions instructions>\n?[\s\S]{40,}<\/permissions instructions>$/,
  );
});

requirement(["exec.input.permissions-mode"], "the permissions name the sandbox mode", async () => {
  expect(textOf(inputOf(await first())[0])).toContain("read-only");
  expect(textOf(inputOf(await workspace())[0])).toContain("workspace-write");
  expect(textOf(inputOf(await fullAccess())[0])).toContain("danger-full-access");
});

requirement(["exec.input.permissions-network"], "the permissions tell about the network", async () => {
  expect(textOf(inputOf(await workspace())[0])).toContain("restricted");
  expect(textOf(inputOf(await network())[0])).toContain("enabled");
  expect(textOf(inputOf(await network())[0])).not.toContain("restricted");
});

requirement(["exec.input.permissions-approval"], "the permissions name the approval policy", async () => {
  expect(textOf(inputOf(await first())[0])).toContain("never");
});

requirement(["exec.input.permissions-roots"], "the permissions list the writable roots", async () => {
  const played = await workspace();
  const text = textOf(inputOf(played)[0]);
  for (const root of [played.world.cwd, "/tmp", "/var/tmp"]) expect(text).toContain(`\`${root}\``);
});

requirement(["exec.input.developer-instructions"], "developer_instructions", async () => {
  const items = inputOf(await stage.play({ config: 'developer_instructions = "Always rhyme."' }));
  expect(items[1]).toEqual({
    type: "message",
    role: "developer",
    content: [{ type: "input_text", text: "Always rhyme." }],
  });
});

requirement(["exec.input.agents-wrapper"], "the AGENTS.md message", async () => {
  const played = await first();
  const text = textOf(inputOf(played)[1]);
  const head = `# AGENTS.md instructions for ${played.world.cwd}\n\n<INSTRUCTIONS>\nBe kind.\n`;
  expect(text).toStartWith(head);
  expect(text).toEndWith("\n</INSTRUCTIONS>");
});

requirement(
  ["exec.input.agents-absent"],
  "no docs and no skills",
  async () => {
    const items = inputOf(await workspace());
    expect(items).toHaveLength(3);
    expect(items.map(textOf).filter((text) => text.includes("AGENTS.md instructions"))).toEqual([]);
  },
  { differs: "the release always lists its bundled skills there" },
);

requirement(["exec.input.environment-context"], "environment_context", async () => {
  const played = await first();
  const lines = ["<environment_context>", `  <cwd>${played.world.cwd}</cwd>`, "  <shell>bash</shell>"];
  expect(textOf(inputOf(played)[2])).toBe(`${lines.join("\n")}\n</environment_context>`);
});

requirement(["exec.input.prompt"], "the prompt", async () => {
  expect(inputOf(await first()).at(-1)).toEqual({
    type: "message",
    role: "user",
    content: [{ type: "input_text", text: "hello there" }],
  });
});

requirement(["exec.input.no-ids"], "items have no ids", async () => {
  const items = inputOf(await history(), -1);
  expect(items.length).toBeGreaterThan(8);
  expect(items.filter((item) => "id" in item)).toEqual([]);
});

requirement(["exec.input.history-prefix"], "each request continues the one before it", async () => {
  const { requests } = await history();
  const inputs = requests.map(({ body }) => body.input);
  expect(inputs).toHaveLength(4);
  for (const [index, input] of inputs.slice(1).entries()) {
    const before = inputs[index] ?? [];
    expect(input.length).toBeGreaterThan(before.length);
    expect(input.slice(0, before.length)).toEqual(before);
  }
});

requirement(["exec.input.assistant-message"], "an assistant message in history", async () => {
  const items = inputOf(await history(), -1);
  expect(items.find((item) => item.role === "assistant")).toEqual({
    type: "message",
    role: "assistant",
    content: [{ type: "output_text", text: "working" }],
  });
});

requirement(["exec.input.message-phase"], "a message's phase in history", async () => {
  const played = await stage.play({
    responses: [
      answer(assistantText("note", { phase: "commentary" }), functionCall("exec_command", { cmd: "true" })),
      answer(assistantText("done")),
    ],
  });
  expect(inputOf(played, 1).find((item) => item.role === "assistant")).toMatchObject({ phase: "commentary" });
});

requirement(["exec.input.function-call"], "a function call in history", async () => {
  expect(await historyItem("function_call")).toEqual({
    type: "function_call",
    name: "exec_command",
    arguments: '{"cmd":"true"}',
    call_id: "call_f",
  });
});

requirement(["exec.input.function-call-output"], "a function call's output in history", async () => {
  const items = inputOf(await history(), -1);
  const index = items.findIndex((item) => item.type === "function_call");
  expect(items[index + 1]).toMatchObject({ type: "function_call_output", call_id: "call_f" });
});

requirement(
  ["exec.input.custom-tool-call", "exec.input.custom-tool-call-output"],
  "a custom call in history",
  async () => {
    expect(await historyItem("custom_tool_call")).toEqual({
      type: "custom_tool_call",
      status: "completed",
      call_id: "call_c",
      name: "apply_patch",
      input: "not a patch",
    });
    expect(await historyItem("custom_tool_call_output")).toMatchObject({ call_id: "call_c" });
  },
);

requirement(["exec.input.local-shell-call"], "a local shell call in history", async () => {
  expect(await historyItem("local_shell_call")).toEqual({
    type: "local_shell_call",
    call_id: "call_l",
    status: "completed",
    action: {
      type: "exec",
      command: ["/bin/true"],
      timeout_ms: 5000,
      working_directory: "/",
      env: null,
      user: null,
    },
  });
});

requirement(["exec.input.reasoning"], "reasoning in history", async () => {
  expect(await historyItem("reasoning")).toEqual({
    type: "reasoning",
    summary: [{ type: "summary_text", text: "thinking" }],
    content: null,
    encrypted_content: "ENCRYPTED",
  });
});

requirement(["exec.input.web-search-call"], "a web search in history", async () => {
  expect(await historyItem("web_search_call")).toEqual({ type: "web_search_call", status: "completed", action });
});

const dataUrl = `data:image/png;base64,${PIXEL.toString("base64")}`;

function imageParts(label: number): unknown[] {
  return [
    { type: "input_text", text: `<image name=[Image #${label}]>` },
    { type: "input_image", image_url: dataUrl },
    { type: "input_text", text: "</image>" },
  ];
}

requirement(["exec.input.image"], "an image", async () => {
  const played = await stage.play({ files: { "a.png": PIXEL }, argv: ["exec", "--json", "look", "-i", "a.png"] });
  const content = [...imageParts(1), { type: "input_text", text: "look" }];
  expect(inputOf(played).at(-1)).toEqual({ type: "message", role: "user", content });
});

requirement(["exec.input.images-numbered"], "two images", async () => {
  const argv = ["exec", "--json", "look", "-i", "a.png,b.png"];
  const played = await stage.play({ files: { "a.png": PIXEL, "b.png": PIXEL }, argv });
  const content = [...imageParts(1), ...imageParts(2), { type: "input_text", text: "look" }];
  expect(inputOf(played).at(-1)?.content).toEqual(content);
});

requirement(["exec.input.image-missing"], "a missing image", async () => {
  const played = await stage.play({ argv: ["exec", "--json", "look", "-i", "nope.png"] });
  const text = textOf(inputOf(played).at(-1));
  expect(text).toContain("nope.png");
  expect(text).toContain("No such file or directory");
  expect(played.code).toBe(0);
});
