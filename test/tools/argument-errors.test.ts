import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  choice,
  defaulted,
  flag,
  integer,
  list,
  optional,
  parseArguments,
  required,
  struct,
  text,
} from "#tools/argument-errors.ts";

const EXEC = struct("ExecCommandArgs", {
  cmd: required(text),
  workdir: optional(text),
  shell: optional(text),
  login: defaulted(flag),
  tty: defaulted(flag),
  yield_time_ms: defaulted(integer("u64")),
  max_output_tokens: optional(integer("usize")),
  sandbox_permissions: defaulted(choice(["use_default", "require_escalated"])),
  justification: optional(text),
  prefix_rule: optional(list(text)),
});
const PLAN = struct(
  "UpdatePlanArgs",
  {
    explanation: optional(text),
    plan: required(
      list(
        struct(
          "PlanItemArg",
          { step: required(text), status: required(choice(["pending", "in_progress", "completed"])) },
          { strict: true },
        ),
      ),
    ),
  },
  { strict: true },
);
const WRITE = struct("WriteStdinArgs", { session_id: required(integer("i32")), chars: defaulted(text) });
const SHELL = struct(
  "ShellToolCallParams",
  { command: required(list(text)), timeout_ms: optional(integer("u64")) },
  { aliases: { timeout: "timeout_ms" } },
);

const PREFIX = "failed to parse function arguments: ";

/** What the released 0.101 answers to these arguments. */
const MEASURED: [typeof EXEC | typeof PLAN | typeof WRITE | typeof SHELL, string, string][] = [
  [EXEC, "{}", "missing field `cmd` at line 1 column 2"],
  [EXEC, '{"command":"ls"}', "missing field `cmd` at line 1 column 16"],
  [EXEC, '{"cmd":3}', "invalid type: integer `3`, expected a string at line 1 column 8"],
  [EXEC, '{"cmd":true}', "invalid type: boolean `true`, expected a string at line 1 column 11"],
  [EXEC, '{"cmd":null}', "invalid type: null, expected a string at line 1 column 11"],
  [EXEC, '{"cmd":[1]}', "invalid type: sequence, expected a string at line 1 column 7"],
  [EXEC, '{"cmd":"echo","yield_time_ms":"x"}', 'invalid type: string "x", expected u64 at line 1 column 33'],
  [EXEC, '{"cmd":"true","yield_time_ms":1.5}', "invalid type: floating point `1.5`, expected u64 at line 1 column 33"],
  [EXEC, '{"cmd":"true","yield_time_ms":-1}', "invalid value: integer `-1`, expected u64 at line 1 column 32"],
  [
    EXEC,
    '{"cmd":"echo hello world","max_output_tokens":-1}',
    "invalid value: integer `-1`, expected usize at line 1 column 48",
  ],
  [
    EXEC,
    '{"cmd":"true","login":null,"yield_time_ms":null}',
    "invalid type: null, expected a boolean at line 1 column 26",
  ],
  [EXEC, '{"cmd":"true","tty":"yes"}', 'invalid type: string "yes", expected a boolean at line 1 column 25'],
  [
    EXEC,
    '{"cmd":"true",\n "tty":1,\n"login":false}',
    "invalid type: integer `1`, expected a boolean at line 2 column 8",
  ],
  [
    EXEC,
    '{"cmd":"echo hi","sandbox_permissions":"bogus"}',
    "unknown variant `bogus`, expected `use_default` or `require_escalated` at line 1 column 46",
  ],
  [EXEC, '{"cmd":"true","sandbox_permissions":null}', "expected value at line 1 column 37"],
  [EXEC, '{"cmd":"true","sandbox_permissions":3}', "expected value at line 1 column 37"],
  [EXEC, '{"cmd":"true","cmd":"false"}', "duplicate field `cmd` at line 1 column 19"],
  [EXEC, "{bad", "key must be a string at line 1 column 2"],
  [EXEC, "{'cmd':1}", "key must be a string at line 1 column 2"],
  [EXEC, '{"cmd" 1}', "expected `:` at line 1 column 8"],
  [EXEC, '{"cmd":"true"} x', "trailing characters at line 1 column 16"],
  [EXEC, '{"cmd":"true",}', "trailing comma at line 1 column 15"],
  [EXEC, '{"cmd":"tr', "EOF while parsing a string at line 1 column 10"],
  [EXEC, '{"cmd":"a\\q"}', "invalid escape at line 1 column 11"],
  [EXEC, "", "EOF while parsing a value at line 1 column 0"],
  [EXEC, "nul", "EOF while parsing a value at line 1 column 3"],
  [EXEC, "not json", "expected ident at line 1 column 2"],
  [EXEC, "null", "invalid type: null, expected struct ExecCommandArgs at line 1 column 4"],
  [EXEC, '"x"', 'invalid type: string "x", expected struct ExecCommandArgs at line 1 column 3'],
  [EXEC, "[]", "invalid length 0, expected struct ExecCommandArgs with 10 elements at line 1 column 2"],
  [EXEC, "[1]", "invalid type: integer `1`, expected a string at line 1 column 2"],
  [EXEC, '["true",3]', "invalid type: integer `3`, expected a string at line 1 column 9"],
  [WRITE, "{}", "missing field `session_id` at line 1 column 2"],
  [WRITE, '{"session_id":"a"}', 'invalid type: string "a", expected i32 at line 1 column 17'],
  [PLAN, "{}", "missing field `plan` at line 1 column 2"],
  [PLAN, '{"plan":"x"}', 'invalid type: string "x", expected a sequence at line 1 column 11'],
  [PLAN, '{"plan":[{"step":"a"}]}', "missing field `status` at line 1 column 21"],
  [
    PLAN,
    '{"plan":[{"step":"a","status":"bogus"}]}',
    "unknown variant `bogus`, expected one of `pending`, `in_progress`, `completed` at line 1 column 37",
  ],
  [PLAN, '{"plan":[],"bogus":1}', "unknown field `bogus`, expected `explanation` or `plan` at line 1 column 18"],
  [
    PLAN,
    '{"plan":[{"step":"a","status":"pending","x":1}]}',
    "unknown field `x`, expected `step` or `status` at line 1 column 43",
  ],
  [SHELL, '{"command":"x"}', 'invalid type: string "x", expected a sequence at line 1 column 14'],
  [SHELL, '{"command":["echo","hi"],"timeout_ms":"a"}', 'invalid type: string "a", expected u64 at line 1 column 41'],
];

describe("texts of Codex CLI 0.101", () => {
  test.each(MEASURED)("%#: %p %s", (type, json, message) => {
    expect(parseArguments<unknown>(json, type)).toEqual({ error: `${PREFIX}${message}` });
  });
});

/** Not measured: what serde_json's grammar implies. */
const IMPLIED: [string, string][] = [
  ['{"cmd":"a"', "EOF while parsing an object at line 1 column 10"],
  ['{"cmd"', "EOF while parsing an object at line 1 column 6"],
  ['{"cmd":', "EOF while parsing a value at line 1 column 7"],
  ['{"cmd":"a" "tty":true}', "expected `,` or `}` at line 1 column 12"],
  ['{"cmd":"a","prefix_rule":["b" "c"]}', "expected `,` or `]` at line 1 column 31"],
  ['{"cmd":"a","prefix_rule":["b",]}', "trailing comma at line 1 column 31"],
  ['{"cmd":"a","prefix_rule":["b"', "EOF while parsing a list at line 1 column 29"],
  ['{"cmd":"a\nb"}', "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"],
  ['{"cmd":"a","yield_time_ms":01}', "invalid number at line 1 column 29"],
  ['{"cmd":"a","yield_time_ms":1.}', "invalid number at line 1 column 30"],
  ['{"cmd":"a","yield_time_ms":1e3}', "invalid type: floating point `1000.0`, expected u64 at line 1 column 30"],
  ['{"cmd":"\\u12"}', "invalid escape at line 1 column 13"],
  ['{"cmd":{}}', "invalid type: map, expected a string at line 1 column 7"],
  ['{"other":[1,{"a":fals}],"cmd":"a"}', "expected ident at line 1 column 22"],
  ['{"cmd":?}', "expected value at line 1 column 8"],
  ['{"é":tru', "EOF while parsing a value at line 1 column 9"],
];

test.each(IMPLIED)("%s", (json, message) => {
  expect(parseArguments(json, EXEC)).toEqual({ error: `${PREFIX}${message}` });
});

describe("what is accepted", () => {
  test("fields in any order, unknown ones read over, null for optional ones", () => {
    const json = ' {"x":[1,{"y":null}],"tty":true,"workdir":null,"cmd":"l\\u00e9\\n","prefix_rule":["a"]} ';
    expect(parseArguments(json, EXEC)).toEqual({
      value: { tty: true, workdir: undefined, cmd: "lé\n", prefix_rule: ["a"] },
    });
  });

  test("aliases and positional fields", () => {
    expect(parseArguments('{"command":["a"],"timeout":5}', SHELL)).toEqual({
      value: { command: ["a"], timeout_ms: 5 },
    });
    expect(parseArguments('[["a"],5]', SHELL)).toEqual({ value: { command: ["a"], timeout_ms: 5 } });
  });

  test("anything JSON.stringify can write, and nothing JSON.parse would refuse", () => {
    const any = struct("Any", {});
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        expect(parseArguments(JSON.stringify(object, null, 1), any)).toEqual({ value: {} });
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^\{[-{}[\],:"\\a0-9.eE tnu]{0,12}$/), (json) => {
        const ours = "value" in parseArguments(json, any);
        expect(ours).toBe(parses(json));
      }),
      { numRuns: 500 },
    );
  });
});

function parses(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}
