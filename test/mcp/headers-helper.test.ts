import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { headersFromHelper } from "#mcp/headers-helper.ts";
import { startHttpMcpServer } from "../support/mcp-server-http.ts";
import { mcpSettings } from "../support/mcp-settings.ts";
import { tempHome } from "../support/temp-home.ts";
import { mcpStage } from "./mcp-stage.ts";

const WAIT = 30_000;

test(
  "what the command prints is in every request, and wins",
  async () => {
    await using far = await startHttpMcpServer();
    await using home = await tempHome();
    const count = join(home.root, "count");
    const transport = {
      type: "http" as const,
      url: far.url,
      bearerTokenEnvVar: undefined,
      httpHeaders: { "x-a": "configured", "X-B": "kept" },
      envHttpHeaders: {},
      httpHeadersHelper: `echo run >> ${count}; printf '{"X-A":"printed","Authorization":"Bearer %s"}' "$HOME"`,
    };
    await using at = await mcpStage([mcpSettings("web", transport)]);
    await at.settled();
    expect(await at.text("web", "echo")).toBe("over HTTP");
    for (const { headers } of far.requests) {
      expect(headers).toMatchObject({
        "x-a": "printed",
        "x-b": "kept",
        authorization: `Bearer ${process.env.HOME}`,
        "user-agent": expect.stringMatching(/^codex-mcp-client\//),
      });
    }
    expect(readFileSync(count, "utf8")).toBe("run\n");
  },
  WAIT,
);

test("it runs in the session's folder with the environment of a server", async () => {
  await using home = await tempHome();
  const command = `printf '{"cwd":"%s","secret":"%s","stdin":"%s"}' "$(pwd)" "$SECRET" "$(cat)"`;
  expect(await headersFromHelper(command, { cwd: home.cwd, env: { PATH: process.env.PATH ?? "" } })).toEqual({
    cwd: home.cwd,
    secret: "",
    stdin: "",
  });
});

test.each([
  ["exit 3", "ended with exit code 3"],
  ["echo secret", "printed something else than a JSON object of header names and texts"],
  [`echo '{"a":1}'`, "printed something else than a JSON object of header names and texts"],
  [`printf '{"a b":"secret"}'`, "printed a header that HTTP does not allow"],
  ["yes", "printed more than 65536 bytes"],
])("%s is a failure that shows nothing of it", async (command, words) => {
  await using home = await tempHome();
  const failed = headersFromHelper(command, { cwd: home.cwd, env: { PATH: process.env.PATH ?? "" } });
  const message = await failed.then(
    () => "",
    (error: Error) => error.message,
  );
  expect(message).toBe(`the command of http_headers_helper ${words}`);
});
