import { join } from "node:path";

/** A model server in another process (see instant-model.ts), so that what it costs is not in a figure. */
export async function startInstantModel(mode: string, argument: string): Promise<{ baseUrl: string; stop(): void }> {
  const program = [process.execPath, join(import.meta.dir, "instant-model.ts"), mode, argument];
  const child = Bun.spawn(program, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  return { baseUrl: new TextDecoder().decode(value).trim(), stop: () => child.kill() };
}
