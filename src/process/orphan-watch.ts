import { messageOf } from "#lib/errors.ts";
import { log } from "#telemetry/log.ts";

/**
 * Reads `+ GROUP` and `- GROUP` lines. The end of its input means that the process that started it is gone,
 * however it went: whatever groups are left are ended, first kindly.
 */
const SCRIPT = `groups=" "
while read -r change id; do
  case $change in
    +) groups="$groups$id " ;;
    -) groups="\${groups%% $id *} \${groups#* $id }" ;;
  esac
done
for id in $groups; do kill -TERM "-$id"; done
[ -n "\${groups## }" ] && sleep 1
for id in $groups; do kill -KILL "-$id"; done`;

/** A shell with nothing to watch ends after this, in milliseconds: the next one costs about one. */
const IDLE_MS = 10_000;

/**
 * Ends programs that outlive this process, also after a SIGKILL, which no handler of ours can see: one small
 * shell for all of them, which notices because its standard input ends.
 */
export class OrphanWatch {
  #shell: Bun.Subprocess<"pipe", "ignore", "ignore"> | undefined;
  readonly #groups = new Set<number>();
  readonly #idleMs: number;
  #idle: Timer | undefined;

  constructor(options: { idleMs: number } = { idleMs: IDLE_MS }) {
    this.#idleMs = options.idleMs;
  }

  /** Starts the shell before there is a group, so that it is told of the group right after that has started. */
  begin(): void {
    this.#shell ??= startShell();
    if (this.#groups.size === 0) this.#endWhenIdle();
  }

  /** `group` is the id of a process group; the first one starts the shell. */
  add(group: number): void {
    clearTimeout(this.#idle);
    this.#groups.add(group);
    this.#shell ??= startShell();
    this.#tell(`+ ${group}\n`);
  }

  remove(group: number): void {
    this.#tell(`- ${group}\n`);
    this.#groups.delete(group);
    if (this.#groups.size === 0) this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), this.#idleMs);
    this.#idle.unref();
  }

  /** Ends the shell, and with it every group not removed. */
  close(): void {
    clearTimeout(this.#idle);
    this.#groups.clear();
    Promise.resolve(this.#shell?.stdin.end()).catch(() => {});
    this.#shell = undefined;
  }

  #tell(line: string): void {
    if (this.#shell === undefined) return;
    try {
      this.#shell.stdin.write(line);
      Promise.resolve(this.#shell.stdin.flush()).catch(() => {});
    } catch (error) {
      log("process", "warn", "the watch over orphans is gone", { error: messageOf(error) });
    }
  }
}

/** Undefined on systems without a POSIX shell: there a SIGKILL leaves programs to notice by themselves. */
function startShell(): Bun.Subprocess<"pipe", "ignore", "ignore"> | undefined {
  try {
    const shell = Bun.spawn(["/bin/sh", "-c", SCRIPT], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
      env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
      cwd: "/",
      detached: true,
    });
    shell.unref();
    return shell;
  } catch (error) {
    log("process", "warn", "no watch over orphans", { error: messageOf(error) });
    return undefined;
  }
}
