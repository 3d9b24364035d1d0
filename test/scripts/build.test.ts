import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const BUILD = join(import.meta.dir, "..", "..", "scripts", "build.ts");
const root = mkdtempSync(join(tmpdir(), "codex-build-"));
const executable = join(root, "dist", "codex");

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function run(command: string[], options: { cwd: string; env?: Record<string, string> }) {
  const env = { PATH: process.env.PATH ?? "", HOME: root, ...options.env };
  const child = Bun.spawn(command, { cwd: options.cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, code };
}

function build(...flags: string[]) {
  return run([process.execPath, BUILD, ...flags, root], { cwd: root });
}

beforeAll(async () => {
  write("package.json", JSON.stringify({ name: "sample", type: "module", imports: { "#*": "./src/*" } }));
  write(
    "src/main.ts",
    [
      'import { VALUE } from "#value.ts";',
      "const { default: notes } = await import('./notes.md', { with: { type: 'text' } });",
      "const seen = { value: VALUE, notes: notes.trim(), leak: process.env.LEAK ?? null, args: process.argv.slice(2) };",
      'if (seen.args[0] !== "--worker") console.log(JSON.stringify(seen));',
      "else {",
      '  const worker = new Worker("./src/memories/write/worker.ts");',
      "  worker.onmessage = ({ data }) => { console.log(data); process.exit(0); };",
      '  worker.postMessage("go");',
      "  worker.onerror = ({ message }) => { console.log(message); process.exit(1); };",
      "}",
    ].join("\n"),
  );
  write("src/value.ts", "export const VALUE = 1;\n");
  write(
    "src/memories/write/worker.ts",
    'import { VALUE } from "#value.ts";\nself.onmessage = () => postMessage("worker " + VALUE);\n',
  );
  write("src/notes.md", "embedded text\n");
  const built = await build();
  expect(built).toMatchObject({ code: 0, stderr: "" });
  expect(built.stdout).toMatch(/^Built dist\/codex: \d+\.\d MB in \d+\.\d s\n$/);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the executable", () => {
  test("carries its modules and Markdown, and passes arguments through", async () => {
    const { stdout } = await run([executable, "--smol", "a b"], { cwd: tmpdir() });
    expect(JSON.parse(stdout)).toEqual({ value: 1, notes: "embedded text", leak: null, args: ["--smol", "a b"] });
  });

  test("carries its worker, found from any folder", async () => {
    const { stdout, code } = await run([executable, "--worker"], { cwd: tmpdir() });
    expect({ stdout, code }).toEqual({ stdout: "worker 1\n", code: 0 });
  });

  test("takes no settings from the folder it is started in", async () => {
    write("cwd/.env", "LEAK=dotenv\n");
    write("cwd/.env.local", "LEAK=dotenv-local\n");
    write("cwd/evil.ts", 'process.env.LEAK = "preload";\n');
    write("cwd/bunfig.toml", 'preload = ["./evil.ts"]\n[define]\n"process.env.LEAK" = "\'define\'"\n');
    write("cwd/tsconfig.json", JSON.stringify({ compilerOptions: { paths: { "*": ["./evil.ts"] } } }));
    write("cwd/package.json", JSON.stringify({ imports: { "#*": "./evil.ts" } }));
    const { stdout, code } = await run([executable], {
      cwd: join(root, "cwd"),
      env: { NODE_OPTIONS: "--require ./evil.ts" },
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ value: 1, leak: null });
  });
});

describe("building", () => {
  test("leaves nothing but the executable and its fingerprint", () => {
    expect(readdirSync(join(root, "dist")).sort()).toEqual([".built-from", "codex"]);
  });

  test("--if-stale builds after a change of any source, and only then", async () => {
    const before = statSync(executable).ino;
    expect((await build("--if-stale")).stdout).toBe("");
    expect(statSync(executable).ino).toBe(before);
    write("src/notes.md", "changed text\n");
    expect((await build("--if-stale")).stdout).toStartWith("Built dist/codex");
    const { stdout } = await run([executable], { cwd: tmpdir() });
    expect(JSON.parse(stdout)).toMatchObject({ notes: "changed text" });
  });

  test("a source that does not compile says where, exits 1 and leaves the last executable", async () => {
    const before = statSync(executable).ino;
    write("src/value.ts", "export const VALUE = ;\n");
    const failed = await build();
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("src/value.ts:1");
    expect(failed.stderr).toContain("Building dist/codex failed.");
    expect(statSync(executable).ino).toBe(before);
    expect(readdirSync(join(root, "dist")).sort()).toEqual([".built-from", "codex"]);
  });
});
