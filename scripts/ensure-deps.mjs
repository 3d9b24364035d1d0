/**
 * Makes a clone ready to build and test, in plain Node: npm packages when node_modules does not match the lock
 * file, then the system packages the sandbox and the tests use. Does nothing, offline, when all is there.
 *
 * usage: node scripts/ensure-deps.mjs [--packages-only]     (--packages-only leaves the system alone)
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "..", "..");
const OLDEST_NODE = 18;
/** What a system package is called, the program that shows it is there, and what is poorer without it. */
const SYSTEM_PACKAGES = [
  { name: "bubblewrap", program: "bwrap", platform: "linux", loss: "commands cannot be sandboxed" },
  { name: "git", program: "git", platform: undefined, loss: "sessions carry no repository facts" },
];

function requireNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= OLDEST_NODE) return;
  console.error(`Node ${process.versions.node} is too old, ${OLDEST_NODE} or newer is needed: https://nodejs.org`);
  process.exit(1);
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * The packages of package-lock.json that node_modules/.package-lock.json (undefined when absent) does not have in
 * the same version. Optional ones may be absent: they are for other platforms. Versions are compared rather than
 * file times, which a checkout or a restored cache changes.
 */
function missingPackages(wanted, installed) {
  const present = installed?.packages ?? {};
  return Object.entries(wanted.packages ?? {}).filter(([path, entry]) => {
    if (path === "") return false;
    const found = present[path];
    if (found === undefined) return entry.optional !== true && entry.devOptional !== true;
    return found.version !== entry.version || found.integrity !== entry.integrity;
  });
}

function ensurePackages() {
  const wanted = readLock("package-lock.json");
  if (wanted === undefined) {
    console.error(`Cannot read "${join(root, "package-lock.json")}": restore it with: git checkout package-lock.json`);
    process.exit(1);
  }
  const missing = missingPackages(wanted, readLock("node_modules/.package-lock.json"));
  if (missing.length === 0) return;
  console.error(`Installing npm packages (npm ci; ${missing.length} missing or outdated, usually under 30 seconds)…`);
  const started = Date.now();
  // No dependency needs its install script: the one that would, Bun's, is run by scripts/bun.mjs.
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const args = [
    "ci",
    "--include=dev",
    "--include=optional",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
  ];
  const options = { cwd: root, stdio: ["ignore", "inherit", "inherit"], shell: process.platform === "win32" };
  const result = spawnSync(npm, args, options);
  if (result.status !== 0) {
    const reason = result.error?.message ?? `it ended with ${result.signal ?? `exit code ${result.status}`}`;
    console.error(`"npm ci" failed: ${reason}. Check the network or the registry setting and run it again.`);
    process.exit(1);
  }
  console.error(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    if (folder === "") return false;
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The commands that install, or undefined where there is no apt. */
function aptCommands(names) {
  if (!isOnPath("apt-get")) return undefined;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !isOnPath("sudo")) return undefined;
  const prefix = isRoot ? [] : ["sudo"];
  const patience = ["-o", "Acquire::http::Timeout=30", "-o", "Acquire::Retries=1"];
  return [
    [...prefix, "apt-get", ...patience, "update", "-qq"],
    [...prefix, "apt-get", ...patience, "install", "-y", "-qq", "--no-install-recommends", ...names],
  ];
}

async function mayInstall(names) {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return process.getuid?.() === 0;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Install ${names.join(" and ")} with apt-get now? [Y/n] `);
  terminal.close();
  return /^(y|yes|)$/i.test(answer.trim());
}

function installSystemPackages(commands, names) {
  console.error(`Installing ${names.join(" and ")} (apt-get, usually under a minute)…`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // An update that fails for one repository of several still lets the install find the package, so only the last counts.
  const statuses = commands.map(([program, ...args]) => {
    return spawnSync(program, args, { stdio: ["ignore", "ignore", "inherit"], env }).status;
  });
  return statuses.at(-1) === 0;
}

async function ensureSystem() {
  const here = SYSTEM_PACKAGES.filter((entry) => entry.platform === undefined || entry.platform === process.platform);
  const missing = here.filter((entry) => !isOnPath(entry.program));
  if (missing.length === 0) return;
  const names = missing.map((entry) => entry.name);
  const commands = aptCommands(names);
  if (commands !== undefined && (await mayInstall(names)) && installSystemPackages(commands, names)) return;
  for (const entry of missing) console.error(`${entry.name} is not installed: ${entry.loss}.`);
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  const apt = `${sudo}apt-get update && ${sudo}apt-get install -y ${names.join(" ")}`;
  console.error(isOnPath("apt-get") ? `To install: ${apt}` : `To install: use your system's package manager.`);
}

requireNode();
ensurePackages();
if (!process.argv.includes("--packages-only")) await ensureSystem();
