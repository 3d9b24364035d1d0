import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseCallResult } from "#tools/mcp-tool/call-server.ts";
import { mcpOutput } from "#tools/mcp-tool/output.ts";
import { httpTransport, mcpSettings, stdioTransport } from "../support/mcp-settings.ts";
import { type McpStage, mcpStage, NEVER } from "./mcp-stage.ts";

const ENTRY = fileURLToPath(import.meta.resolve("@modelcontextprotocol/server-everything/dist/index.js"));
const WAIT = 60_000;

/** What is asked of the official reference server, however it is reached. */
async function exercise(at: McpStage): Promise<void> {
  await at.settled();
  const names = [...at.servers.tools.keys()];
  expect(names).toContain("mcp__every__echo");
  expect(names).toContain("mcp__every__get-sum");
  expect(await at.text("every", "echo", { message: "hey" })).toBe("Echo: hey");
  const call = async (name: string, args: Record<string, unknown>) => {
    const request = at.servers.find("every")?.request("tools/call", { name, arguments: args }, { signal: NEVER });
    return mcpOutput(parseCallResult((await request) ?? {}), { supportsImages: true });
  };
  expect(await call("get-sum", { a: 2, b: 3 })).toContain("5");
  expect(JSON.parse(String(await call("get-structured-content", { location: "New York" })))).toHaveProperty(
    "temperature",
  );
  expect(await call("get-tiny-image", {})).toContainEqual({
    type: "input_image",
    image_url: expect.stringMatching(/^data:image\/png;base64,/),
  });
  const long = { duration: 0.2, steps: 2 };
  expect(await call("trigger-long-running-operation", long)).toContain("completed");
  const resources = await at.servers.find("every")?.request("resources/list", {}, { signal: NEVER });
  expect(resources?.resources).toBeArray();
}

test(
  "the reference server over standard streams",
  async () => {
    await using at = await mcpStage([mcpSettings("every", stdioTransport("node", [ENTRY, "stdio"]))]);
    await exercise(at);
  },
  WAIT,
);

test(
  "the reference server over streamable HTTP",
  async () => {
    const port = await freePort();
    const far = Bun.spawn(["node", ENTRY, "streamableHttp"], {
      env: { ...process.env, PORT: String(port) },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    try {
      await isListening(port);
      const url = `http://127.0.0.1:${port}/mcp`;
      await using at = await mcpStage([mcpSettings("every", httpTransport(url))]);
      await exercise(at);
    } finally {
      far.kill("SIGKILL");
      await far.exited;
    }
  },
  WAIT,
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function isListening(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answered = await fetch(`http://127.0.0.1:${port}/mcp`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await Bun.sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
}
