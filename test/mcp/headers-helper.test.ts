import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { headersFromHelper } from "#mcp/headers-helper.ts";
import { OrphanWatch } from "#process/orphan-watch.ts";
import { startHttpMcpServer } from "../support/mcp-server-http.ts";
import { mcpSettings } from "../support/mcp-settings.ts";
import { isGone, pidIn } from "../support/processes.ts";
import { tempHome } from "../support/temp-home.ts";
import { mcpStage } from "./mcp-stage.ts";

const WAIT = 30_000;

/** In an environment with nothing but a PATH. */
function printed(command: string, cwd: string): Promise<Record<string, string>> {
  return headersFromHelper(command, { cwd, env: { PATH: process.env.PATH ?? "" }, watch: new OrphanWatch() });
}

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
  expect(await printed(command, home.cwd)).toEqual({
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
  const failed = printed(command, home.cwd);
  const message = await failed.then(
    () => "",
    (error: Error) => error.message,
  );
  expect(message).toBe(`the command of http_headers_helper ${words}`);
});

/** Runs a command that tells its process id in a file and then waits. */
const HOLDER = `
  import { headersFromHelper } from "#mcp/headers-helper.ts";
  import { OrphanWatch } from "#process/orphan-watch.ts";
  const [file] = process.argv.slice(1);
  const command = "trap '' TERM; echo $$ > " + file + "; sleep 60; true";
  await headersFromHelper(command, { cwd: "/", env: { PATH: process.env.PATH }, watch: new OrphanWatch() });
`;

test(
  "it does not outlive a process that is killed",
  async () => {
    await using home = await tempHome();
    const file = join(home.root, "pid");
    const holder = Bun.spawn([process.execPath, "-e", HOLDER, file], { cwd: import.meta.dir });
    const pid = await pidIn(file);
    holder.kill("SIGKILL");
    await holder.exited;
    expect(await isGone(pid)).toBe(true);
  },
  WAIT,
);
