import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ModelEvent } from "#providers/model-client.ts";
import { ResponsesDecoder } from "#providers/responses/decode.ts";
import {
  assistantText,
  completed,
  created,
  customToolCall,
  failed,
  functionCall,
  itemDone,
  localShellCall,
  reasoning,
  type SseEvent,
  sseBytes,
  webSearchCall,
} from "../../support/model-script.ts";

function decode(pieces: readonly Uint8Array[]): ModelEvent[] {
  const decoder = new ResponsesDecoder();
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()];
}

const decodeEvents = (events: readonly SseEvent[]) => decode(events.map(sseBytes));
const decodeText = (text: string) => decode([Buffer.from(text)]);
const itemsOf = (events: readonly ModelEvent[]) => events.flatMap((e) => (e.type === "item_done" ? [e.item] : []));

const USAGE = {
  input_tokens: 100,
  cached_input_tokens: 40,
  output_tokens: 20,
  reasoning_output_tokens: 8,
  total_tokens: 120,
};

const TRANSCRIPT = [
  created(),
  ...reasoning(["plän"], { raw: ["räw"] }),
  ...assistantText("héllo → 🦀", { deltas: ["hé", 'l"lo\\', "\n→ 🦀"] }),
  ...functionCall("exec_command", { cmd: "echo ß" }, "c1"),
  completed(USAGE),
];

const DECODED: ModelEvent[] = [
  { type: "created" },
  { type: "item_added", item: { type: "reasoning", id: "rs_1", summary: [], encrypted_content: null }, outputIndex: 0 },
  { type: "reasoning_delta", itemId: "rs_1", index: 0, delta: "plän", raw: false },
  { type: "reasoning_delta", itemId: "rs_1", index: 0, delta: "räw", raw: true },
  {
    type: "item_done",
    item: {
      type: "reasoning",
      id: "rs_1",
      summary: [{ type: "summary_text", text: "plän" }],
      content: [{ type: "reasoning_text", text: "räw" }],
      encrypted_content: "ENCRYPTED",
    },
    outputIndex: 0,
  },
  { type: "item_added", item: { type: "message", id: "msg_1", role: "assistant", content: [] }, outputIndex: 0 },
  { type: "text_delta", itemId: "msg_1", delta: "hé" },
  { type: "text_delta", itemId: "msg_1", delta: 'l"lo\\' },
  { type: "text_delta", itemId: "msg_1", delta: "\n→ 🦀" },
  {
    type: "item_done",
    item: {
      type: "message",
      id: "msg_1",
      role: "assistant",
      content: [{ type: "output_text", text: "héllo → 🦀" }],
    },
    outputIndex: 0,
  },
  {
    type: "item_done",
    item: { type: "function_call", id: "fc_c1", name: "exec_command", arguments: '{"cmd":"echo ß"}', call_id: "c1" },
    outputIndex: 0,
  },
  { type: "completed", responseId: "resp_1", usage: USAGE },
];

describe("chunking", () => {
  const bytes = Buffer.concat(TRANSCRIPT.map(sseBytes));

  test("a whole answer", () => {
    expect(decode([bytes])).toEqual(DECODED);
  });

  test("an answer cut in two at every byte", () => {
    const wanted = JSON.stringify(DECODED);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const found = JSON.stringify(decode([bytes.subarray(0, cut), bytes.subarray(cut)]));
      if (found !== wanted) expect({ cut, found }).toEqual({ cut, found: wanted });
    }
  });

  test("an answer in any pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 30 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        expect(decode(pieces)).toEqual(DECODED);
      }),
      { numRuns: 100 },
    );
  });

  test("one batch holds all events of a piece", () => {
    expect(new ResponsesDecoder().push(bytes)).toHaveLength(DECODED.length);
  });
});

describe("text deltas read without a full parse", () => {
  const line = (fields: Record<string, unknown>) => {
    const event = { type: "response.output_text.delta", ...fields };
    return `data: ${JSON.stringify(event)}\n\n`;
  };

  test("any text survives, whatever surrounds it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
        fc.string(),
        fc.string(),
        (delta, id, noise) => {
          const wanted: ModelEvent[] = [{ type: "text_delta", itemId: id, delta }];
          expect(decodeText(line({ item_id: id, delta, obfuscation: noise }))).toEqual(wanted);
          expect(decodeText(line({ obfuscation: noise, delta, item_id: id }))).toEqual(wanted);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("keys inside a value do not count", () => {
    const delta = '"delta":"no","item_id":"no"}';
    const events = decodeText(line({ note: '"delta":"no","item_id":"no"', item_id: "m", delta }));
    expect(events).toEqual([{ type: "text_delta", itemId: "m", delta }]);
  });

  test("torn data is ignored, wherever it ends", () => {
    const whole = line({ item_id: "m", delta: "ab\n", obfuscation: "x" }).trim();
    for (let end = "data: ".length; end < whole.length; end++) {
      const torn = whole.slice(0, end);
      expect({ torn, events: decodeText(`${torn}\n\n`) }).toEqual({ torn, events: [] });
    }
  });

  test("spaces, another key order, a missing id, a wrong type", () => {
    const spaced = 'data: {"type": "response.output_text.delta", "item_id": "m", "delta": "a"}\n\n';
    const reordered = 'data: {"delta":"b","item_id":"m","type":"response.output_text.delta"}\n\n';
    const noId = 'data: {"type":"response.output_text.delta","delta":"c"}\n\n';
    const noText = 'data: {"type":"response.output_text.delta","item_id":"m","delta":5}\n\n';
    expect(decodeText(spaced + reordered + noId + noText)).toEqual([
      { type: "text_delta", itemId: "m", delta: "a" },
      { type: "text_delta", itemId: "m", delta: "b" },
      { type: "text_delta", itemId: "", delta: "c" },
    ]);
  });
});

describe("what is ignored", () => {
  test("comments, other fields, data that is not JSON or not an object, unknown types", () => {
    const noise = [
      ": ping\n\n",
      "event: only\n\n",
      "data: {not json\n\n",
      "data: [DONE]\n\n",
      "data: null\n\n",
      "data: [1]\n\n",
      'data: "text"\n\n',
      "data: {}\n\n",
      'data: {"type":7}\n\n',
      'data: {"type":"response.in_progress","response":{}}\n\n',
      'data: {"type":"response.function_call_arguments.delta","delta":"{"}\n\n',
      'data: {"type":"error","message":"m"}\n\n',
      'data: {"type":"response.completed"}\n\n',
      'data: {"type":"response.output_item.done"}\n\n',
      'data: {"type":"response.output_item.done","item":"x"}\n\n',
      'data: {"type":"response.output_item.done","item":{"id":"i"}}\n\n',
    ];
    const end = Buffer.from(sseBytes(completed())).toString();
    expect(decodeText(noise.join("") + end).map((event) => event.type)).toEqual(["completed"]);
  });

  test("everything after the terminal event", () => {
    const events = decodeEvents([completed(), created(), failed("x", "late")]);
    expect(events.map((event) => event.type)).toEqual(["completed"]);
  });
});

describe("usage", () => {
  const usageOf = (response: Record<string, unknown>) => {
    const [event] = decodeEvents([{ type: "response.completed", response }]);
    return event?.type === "completed" ? event.usage : "not completed";
  };

  test("absent is null", () => {
    expect(usageOf({ id: "r" })).toBeNull();
    expect(usageOf({ id: "r", usage: null })).toBeNull();
  });

  test("details may be absent, and fields of a wrong type count as 0", () => {
    const zero = { cached_input_tokens: 0, reasoning_output_tokens: 0 };
    expect(usageOf({ usage: { input_tokens: 5, output_tokens: 3, total_tokens: 9 } })).toEqual({
      input_tokens: 5,
      output_tokens: 3,
      total_tokens: 9,
      ...zero,
    });
    expect(usageOf({ usage: { input_tokens: "5", output_tokens: 3, input_tokens_details: 4 } })).toEqual({
      input_tokens: 0,
      output_tokens: 3,
      total_tokens: 3,
      ...zero,
    });
  });
});

describe("items", () => {
  const item = (raw: Record<string, unknown>) => itemsOf(decodeEvents([itemDone(raw)]))[0];

  test("every kind of call", () => {
    const events = decodeEvents([
      ...customToolCall("apply_patch", "*** Begin", "c1"),
      ...localShellCall(["ls", "-l"], "c2", { timeout_ms: 5, env: { A: "b" } }),
      ...webSearchCall({ type: "search", query: "q", queries: ["q", "r"], sources: [] }),
    ]);
    expect(itemsOf(events)).toEqual([
      {
        type: "custom_tool_call",
        id: "ctc_c1",
        status: "completed",
        call_id: "c1",
        name: "apply_patch",
        input: "*** Begin",
      },
      {
        type: "local_shell_call",
        id: "lsc_c2",
        call_id: "c2",
        status: "completed",
        action: {
          type: "exec",
          command: ["ls", "-l"],
          timeout_ms: 5,
          working_directory: null,
          env: { A: "b" },
          user: null,
        },
      },
      {
        type: "web_search_call",
        id: "ws_1",
        status: "completed",
        action: { type: "search", query: "q", queries: ["q", "r"] },
      },
    ]);
  });

  test("web search actions keep what is known of them", () => {
    const action = (raw: unknown) => item({ type: "web_search_call", action: raw });
    expect(action({ type: "open_page", url: "u", query: "z" })).toEqual({
      type: "web_search_call",
      action: { type: "open_page", url: "u" },
    });
    expect(action({ type: "find_in_page", url: "u", pattern: "p" })).toEqual({
      type: "web_search_call",
      action: { type: "find_in_page", url: "u", pattern: "p" },
    });
    expect(action({ type: "new", x: 1 })).toEqual({ type: "web_search_call", action: { type: "other" } });
    expect(action("text")).toEqual({ type: "web_search_call" });
  });

  test("a call without call_id gets its item's id; without either it is none", () => {
    expect(item({ type: "function_call", id: "fc_9", name: "f", arguments: "{}" })).toMatchObject({ call_id: "fc_9" });
    expect(item({ type: "function_call", name: "f" })).toBeUndefined();
    expect(item({ type: "function_call", name: "f", id: "i" })).toMatchObject({ call_id: "i", arguments: "" });
    expect(item({ type: "local_shell_call", id: "l1", call_id: null, action: { command: ["true"] } })).toMatchObject({
      call_id: "l1",
      status: "completed",
    });
  });

  test("arguments that are not text become JSON text", () => {
    expect(item({ type: "function_call", name: "f", call_id: "c", arguments: { a: 1 } })).toMatchObject({
      arguments: '{"a":1}',
    });
  });

  test("calls without a name or command are dropped", () => {
    expect(item({ type: "function_call", call_id: "c", arguments: "{}" })).toBeUndefined();
    expect(item({ type: "custom_tool_call", call_id: "c" })).toBeUndefined();
    expect(item({ type: "local_shell_call", call_id: "c" })).toBeUndefined();
  });

  test("messages: phase kept, refusals and plain text shown, unknown parts dropped", () => {
    expect(
      item({
        type: "message",
        role: "assistant",
        phase: "commentary",
        content: [
          { type: "output_text", text: "a", annotations: [], logprobs: [] },
          { type: "refusal", refusal: "no" },
          { type: "hologram" },
          null,
        ],
      }),
    ).toEqual({
      type: "message",
      role: "assistant",
      phase: "commentary",
      content: [
        { type: "output_text", text: "a" },
        { type: "output_text", text: "no" },
      ],
    });
    expect(item({ type: "message", role: "robot", content: "plain" })).toEqual({
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: "plain" }],
    });
  });

  test("an unknown type travels unchanged", () => {
    const raw = { type: "image_generation_call", id: "ig", result: "AA", nested: { x: [1] } };
    expect(item(raw)).toEqual({ type: "unknown", raw });
  });

  test("no item makes the decoder throw", () => {
    const types = fc.constantFrom(
      "message",
      "reasoning",
      "function_call",
      "function_call_output",
      "custom_tool_call",
      "custom_tool_call_output",
      "local_shell_call",
      "web_search_call",
    );
    fc.assert(
      fc.property(types, fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue()), (type, fields) => {
        decodeEvents([itemDone({ ...fields, type } as Record<string, unknown>)]);
      }),
      { numRuns: 500 },
    );
  });
});

const FIELDS = [
  "id",
  "call_id",
  "name",
  "arguments",
  "input",
  "output",
  "content",
  "summary",
  "action",
  "status",
  "role",
  "phase",
  "encrypted_content",
];
