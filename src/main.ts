import { VERSION } from "#lib/version.ts";

// `--version` costs what an empty program costs: no module is loaded for it, not even `node:fs`.
const [, , first, second] = process.argv;
if ((first === "--version" || first === "-V") && second === undefined) console.log(`codex-cli ${VERSION}`);
else await (await import("#cli/dispatch.ts")).dispatch(process.argv0, process.argv.slice(2));
