import { artifactImporter } from "#memories/write/artifacts/import.ts";
import { syncArtifacts } from "#memories/write/artifacts/sync.ts";
import { migrateLegacyMemory } from "#memories/write/migrate.ts";
import { runPhaseTwo } from "#memories/write/phase-two/run.ts";
import { openState } from "#state/open.ts";
import { T } from "../../state/home.ts";
import { skillWriter } from "./phase-two/consolidation.ts";

/**
 * usage: child.ts sync|import|migrate|consolidate|model CODEX_HOME STEP
 *
 * Does the work as another process would and kills itself without warning right before its STEP-th effect; ends
 * by itself when there are fewer.
 */
const [what = "", codexHome = "", step = "0"] = process.argv.slice(2);

const onStep = (now: number) => {
  if (now === Number(step)) process.kill(process.pid, "SIGKILL");
};

const importer = artifactImporter(codexHome);
const artifacts =
  what !== "import"
    ? importer
    : {
        present: () => {
          onStep(1);
          return importer.present();
        },
        read: () => {
          onStep(2);
          const rows = importer.read();
          onStep(3);
          return rows;
        },
      };

const store = await openState({ codexHome, artifacts, report: () => {} });
if (what === "import") onStep(4);
if (what === "sync") await syncArtifacts(store, { codexHome, onStep });
if (what === "migrate") await migrateLegacyMemory(store, { codexHome, onStep });
if (what === "consolidate" || what === "model") {
  const outcome = await runPhaseTwo({
    store,
    codexHome,
    worker: "child",
    consolidator: what === "model" ? skillWriter("second") : { type: "builtin" },
    maxInputs: 1024,
    signal: new AbortController().signal,
    now: () => T,
    onStep,
  });
  console.log(JSON.stringify(outcome));
}
await store.close();
