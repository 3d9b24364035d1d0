import { expect } from "bun:test";
import { requirement } from "./cite.ts";
import { type Scene, useStage } from "./stage.ts";

const stage = useStage();
const openai: Scene = { configToml: 'model = "gpt-5.2-codex"\n' };

/** Plays with the default provider, pointed at the test's server, and answers the headers of the request. */
async function headersWith(
  variables: Record<string, string>,
  homeFiles: Record<string, string> = {},
): Promise<Record<string, string> | undefined> {
  const world = await stage.world({ ...openai, homeFiles });
  const env = { MOCK_KEY: undefined, OPENAI_BASE_URL: world.server.baseUrl, ...variables };
  const run = await world.run({ env });
  if (world.server.requests.length === 0) throw new Error(`no request; stdout: ${run.stdout}; stderr: ${run.stderr}`);
  return world.server.requests.find(({ method }) => method === "POST")?.headers;
}

requirement(["exec.auth.base-url-env", "exec.auth.codex-api-key"], "OPENAI_BASE_URL and CODEX_API_KEY", async () => {
  expect((await headersWith({ CODEX_API_KEY: "sk-codex" }))?.authorization).toBe("Bearer sk-codex");
});

requirement(["exec.auth.auth-json"], "auth.json", async () => {
  const homeFiles = { "auth.json": JSON.stringify({ OPENAI_API_KEY: "sk-from-file" }) };
  expect((await headersWith({}, homeFiles))?.authorization).toBe("Bearer sk-from-file");
});

requirement(["exec.auth.openai-api-key-env"], "OPENAI_API_KEY alone", async () => {
  const found = await headersWith({ OPENAI_API_KEY: "sk-env" });
  expect(found).toBeDefined();
  expect(found).not.toHaveProperty("authorization");
});

requirement(
  ["exec.auth.base-url-config"],
  "openai_base_url",
  async () => {
    const world = await stage.world(openai);
    const args = ["--config", `openai_base_url="${world.server.baseUrl}"`];
    // The variable leads to a closed port: only the key of the configuration can lead to the server.
    const env = { CODEX_API_KEY: "sk-codex", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
    const run = await world.run({ args, env });
    expect(run.code).toBe(0);
    expect(world.server.requests).toHaveLength(1);
  },
  { differs: "the release does not know the key" },
);
