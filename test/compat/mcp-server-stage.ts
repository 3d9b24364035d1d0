import { McpClient } from "../support/mcp-client.ts";
import type { Scene, Stage, World } from "./stage.ts";

/** A server in a world of its own, with its client after the hello. */
export interface Connected extends AsyncDisposable {
  world: World;
  client: McpClient;
}

/** Starts `codex mcp-server` in the scene's world. Use with `await using`. */
export async function connect(
  stage: Stage,
  scene: Scene = {},
  options: { args?: readonly string[]; capabilities?: Record<string, unknown>; hello?: boolean } = {},
): Promise<Connected> {
  const world = await stage.world(scene);
  const client = new McpClient({
    cwd: world.cwd,
    env: { HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "sk-mock" },
    args: options.args ?? [],
  });
  if (options.hello !== false) await client.initialize(options.capabilities);
  return { world, client, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}
