import { describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type ConfigEdit, editConfigFile, editToml } from "#config/edit.ts";
import { parseToml } from "#config/parse-toml.ts";
import { tempHome } from "../support/temp-home.ts";

const SOURCE = `# top
model = "x" # keep
big = 9223372036854775807

# about a
[mcp_servers.a] # the a
command = "cmd" # c
args = ["x",
  "[mcp_servers.b]", # not a header
]
unknown = 3

[mcp_servers.a.env]
K = """
[mcp_servers.b]
"""

# apart

# about b
[mcp_servers.b]
url = "http://x"

# the terminal
[tui]
x = 1
`;

const path = ["mcp_servers", "c"];
const put = (table: Extract<ConfigEdit, { type: "put_table" }>["table"], at: readonly string[] = path): ConfigEdit => ({
  type: "put_table",
  path: at,
  table,
});
const edit = (text: string, change: ConfigEdit) => editToml(text, change, "config.toml");

describe("a new server", () => {
  const added = `[mcp_servers.c]
command = "new"
args = ["-x", "a\\"b\\\\"]

[mcp_servers.c.env]
"odd key" = "v"
`;
  const table = { command: "new", args: ["-x", 'a"b\\'], env: { "odd key": "v" } };

  test("stands behind the others; everything else stays", async () => {
    expect(await edit(SOURCE, put(table))).toBe(
      SOURCE.replace('url = "http://x"\n\n', `url = "http://x"\n\n${added}\n`),
    );
  });

  test("is the end of a file without servers, and the whole of an empty one", async () => {
    expect(await edit("a = 1 # one", put(table))).toBe(`a = 1 # one\n\n${added}`);
    expect(await edit("", put(table))).toBe(added);
  });

  test("has the line ends of the file", async () => {
    expect(await edit("a = 1\r\n# c\r\n", put({ command: "q" }))).toBe(
      'a = 1\r\n# c\r\n\r\n[mcp_servers.c]\r\ncommand = "q"\r\n',
    );
  });

  test("replaces one of its name", async () => {
    const changed = await edit(SOURCE, put({ url: "http://y" }, ["mcp_servers", "a"]));
    expect(changed).not.toContain("cmd");
    expect(changed).toContain("# about b\n[mcp_servers.b]");
    expect(await parseToml(changed)).toMatchObject({ table: { mcp_servers: { a: { url: "http://y" } } } });
  });

  test.each([
    ['mcp_servers = { a = { command = "x" } } # one line\n'],
    ['mcp_servers.a.command = "x" # dotted\n[tui]\ny = 1 # y\n'],
  ])("joins servers that are written otherwise: %s", async (text) => {
    const changed = await edit(text, put({ command: "new", env: { A: "b" } }));
    const parsed = await parseToml(changed);
    expect(parsed).toMatchObject({
      ok: true,
      table: { mcp_servers: { a: { command: "x" }, c: { command: "new", env: { A: "b" } } } },
    });
    for (const comment of text.match(/# .*/g) ?? []) expect(changed).toContain(comment);
  });
});

describe("a server of that name", () => {
  const REPLACED = `# top
model = "x" # m

# about a
[mcp_servers.a] # head a
command = "cmd" # the command
# note on args
args = ["x", # first
  "y"]
later = 3 # not ours

# its variables
[mcp_servers.a.env]
# secret
TOKEN = "t"
OTHER = "u" # o

[mcp_servers.a.tools.x]
approval_mode = "prompt"

# about b
[mcp_servers.b]
url = "http://x"
`;
  const known = ["command", "args", "env", "url", "tools", "enabled"];
  const replace = (text: string, table: Extract<ConfigEdit, { type: "put_table" }>["table"]) =>
    edit(text, { type: "put_table", path: ["mcp_servers", "a"], table, known });

  test("keeps its place, its comments and the keys nobody knows", async () => {
    expect(await replace(REPLACED, { command: "new", args: ["-x"], env: { TOKEN: "z", N: "1" } })).toBe(
      REPLACED.replace('"cmd"', '"new"')
        .replace('["x", # first\n  "y"]', '["-x"]')
        .replace('"t"', '"z"')
        .replace('OTHER = "u" # o\n', 'N = "1"\n')
        .replace('[mcp_servers.a.tools.x]\napproval_mode = "prompt"\n\n', ""),
    );
  });

  test("keeps values that stay as they are written", async () => {
    expect(await replace(REPLACED, { command: "new", args: ["x", "y"], env: { TOKEN: "t", OTHER: "u" } })).toBe(
      REPLACED.replace('"cmd"', '"new"').replace('[mcp_servers.a.tools.x]\napproval_mode = "prompt"\n\n', ""),
    );
  });

  test("becomes an address", async () => {
    expect(await replace(REPLACED, { url: "http://y", oauth: { client_id: "c" } })).toBe(
      REPLACED.replace('command = "cmd" # the command\n', "")
        .replace('args = ["x", # first\n  "y"]\n', "")
        .replace("later = 3 # not ours\n", 'later = 3 # not ours\nurl = "http://y"\n')
        .replace(/# its variables[\s\S]*?(?=# about b)/, '[mcp_servers.a.oauth]\nclient_id = "c"\n\n'),
    );
  });

  test("stays as it is when it says the same", async () => {
    const same = { command: "cmd", args: ["x", "y"], env: { TOKEN: "t", OTHER: "u" } };
    const text = REPLACED.replace(/\[mcp_servers\.a\.tools[\s\S]*?\n\n/, "");
    expect(await replace(text, same)).toBe(text);
  });

  test.each([
    ["an inline table", '[mcp_servers]\na = { command = "cmd", later = 3 } # a\n[tui]\nx = 1\n'],
    ["dotted keys", 'mcp_servers.a.command = "cmd"\nmcp_servers.a.later = 3 # kept\n[tui]\nx = 1\n'],
    ["an inline table in a section", '[mcp_servers.a]\ncommand = "cmd"\nenv = { A = "1" } # v\nlater = 3\n'],
    ["dotted keys in a section", '[mcp_servers.a]\ncommand = "cmd"\nenv.A = "1"\nlater = 3\n'],
    ["a quoted key", '[mcp_servers.a]\n"command" = "cmd"\nlater = 3\n'],
    ["line ends of Windows", '[mcp_servers.a] # a\r\ncommand = "cmd" # c\r\nlater = 3\r\n'],
    ["no line end", '[mcp_servers.a]\nlater = 3\ncommand = "cmd"'],
    ["nothing in it", '[mcp_servers.a]\n\n[mcp_servers.a.env]\nA = "1"\n[tui]\nx = 1\n'],
    ["a section after others", '[mcp_servers.a.env]\nA = "1"\n[tui]\nx = 1\n[mcp_servers.a]\nlater = 3\n'],
  ])("is replaced whatever it is written as: %s", async (_form, text) => {
    const changed = await replace(text, { command: "new", env: { B: "2" } });
    const kept = text.includes("later") ? { later: 3n } : {};
    const parsed = await parseToml(changed);
    expect(parsed.ok && parsed.table.mcp_servers).toEqual({ a: { ...kept, command: "new", env: { B: "2" } } });
    if (text.includes("tui")) expect(changed).toContain("[tui]\nx = 1");
    if (text.includes("\r\n")) expect(changed.replaceAll("\r\n", "")).not.toContain("\n");
  });
});

describe("taking away", () => {
  const remove = (name: string): ConfigEdit => ({ type: "remove", path: ["mcp_servers", name] });

  test("takes the sections and the comments right above them", async () => {
    const start = SOURCE.indexOf("# about a");
    const end = SOURCE.indexOf("# about b");
    const rest = SOURCE.slice(0, start) + SOURCE.slice(end);
    expect(await edit(SOURCE, remove("a"))).toBe(rest);
  });

  test("what is not there changes nothing", async () => {
    expect(await edit(SOURCE, remove("nope"))).toBe(SOURCE);
    expect(await edit("", remove("nope"))).toBe("");
  });

  test("works on other ways of writing", async () => {
    expect(await edit('mcp_servers.a.command = "x"\n[tui]\ny = 1\n', remove("a"))).toContain("[tui]\ny = 1\n");
    const inline = await edit('mcp_servers = { a = { command = "x" }, b = { url = "u" } }\n', remove("a"));
    expect(await parseToml(inline)).toMatchObject({ ok: true, table: { mcp_servers: { b: { url: "u" } } } });
  });
});

describe("one value", () => {
  const set = (name: string, value: boolean): ConfigEdit => ({
    type: "set",
    path: ["mcp_servers", name, "enabled"],
    value,
  });

  test("is added at the end of its table", async () => {
    expect(await edit(SOURCE, set("b", false))).toBe(
      SOURCE.replace('url = "http://x"\n', 'url = "http://x"\nenabled = false\n'),
    );
    expect(await edit(SOURCE, set("a", false))).toBe(SOURCE.replace("unknown = 3\n", "unknown = 3\nenabled = false\n"));
    expect(await edit('[mcp_servers.z]\ncommand = "x"', set("z", true))).toBe(
      '[mcp_servers.z]\ncommand = "x"\nenabled = true\n',
    );
  });

  test("is replaced where it stands", async () => {
    const text = '[mcp_servers.z]\nenabled = true # why\ncommand = "x"\n';
    expect(await edit(text, set("z", false))).toBe(text.replace("true", "false"));
    expect(await edit(text, set("z", true))).toBe(text);
    const inline = 'mcp_servers.z = { command = "x", enabled = true }\n';
    expect(await edit(inline, set("z", false))).toBe(inline.replace("true", "false"));
  });
});

test("a file that is no TOML is left alone", async () => {
  expect(edit("a = = 1\n", put({ command: "x" }))).rejects.toThrow('Cannot edit "config.toml": line 1, column ');
});

test("the file is made, its mode and link are kept", async () => {
  await using home = await tempHome();
  const fresh = join(home.root, "new", "config.toml");
  expect(await editConfigFile(fresh, put({ command: "x" }))).toBe(true);
  expect(await editConfigFile(fresh, put({ command: "x" }))).toBe(false);
  expect(statSync(fresh).mode & 0o777).toBe(0o600);
  const target = home.write("dotfiles/config.toml", "a = 1\n");
  chmodSync(target, 0o640);
  const link = join(home.codexHome, "config.toml");
  symlinkSync(target, link);
  await editConfigFile(link, put({ command: "x" }));
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toBe('a = 1\n\n[mcp_servers.c]\ncommand = "x"\n');
  expect(statSync(target).mode & 0o777).toBe(0o640);
});

test("a file that cannot be read or written is named", async () => {
  await using home = await tempHome();
  expect(editConfigFile(home.codexHome, put({ command: "x" }))).rejects.toThrow(
    `Cannot read "${home.codexHome}": Is a directory`,
  );
});

test("whatever is added can be read back, and taken away again", async () => {
  const word = fc.string({ unit: "binary", maxLength: 12 });
  const key = word.filter((name) => name !== "" && name !== "__proto__");
  const server = fc.record({ command: word, args: fc.array(word, { maxLength: 3 }), env: fc.dictionary(key, word) });
  await fc.assert(
    fc.asyncProperty(server, fc.constantFrom(SOURCE, "", "a = 1"), async (table, text) => {
      const changed = await edit(text, put(table));
      const parsed = await parseToml(changed);
      if (!parsed.ok) throw new Error(parsed.mistake.message);
      const read = parsed.table.mcp_servers as Record<string, { command: string; args: string[]; env?: object }>;
      expect({ ...read.c, env: { ...read.c?.env } }).toEqual({ ...table, env: { ...table.env } });
      const removed = await edit(changed, { type: "remove", path });
      expect(removed.trimEnd()).toBe(text.trimEnd());
    }),
    { numRuns: 60 },
  );
}, 60_000);
