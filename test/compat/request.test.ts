import { expect } from "bun:test";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { NO_RETRIES, useStage } from "./stage.ts";

const stage = useStage();
const hi = stage.shared({ prompt: "hi" });
const twoRounds = stage.shared({
  responses: [
    answer(functionCall("exec_command", { cmd: "true" }, "a")),
    answer(functionCall("exec_command", { cmd: "true" }, "b")),
    answer(assistantText("done")),
  ],
});
const gpt52 = stage.shared({ config: 'model = "gpt-5.2"' });
const unknown = stage.shared({ config: 'model = "mock-model"' });
const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };

function bodyOf(scene: typeof hi) {
  return async () => {
    const played = await scene();
    const [first] = played.requests;
    if (first === undefined) throw new Error(`no request; stderr: ${played.stderr}`);
    return first.body as typeof first.body & Record<string, unknown>;
  };
}

const hiBody = bodyOf(hi);
const unknownBody = bodyOf(unknown);

requirement(["exec.request.post", "exec.request.no-other-requests"], "a turn is one POST", async () => {
  const { requests } = await hi();
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /v1/responses"]);
});

requirement(["exec.request.plain-body"], "the body is plain JSON", async () => {
  const { requests } = await hi();
  expect(requests[0]?.headers["content-encoding"]).toBeUndefined();
  expect(JSON.parse(requests[0]?.rawBody ?? "")).toHaveProperty("model");
});

requirement(["exec.request.one-per-round"], "two tool rounds make three requests", async () => {
  expect((await twoRounds()).requests).toHaveLength(3);
});

requirement(["exec.request.query-params"], "query_params go to the URL", async () => {
  const provider = `${NO_RETRIES}query_params = { api-version = "2026-01", x = "a b" }`;
  const { requests } = await stage.play({ provider });
  expect(requests.map(({ query }) => query)).toEqual([{ "api-version": "2026-01", x: "a b" }]);
});

const KEYS =
  "model,instructions,input,tools,tool_choice,parallel_tool_calls,reasoning,store,stream,include,prompt_cache_key";

requirement(["exec.body.keys", "exec.body.key-order", "exec.body.no-service-tier"], "the body's keys", async () => {
  const { requests } = await stage.play({ args: ["-c", 'service_tier="flex"'] });
  expect(Object.keys(requests[0]?.body ?? {}).join()).toBe(KEYS);
});

requirement(["exec.body.model"], "the configured slug is sent unchanged", async () => {
  expect((await hiBody()).model).toBe("gpt-5.2-codex");
  expect((await unknownBody()).model).toBe("mock-model");
});

requirement(["exec.body.instructions"], "instructions stay the same over the thread", async () => {
  const { requests } = await twoRounds();
  const [first, ...rest] = requests.map(({ body }) => body.instructions);
  expect(first?.length).toBeGreaterThan(200);
  expect(rest).toEqual([first ?? "", first ?? ""]);
});

requirement(["exec.body.tool-choice", "exec.body.store", "exec.body.stream"], "fixed fields", async () => {
  const { tool_choice, store, stream } = await hiBody();
  expect({ tool_choice, store, stream }).toEqual({ tool_choice: "auto", store: false, stream: true });
});

requirement(["exec.body.prompt-cache-key"], "prompt_cache_key is the thread id", async () => {
  const { events } = await hi();
  expect((await hiBody()).prompt_cache_key).toBe(String(events[0]?.thread_id));
});

requirement(
  ["exec.body.parallel-known", "exec.body.reasoning-known", "exec.body.include-known", "exec.body.text-codex-model"],
  "a catalog model",
  async () => {
    const { parallel_tool_calls, reasoning, include, text } = await hiBody();
    expect({ parallel_tool_calls, reasoning, include, text }).toEqual({
      parallel_tool_calls: true,
      reasoning: { effort: "medium", summary: "auto" },
      include: ["reasoning.encrypted_content"],
      text: undefined,
    });
  },
);

requirement(
  ["exec.body.parallel-unknown", "exec.body.reasoning-unknown", "exec.body.include-unknown", "exec.body.text-unknown"],
  "an unknown slug",
  async () => {
    const { parallel_tool_calls, reasoning, include, text } = await unknownBody();
    expect({ parallel_tool_calls, reasoning, include, text }).toEqual({
      parallel_tool_calls: false,
      reasoning: null,
      include: [],
      text: undefined,
    });
  },
);

requirement(["exec.body.text-verbosity-model"], "gpt-5.2 has a default verbosity", async () => {
  expect((await bodyOf(gpt52)()).text).toEqual({ verbosity: "low" });
});

requirement(["exec.body.effort-override", "exec.body.summary-override"], "reasoning overrides", async () => {
  const args = ["-c", 'model_reasoning_effort="high"', "-c", 'model_reasoning_summary="concise"'];
  const { requests } = await stage.play({ args });
  expect(requests[0]?.body.reasoning).toEqual({ effort: "high", summary: "concise" });
});

requirement(["exec.body.verbosity-override"], "model_verbosity is sent where supported", async () => {
  const { requests } = await stage.play({ args: ["-m", "gpt-5.2", "-c", 'model_verbosity="high"'] });
  expect(requests[0]?.body.text).toEqual({ verbosity: "high" });
});

requirement(["exec.body.verbosity-unsupported"], "model_verbosity is left out where unsupported", async () => {
  const { requests } = await stage.play({ args: ["-c", 'model_verbosity="high"'] });
  expect(requests[0]?.body.model).toBe("gpt-5.2-codex");
  expect(requests[0]?.body.text).toBeUndefined();
});

requirement(["exec.body.output-schema"], "an output schema", async () => {
  const files = { "schema.json": JSON.stringify(schema) };
  const { requests } = await stage.play({ files, args: ["--output-schema", "schema.json"] });
  const format = { type: "json_schema", strict: true, schema, name: "codex_output_schema" };
  expect(requests[0]?.body.text).toEqual({ format });
});

requirement(["exec.body.output-schema-verbosity"], "an output schema beside a verbosity", async () => {
  const files = { "schema.json": JSON.stringify(schema) };
  const { requests } = await stage.play({ files, args: ["-m", "gpt-5.2", "--output-schema", "schema.json"] });
  expect(requests[0]?.body.text).toMatchObject({ verbosity: "low", format: { schema } });
});

requirement(["exec.body.config-instructions"], "the legacy instructions key is not sent", async () => {
  const { requests } = await stage.play({ args: ["-c", 'instructions="XYZZY"'] });
  expect(requests[0]?.body.instructions).toBe((await hiBody()).instructions);
});
