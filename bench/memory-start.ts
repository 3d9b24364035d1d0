import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText } from "../test/support/model-script.ts";
import { startModelServer } from "../test/support/model-server.ts";
import { interleave, type Row, type Run, run, temporaryFolder } from "./measure.ts";

const CODEX = join(import.meta.dir, "..", "dist", "codex");
/** A well filled MEMORY.md: 40 projects, 800 entries, some 90 KB. */
const PROJECTS = 40;
const ENTRIES = 20;

/** From the start of the process to the model's first request: with memories against without. */
export async function memoryStartRow(rounds: number): Promise<Row> {
  const folder = temporaryFolder("memory-start");
  const server = await startModelServer({ responses: () => answer(assistantText("hello")), checkRequests: false });
  try {
    const workspace = join(folder.path, "workspace");
    const codexHome = join(folder.path, "home", ".codex");
    mkdirSync(workspace, { recursive: true });
    mkdirSync(join(codexHome, "memories"), { recursive: true });
    writeFileSync(join(codexHome, "memories", "MEMORY.md"), memory(workspace));
    writeFileSync(
      join(codexHome, "config.toml"),
      `model_provider = "bench"\n[model_providers.bench]\nname = "bench"\nbase_url = "${server.baseUrl}"\n`,
    );
    const env = { PATH: "/usr/bin:/bin", HOME: join(folder.path, "home"), SHELL: "/bin/bash", TERM: "dumb" };
    const until = async (...options: string[]): Promise<Run> => {
      const started = performance.now();
      const ran = await run([CODEX, "exec", "--skip-git-repo-check", ...options, "hi"], { env, cwd: workspace });
      return { ...ran, wallMs: (server.requests.at(-1)?.atMs ?? Number.NaN) - started };
    };
    const figures = await interleave(
      { on: () => until(), off: () => until("-c", "memories.use_memories=false") },
      rounds,
    );
    const added = figures.on.wallMs - figures.off.wallMs;
    return {
      what: "first request of `exec` with a 90 KB MEMORY.md, against without memories",
      measured: `${figures.on.wallMs.toFixed(0)} ms, ${added.toFixed(1)} ms more`,
      target: "≤ 5 ms more",
      reached: added <= 5,
    };
  } finally {
    await server.close();
    folder.remove();
  }
}

function memory(workspace: string): string {
  const id = (n: number) => `019a0000-0000-7000-8000-${String(n).padStart(12, "0")}`;
  const entry = (n: number) => `- \`npm test -- --only ${n}\` (test) worked in \`/home/me/project\` [${id(n)}:${n}]\n`;
  const entries = Array.from({ length: ENTRIES }, (_, n) => entry(n)).join("");
  const names = [workspace, ...Array.from({ length: PROJECTS - 1 }, (_, n) => `/home/me/project-${n}`)];
  const projects = names.map((name) => `\n## Project: ${name}\n\n${entries}`).join("");
  return `# Memory\n\n## Summary\n\n${entries}\n## Preferences\n\n${entries}${projects}`;
}
