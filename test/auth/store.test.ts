import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiKeyAuthFile } from "#auth/auth-file.ts";
import { authFilePath, deleteAuthFile, readAuthFile, writeAuthFile } from "#auth/store.ts";
import { CodexError } from "#lib/errors.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "codex-auth-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a key is stored for the owner alone, in the form every Codex reads", () => {
  const home = join(root, "new", "home");
  writeAuthFile(home, apiKeyAuthFile("sk-1"));
  expect(readFileSync(authFilePath(home), "utf8")).toBe('{\n  "auth_mode": "apikey",\n  "OPENAI_API_KEY": "sk-1"\n}');
  expect(statSync(authFilePath(home)).mode & 0o777).toBe(0o600);
  expect(readdirSync(home)).toEqual(["auth.json"]);
  expect(readAuthFile(home)).toEqual({ auth_mode: "apikey", OPENAI_API_KEY: "sk-1" });
});

test("storing again replaces the file and tightens its mode", () => {
  writeFileSync(authFilePath(root), "{}", { mode: 0o644 });
  writeAuthFile(root, apiKeyAuthFile("sk-2"));
  expect(statSync(authFilePath(root)).mode & 0o777).toBe(0o600);
  expect(readAuthFile(root)?.OPENAI_API_KEY).toBe("sk-2");
});

test("what was read and is written back loses nothing", () => {
  const login = {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: { access_token: "a", new_field: 1 },
    later: { x: 1 },
  };
  writeFileSync(authFilePath(root), JSON.stringify(login));
  const read = readAuthFile(root);
  if (read === undefined) throw new Error("no login");
  writeAuthFile(root, read);
  expect(JSON.parse(readFileSync(authFilePath(root), "utf8"))).toEqual(login);
});

test("forgetting", () => {
  expect(readAuthFile(root)).toBeUndefined();
  expect(deleteAuthFile(root)).toBe(false);
  writeAuthFile(root, apiKeyAuthFile("sk-1"));
  expect(deleteAuthFile(root)).toBe(true);
  expect(readAuthFile(root)).toBeUndefined();
});

test("a named pipe in its place is told of, not waited for", () => {
  expect(Bun.spawnSync(["mkfifo", authFilePath(root)]).exitCode).toBe(0);
  expect(() => readAuthFile(root)).toThrow("not a regular file");
});

test("a home that cannot be written is a clear error", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  expect(() => writeAuthFile(file, apiKeyAuthFile("sk-secret"))).toThrow(CodexError);
  expect(() => writeAuthFile(file, apiKeyAuthFile("sk-secret"))).toThrow("Cannot save the login");
  expect(() => writeAuthFile(file, apiKeyAuthFile("sk-secret"))).not.toThrow("sk-secret");
});
