/** What a probe is expected to meet: "denied" when its deed has no effect, "allowed" when it does what it says. */
export type Verdict = "denied" | "allowed";

export const CLASSES = [
  "writes",
  "protected names",
  "links",
  "/proc",
  "namespaces",
  "mounts",
  "sockets",
  "system calls",
  "survival",
  "terminal",
  "devices and /sys",
  "everyday",
  "proxied network",
  "loopback",
] as const;
export type ProbeClass = (typeof CLASSES)[number];

/** How the host finds out, after the command has ended, whether the deed was done. */
export type Observation =
  /** The probe's folder outside every writable root is not what it was. */
  | { at: "outside" }
  /** The probe's folder in the workspace is not what it was. */
  | { at: "inside" }
  /** In the probe's own writable root, one of these paths is not what it was. */
  | { at: "root"; has: RootContent; paths: readonly string[] }
  /** CODEX_HOME, which lies in a writable root, is not what it was. */
  | { at: "codex-home" }
  /** This path of the host exists now; `ID` in it is replaced by something unique. It is removed. */
  | { at: "path"; path: string }
  /** A listener of the host received the probe's id. */
  | { at: "listener" }
  /** A process with the probe's marker is alive. */
  | { at: "process" }
  /** The secret of CODEX_HOME, or of a process outside, stands in what the command wrote. */
  | { at: "secret" }
  /** The process of the host the probe aimed at has ended or stands still. */
  | { at: "victim" }
  /** The bridge to the network proxy has ended or stands still. */
  | { at: "bridge" }
  /** Nothing outside can tell: the command's exit code, 0 when the kernel let it. */
  | { at: "exit" };

/** What a probe's own writable root holds at the start. */
export type RootContent = "repository" | "git-file" | "settings" | "nothing";

/** One attempt. Commands are for /bin/sh, in the probe's folder in the workspace; for variables see `run.ts`. */
export interface Probe {
  id: string;
  class: ProbeClass;
  command: string;
  readOnly: Verdict;
  workspaceWrite: Verdict;
  observe: Observation;
  /** A program of the machine without which it is skipped, or the processor it is made for. */
  needs?: string;
  /** Never to be run without a sandbox. */
  harmful?: true;
  /** Also without a sandbox it has no effect here or for some user: privileges, kernel configuration, file systems. */
  privileged?: true;
}

type Details = Partial<Pick<Probe, "needs" | "harmful" | "privileged">> & { observe?: Observation };

/** Makes the probes of one class; what is observed by default is said once. */
export function probesOf(name: ProbeClass, usual: Observation) {
  const make =
    (readOnly: Verdict, workspaceWrite: Verdict) =>
    (id: string, command: string, details: Details = {}) => {
      const probe: Probe = { id, class: name, command, readOnly, workspaceWrite, observe: usual };
      return { ...probe, ...details };
    };
  return {
    denied: make("denied", "denied"),
    workspaceOnly: make("denied", "allowed"),
    allowed: make("allowed", "allowed"),
  };
}

/**
 * A system call of x64 made by perl; arguments are numbers or perl expressions, copied because perl hands
 * only writable strings to the kernel. Exit code 1 when it is refused (EPERM, EACCES,
 * EROFS) or pretended missing (ENOSYS), 0 when it got further.
 */
export function systemCall(number: number | string, ...args: readonly (number | string)[]): string {
  const list = [number, ...args].join(", ");
  return `perl -e 'my @call = (${list}); exit(syscall($call[0], @call[1 .. $#call]) == -1 && ($! == 1 || $! == 13 || $! == 30 || $! == 38) ? 1 : 0)'`;
}

export const BY_PERL = { needs: "x64-perl" } as const;
