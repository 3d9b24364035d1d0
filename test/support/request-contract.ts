/**
 * What every `POST …/responses` must look like (exec.md §1, the 0.101 form). Returns one sentence per
 * violation, none for a good request.
 */
export function requestViolations(
  headers: Readonly<Record<string, string>>,
  body: unknown,
  options: { itemIds?: boolean } = {},
): string[] {
  if (!isObject(body)) return [`body is not a JSON object: ${JSON.stringify(body)?.slice(0, 80)}`];
  const itemIds = options.itemIds ?? false;
  return [
    ...headerViolations(headers, body),
    ...keyViolations(body),
    ...valueViolations(body),
    ...list(body.tools).flatMap((tool, index) => toolViolations(tool, index)),
    ...list(body.input).flatMap((item, index) => itemViolations(item, index, itemIds)),
    ...pairingViolations(list(body.input)),
  ];
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function headerViolations(headers: Readonly<Record<string, string>>, body: Json): string[] {
  const found: string[] = [];
  const expectHeader = (name: string, good: (value: string) => boolean) => {
    const value = headers[name];
    if (value === undefined) found.push(`header ${name} is missing`);
    else if (!good(value)) found.push(`header ${name} is ${JSON.stringify(value)}`);
  };
  expectHeader("accept", (value) => value === "text/event-stream");
  expectHeader("content-type", (value) => value === "application/json");
  expectHeader("session_id", (value) => value === body.prompt_cache_key);
  expectHeader("originator", (value) => value.length > 0);
  expectHeader("user-agent", (value) => value.startsWith(`${headers.originator}/`));
  if (headers.authorization !== undefined) expectHeader("authorization", (value) => /^Bearer \S+$/.test(value));
  if (headers["x-codex-turn-metadata"] !== undefined) expectHeader("x-codex-turn-metadata", isJsonObject);
  return found;
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

const BODY_KEYS = [
  "model",
  "instructions",
  "input",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "reasoning",
  "store",
  "stream",
  "include",
  "prompt_cache_key",
];

function keyViolations(body: Json): string[] {
  const keys = Object.keys(body)
    .filter((key) => key !== "max_output_tokens")
    .join(", ");
  const bare = BODY_KEYS.join(", ");
  return keys === bare || keys === `${bare}, text`
    ? []
    : [`body keys are [${keys}], expected [${bare}] and maybe text`];
}

function valueViolations(body: Json): string[] {
  const found: string[] = [];
  const check = (key: string, good: boolean) => {
    if (!good) found.push(`${key} is ${JSON.stringify(body[key])?.slice(0, 200)}`);
  };
  check("model", typeof body.model === "string" && body.model !== "");
  check("instructions", typeof body.instructions === "string" && body.instructions !== "");
  check("input", Array.isArray(body.input) && body.input.length > 0);
  check("tools", Array.isArray(body.tools));
  check("tool_choice", body.tool_choice === "auto");
  check("parallel_tool_calls", typeof body.parallel_tool_calls === "boolean");
  check("reasoning", isReasoning(body.reasoning));
  check("store", typeof body.store === "boolean");
  check("stream", body.stream === true);
  const include = body.reasoning === null ? "[]" : '["reasoning.encrypted_content"]';
  check("include", JSON.stringify(body.include) === include);
  check("text", body.text === undefined || isText(body.text));
  return found;
}

function isReasoning(value: unknown): boolean {
  if (value === null) return true;
  return isObject(value) && hasOnly(value, ["effort", "summary"]) && Object.values(value).every(isString);
}

function isText(value: unknown): boolean {
  if (!isObject(value) || !hasOnly(value, ["verbosity", "format"]) || Object.keys(value).length === 0) return false;
  const format = value.format;
  if (format === undefined) return isString(value.verbosity);
  return (
    isObject(format) &&
    Object.keys(format).join() === "type,strict,schema,name" &&
    format.type === "json_schema" &&
    format.strict === true &&
    isObject(format.schema) &&
    format.name === "codex_output_schema"
  );
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function hasOnly(value: Json, allowed: readonly string[]): boolean {
  return Object.keys(value).every((key) => allowed.includes(key));
}

function toolViolations(tool: unknown, index: number): string[] {
  const where = `tools[${index}]`;
  if (!isObject(tool)) return [`${where} is not an object`];
  switch (tool.type) {
    case "function":
      return keysExactly(tool, ["type", "name", "description", "strict", "parameters"], where);
    case "custom":
      return keysExactly(tool, ["type", "name", "description", "format"], where);
    case "web_search":
      return keysExactly(tool, ["type", "external_web_access"], where);
    default:
      return [`${where} has type ${JSON.stringify(tool.type)}`];
  }
}

function keysExactly(value: Json, keys: readonly string[], where: string): string[] {
  const found = Object.keys(value).join(", ");
  return found === keys.join(", ") ? [] : [`${where} has keys [${found}], expected [${keys.join(", ")}]`];
}

const ITEM_KEYS: Readonly<Record<string, { required: readonly string[]; optional?: readonly string[] }>> = {
  message: { required: ["type", "role", "content"], optional: ["phase"] },
  reasoning: { required: ["type", "summary", "encrypted_content"], optional: ["content"] },
  function_call: { required: ["type", "name", "arguments", "call_id"] },
  function_call_output: { required: ["type", "call_id", "output"] },
  custom_tool_call: { required: ["type", "call_id", "name", "input"], optional: ["status"] },
  custom_tool_call_output: { required: ["type", "call_id", "output"] },
  local_shell_call: { required: ["type", "call_id", "status", "action"] },
  web_search_call: { required: ["type"], optional: ["status", "action"] },
};

function itemViolations(item: unknown, index: number, itemIds: boolean): string[] {
  const where = `input[${index}]`;
  if (!isObject(item) || !isString(item.type)) return [`${where} has no type`];
  const expected = ITEM_KEYS[item.type];
  if (expected === undefined) return [];
  const allowed = [...expected.required, ...(expected.optional ?? []), ...(itemIds ? ["id"] : [])];
  const missing = expected.required.filter((key) => !(key in item));
  const extra = Object.keys(item).filter((key) => !allowed.includes(key));
  return [
    ...missing.map((key) => `${where} (${item.type}) lacks ${key}`),
    ...extra.map((key) => `${where} (${item.type}) has ${key}`),
    ...(item.type === "message" ? contentViolations(item, where) : []),
  ];
}

function contentViolations(message: Json, where: string): string[] {
  const textType = message.role === "assistant" ? "output_text" : "input_text";
  return list(message.content).flatMap((part, index) => {
    const type = isObject(part) ? part.type : undefined;
    return type === textType || type === "input_image" ? [] : [`${where}.content[${index}] has type ${String(type)}`];
  });
}

/** The API refuses a call without an output and an output without a call. */
function pairingViolations(input: readonly unknown[]): string[] {
  const calls = new Set<unknown>();
  const answered = new Set<unknown>();
  const found: string[] = [];
  for (const item of input) {
    if (!isObject(item) || !isString(item.type)) continue;
    const callId = item.call_id;
    if (item.type.endsWith("_output") && item.type !== "web_search_call") {
      if (!calls.has(callId)) found.push(`output for ${JSON.stringify(callId)} has no call before it`);
      answered.add(callId);
    } else if (callId !== undefined && callId !== null) calls.add(callId);
  }
  for (const callId of calls) if (!answered.has(callId)) found.push(`call ${JSON.stringify(callId)} has no output`);
  return found;
}
