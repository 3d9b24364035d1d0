import { expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { NEVER } from "#lib/abort.ts";
import { withProcessLock } from "#lib/process-lock.ts";
import { credentialFile, lockPath } from "#mcp/oauth/credential-file.ts";
import type { StoredLogin } from "#mcp/oauth/stored-login.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { tempHome } from "../support/temp-home.ts";

const KEY = { name: "one", url: "https://one.test/mcp" };

function login(token: string): StoredLogin {
  return {
    server_name: KEY.name,
    server_url: KEY.url,
    client_id: "c",
    access_token: token,
    expires_at: null,
    refresh_token: null,
    scopes: [],
  };
}

test("a change keeps the file, its other entries and its mode, also when it gets shorter", async () => {
  await using home = await tempHome();
  const path = join(home.codexHome, ".credentials.json");
  writeFileSync(path, JSON.stringify({ "other|1": { kept: true }, filler: "x".repeat(5000) }));
  chmodSync(path, 0o644);
  const { ino } = statSync(path);
  const store = credentialFile(home.codexHome);
  await store.write(KEY, login("first"));
  expect(await store.read(KEY)).toEqual(login("first"));
  writeFileSync(path, JSON.stringify({ "other|1": { kept: true } }));
  await store.write(KEY, login("second, and longer than the first one"));
  await store.write(KEY, login("3rd"));
  expect(await store.read(KEY)).toEqual(login("3rd"));
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ "other|1": { kept: true } });
  expect(statSync(path)).toMatchObject({ ino });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await store.remove(KEY)).toBe(true);
  expect(await store.read(KEY)).toBeUndefined();
});

test("what another process writes meanwhile is not lost", async () => {
  await using home = await tempHome();
  const path = join(home.codexHome, ".credentials.json");
  const store = credentialFile(home.codexHome);
  let written: Promise<void> | undefined;
  const other = async () => {
    written = store.write(KEY, login("new"));
    await Bun.sleep(50);
    writeFileSync(path, JSON.stringify({ "other|1": { kept: true } }));
  };
  await withProcessLock(lockPath(home.codexHome, "credentials"), other, NEVER);
  await written;
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ "other|1": { kept: true } });
  expect((await store.read(KEY))?.access_token).toBe("new");
});

test("a full disk leaves the logins as they were", async () => {
  await using home = await tempHome();
  const path = join(home.codexHome, ".credentials.json");
  const others = JSON.stringify({ "other|1": { kept: "x".repeat(400) } });
  writeFileSync(path, others);
  const script = `import { credentialFile } from "${join(import.meta.dir, "../../src/mcp/oauth/credential-file.ts")}";
    const login = ${JSON.stringify(login("t".repeat(2000)))};
    const failed = credentialFile(${JSON.stringify(home.codexHome)}).write(${JSON.stringify(KEY)}, login);
    await failed.then(() => console.log("stored"), (error) => console.log(error.message));`;
  // No file of the program may be longer than 1 KiB; the lock, an empty database, is shorter.
  const limited = `trap "" XFSZ; ulimit -f 1; exec "$0" -e "$1"`;
  const child = Bun.spawn(["/bin/bash", "-c", limited, process.execPath, script], { stdout: "pipe", stderr: "pipe" });
  const said = await child.stdout.text();
  expect(said).toBe(`Cannot write the logins of MCP servers in "${path}": File too large (os error 27)\n`);
  expect(readFileSync(path, "utf8")).toBe(others);
});

test.each([
  ["torn", '{"one|'],
  ["a list", "[]"],
])("a file that is %s is told of and left", async (_what, content) => {
  await using home = await tempHome();
  const path = join(home.codexHome, ".credentials.json");
  writeFileSync(path, content);
  const store = credentialFile(home.codexHome);
  await expect(store.read(KEY)).rejects.toThrow("it is not a JSON object. Move it away and log in again");
  await expect(store.write(KEY, login("new"))).rejects.toThrow("it is not a JSON object");
  await expect(store.remove(KEY)).rejects.toThrow("it is not a JSON object");
  expect(readFileSync(path, "utf8")).toBe(content);
});

test("a folder or a named pipe in its place is told of; a link leads to the file, which becomes private; an empty one is none", async () => {
  await using home = await tempHome();
  const path = join(home.codexHome, ".credentials.json");
  const store = credentialFile(home.codexHome);
  mkdirSync(path);
  await expect(store.read(KEY)).rejects.toThrow(`in "${path}": Is a directory (os error 21)`);
  await expect(store.write(KEY, login("new"))).rejects.toThrow("Is a directory");
  rmdirSync(path);
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  await expect(store.read(KEY)).rejects.toThrow(`in "${path}": not a regular file`);
  await expect(store.write(KEY, login("new"))).rejects.toThrow("not a regular file");
  rmSync(path);
  const target = home.write("elsewhere.json", "");
  chmodSync(target, 0o644);
  symlinkSync(target, path);
  expect(await store.read(KEY)).toBeUndefined();
  await store.write(KEY, login("new"));
  expect((await store.read(KEY))?.access_token).toBe("new");
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(statSync(target).mode & 0o777).toBe(0o600);
});

test("a sandboxed command does not get to see what is stored while it runs", async () => {
  await using home = await tempHome();
  const store = credentialFile(home.codexHome);
  await store.write(KEY, login("old-token"));
  const path = join(home.codexHome, ".credentials.json");
  const argv = ["/bin/sh", "-c", `cat ${path}; echo ready; read line; cat ${path}; echo end`];
  const context = {
    policy: { type: "read-only" },
    sessionCwd: home.cwd,
    tmpdir: undefined,
    codexHome: home.codexHome,
  } as const;
  const plan = prepareSandbox().plan({ argv, cwd: home.cwd, env: { PATH: "/usr/bin:/bin" }, tty: false }, context);
  if ("unavailable" in plan) throw new Error(plan.message);
  const child = Bun.spawn(plan.argv, {
    cwd: plan.cwd,
    env: plan.env,
    stdio: ["pipe", "pipe", "pipe", ...plan.inheritFds],
  });
  plan.release();
  const output = new Response(child.stdout as ReadableStream<Uint8Array>).text();
  try {
    // The command has its mounts once it runs; it waits for a line before it looks again.
    await Bun.sleep(300);
    await store.write(KEY, login("new-token"));
    child.stdin.write("go\n");
    child.stdin.end();
    expect(await output).toEndWith("end\n");
    expect(await output).not.toContain("token");
    expect((await store.read(KEY))?.access_token).toBe("new-token");
  } finally {
    child.kill();
    await child.exited;
    plan.finished();
  }
});
