import { expect } from "bun:test";
import { requirement } from "./cite.ts";
import { type Played, useStage } from "./stage.ts";

const stage = useStage();
const codex = stage.shared({});
const unknown = stage.shared({ config: 'model = "mock-model"' });
const fullAccess = stage.shared({ args: ["-s", "danger-full-access"] });
const live = stage.shared({ args: ["-c", 'web_search="live"'] });
const disabled = stage.shared({ args: ["-c", 'web_search="disabled"'] });

interface Schema {
  type: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  additionalProperties?: boolean;
}

interface FunctionTool extends Record<string, unknown> {
  name: string;
  description: string;
  parameters: Schema & { properties: Record<string, Schema> };
}

function tools(played: Played): (Record<string, unknown> & { name: string })[] {
  const listed = played.requests[0]?.body.tools ?? [];
  return listed.map((tool) => ({ ...tool, name: String(tool.name ?? tool.type) }));
}

async function functions(): Promise<FunctionTool[]> {
  return tools(await codex()).filter((tool): tool is FunctionTool => tool.type === "function");
}

async function parametersOf(name: string) {
  const found = (await functions()).find((tool) => tool.name === name);
  if (found === undefined) throw new Error(`${name} is not listed`);
  return found.parameters;
}

async function typesOf(name: string): Promise<Record<string, string>> {
  const { properties } = await parametersOf(name);
  const typeOf = (schema: Schema) => (schema.items ? `${schema.items.type}[]` : schema.type);
  return Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, typeOf(schema)]));
}

async function webSearch(scene: typeof codex): Promise<unknown> {
  return tools(await scene()).find(({ name }) => name === "web_search");
}

const ORDER = ["exec_command", "write_stdin", "update_plan", "apply_patch", "web_search", "view_image"];

requirement(["exec.tools.order"], "the order of the tools", async () => {
  const names = tools(await codex()).map(({ name }) => name);
  expect(names.filter((name) => ORDER.includes(name))).toEqual(ORDER);
});

requirement(["exec.tools.function-shape"], "the shape of a function", async () => {
  for (const tool of await functions()) {
    expect(Object.keys(tool).sort()).toEqual(["description", "name", "parameters", "strict", "type"]);
    expect(tool).toMatchObject({ type: "function", strict: false, parameters: { type: "object" } });
    expect(tool.description.length).toBeGreaterThan(10);
  }
  expect((await functions()).length).toBeGreaterThanOrEqual(4);
});

requirement(["exec.tools.closed-parameters", "exec.tools.alphabetical"], "parameters", async () => {
  for (const { parameters } of await functions()) {
    expect(parameters.additionalProperties).toBe(false);
    expect(Object.keys(parameters.properties)).toEqual(Object.keys(parameters.properties).sort());
  }
});

requirement(["exec.tools.exec-command"], "exec_command", async () => {
  expect(await typesOf("exec_command")).toEqual({
    cmd: "string",
    justification: "string",
    login: "boolean",
    max_output_tokens: "number",
    prefix_rule: "string[]",
    sandbox_permissions: "string",
    shell: "string",
    tty: "boolean",
    workdir: "string",
    yield_time_ms: "number",
  });
  expect((await parametersOf("exec_command")).required).toEqual(["cmd"]);
});

requirement(["exec.tools.write-stdin"], "write_stdin", async () => {
  expect(await typesOf("write_stdin")).toEqual({
    chars: "string",
    max_output_tokens: "number",
    session_id: "number",
    yield_time_ms: "number",
  });
  expect((await parametersOf("write_stdin")).required).toEqual(["session_id"]);
});

requirement(["exec.tools.update-plan"], "update_plan", async () => {
  const { properties, required } = await parametersOf("update_plan");
  expect(await typesOf("update_plan")).toEqual({ explanation: "string", plan: "object[]" });
  expect(required).toEqual(["plan"]);
  expect(Object.keys(properties.plan?.items?.properties ?? {}).sort()).toEqual(["status", "step"]);
  expect(properties.plan?.items?.required?.toSorted() ?? []).toEqual(["status", "step"]);
});

requirement(["exec.tools.view-image"], "view_image", async () => {
  expect(await typesOf("view_image")).toEqual({ path: "string" });
  expect((await parametersOf("view_image")).required).toEqual(["path"]);
});

requirement(["exec.tools.apply-patch-freeform", "exec.tools.apply-patch-grammar"], "apply_patch", async () => {
  const found = tools(await codex()).find(({ name }) => name === "apply_patch");
  expect(found).toMatchObject({ type: "custom", format: { type: "grammar", syntax: "lark" } });
  const definition = (found?.format as { definition: string } | undefined)?.definition ?? "";
  const markers = [
    "Begin Patch",
    "End Patch",
    "Add File: ",
    "Delete File: ",
    "Update File: ",
    "Move to: ",
    "End of File",
  ];
  for (const marker of markers) expect(definition).toContain(`"*** ${marker}`);
  expect(definition).toContain("start: ");
});

requirement(["exec.tools.apply-patch-unknown-model"], "apply_patch and an unknown slug", async () => {
  const names = tools(await unknown()).map(({ name }) => name);
  expect(names).toContain("exec_command");
  expect(names).not.toContain("apply_patch");
});

requirement(["exec.tools.web-search-cached"], "web_search by default", async () => {
  expect(await webSearch(codex)).toMatchObject({ type: "web_search", external_web_access: false });
});

requirement(["exec.tools.web-search-live"], "web_search live", async () => {
  expect(await webSearch(live)).toMatchObject({ external_web_access: true });
});

requirement(["exec.tools.web-search-full-access"], "web_search with danger-full-access", async () => {
  expect(await webSearch(fullAccess)).toMatchObject({ external_web_access: true });
});

requirement(["exec.tools.web-search-disabled"], "web_search disabled", async () => {
  expect(tools(await disabled()).length).toBeGreaterThan(3);
  expect(await webSearch(disabled)).toBeUndefined();
});

requirement(["exec.tools.review-no-web-search"], "the tools of a review", async () => {
  const played = await stage.play({ args: ["review"], prompt: "look" });
  const usual = tools(await codex()).map(({ name }) => name);
  expect(tools(played).map(({ name }) => name)).toEqual(usual.filter((name) => name !== "web_search"));
});
