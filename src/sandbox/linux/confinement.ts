import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { assertNever, CodexError } from "#lib/errors.ts";
import { deniedByPolicy } from "../deny-read.ts";
import { networkAccess } from "../network-access.ts";
import { hiddenSockets } from "../own-sockets.ts";
import { CREDENTIALS, type ProtectedPath, protectedPaths } from "../protected.ts";
import { canonical, existingRoots, isWithin } from "../roots.ts";
import type { SandboxContext } from "../sandbox.ts";
import { type Mount, orderMounts } from "./mounts.ts";
import { Placeholders, placeholderRegistry } from "./placeholders.ts";

/** What one command is confined to. */
export interface Confinement {
  mounts: Mount[];
  /** Gives the placeholders up; to be called once the command has ended. */
  release(): void;
}

/** What there is to know about a command besides its context. All paths absolute. */
export interface ConfineOptions {
  cwd: string;
  own: readonly string[];
  hidden: readonly string[];
}

/** Finds out what to mount for each command, and keeps the names that must stay absent. */
export class Confiner {
  #placeholders: Placeholders | undefined;
  #registry = "";

  /**
   * Looks at the disk as it is now. `own` are files of the sandbox itself, `hidden` folders
   * nobody inside may look into. Throws a `CodexError` when
   * something that must be protected cannot be, with nothing left held.
   */
  confine(context: SandboxContext, options: ConfineOptions): Confinement {
    const codexHome = canonical(context.codexHome);
    const placeholders = this.#openRegistry(codexHome);
    const roots = existingRoots(context, codexHome);
    const own = [...options.own.map(canonical), this.#registry];
    const exposed = own.filter((path) => roots.some((root) => isWithin(path, root)) && existsSync(path));
    using held = new DisposableStack();
    const kept = roots
      .flatMap((root) => protectedPaths(root, codexHome))
      .filter((entry) => needsMount(entry, placeholders, held));
    const readOnly = [...exposed, ...kept.map((entry) => entry.path), ...cwdInSharedMemory(options.cwd)];
    const mounts = orderMounts([
      ...roots.map((path): Mount => ({ kind: "writable", path })),
      ...readOnly.filter((path) => !roots.includes(path)).map((path): Mount => ({ kind: "read-only", path })),
      ...deniedByPolicy(context.policy, canonical(context.sessionCwd)).map(
        ({ path, kind }): Mount => ({ kind: `hidden-${kind}`, path }),
      ),
      ...credentialFiles(codexHome).map((path): Mount => ({ kind: "hidden-file", path })),
      ...hiddenSockets(codexHome, networkAccess(context)),
      ...options.hidden.map(canonical).map((path): Mount => ({ kind: "hidden-directory", path })),
    ]);
    const release = held.move();
    return { mounts, release: () => release.dispose() };
  }

  #openRegistry(codexHome: string): Placeholders {
    if (this.#placeholders === undefined) {
      this.#registry = placeholderRegistry(codexHome, process.getuid?.() ?? 0);
      this.#placeholders = new Placeholders(this.#registry);
    }
    return this.#placeholders;
  }
}

/** Shared memory is a fresh file system inside: a working folder there has to be brought in. */
function cwdInSharedMemory(cwd: string): string[] {
  return isWithin(cwd, "/dev/shm") && existsSync(cwd) ? [realpathSync(cwd)] : [];
}

/** Whether the path is there to be mounted read-only; a name that must stay absent is given a placeholder first. */
function needsMount(entry: ProtectedPath, placeholders: Placeholders, held: DisposableStack): boolean {
  switch (entry.state) {
    case "file":
      return true;
    case "directory":
      if (placeholders.isPlaceholder(entry.path)) return hold(entry.path, placeholders, held);
      // It was one of a killed session, and went with the first name that was held.
      if (!existsSync(entry.path)) return needsMount({ ...entry, state: "absent" }, placeholders, held);
      return true;
    case "absent":
      return !entry.mayBeCreated && hold(entry.path, placeholders, held);
    case "symlink":
      throw new CodexError(
        "sandbox_symlink",
        `"${entry.path}" is a symbolic link, and a command could put something of its own in its place. Replace the link by a real file or folder, or work in another folder`,
      );
    default:
      return assertNever(entry.state);
  }
}

function hold(path: string, placeholders: Placeholders, held: DisposableStack): boolean {
  const outcome = placeholders.hold(path);
  if (outcome === "held") held.defer(() => placeholders.drop(path));
  if (outcome === "taken") {
    throw new CodexError("sandbox_race", `"${path}" appeared while the command was being prepared. Run it again`);
  }
  return outcome === "held";
}

function credentialFiles(codexHome: string): string[] {
  return CREDENTIALS.map((name) => join(codexHome, name))
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path));
}
