import { expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentialFile } from "#mcp/oauth/credential-file.ts";
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
