import { readdirSync, readFileSync } from "node:fs";

/** Sends a signal to every process of a group; false when there is none left (or none we may signal). */
export function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch {
    // ESRCH: nothing is left. EPERM: a program that changed its user; nothing we can do about it.
    return false;
  }
}

/**
 * Kills every process of the session that `leader` began, also those that left its process group (job
 * control, `timeout`). Walks /proc, so it is for ending a command, not for every exit. Without /proc only
 * the group is signalled.
 */
export function killSession(leader: number): void {
  signalGroup(leader, "SIGKILL");
  killSessions(new Set([leader]));
}

/** Kills what is left of sessions whose leaders have ended, in one walk. */
export function killSessions(leaders: ReadonlySet<number>): void {
  for (const pid of processIds()) {
    if (pid !== process.pid && leaders.has(sessionOf(pid) ?? 0)) killProcess(pid);
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Ended by itself between the walk and now.
  }
}

function processIds(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** The session id in /proc/PID/stat: the fourth field after the command name, which may hold any character. */
function sessionOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[3]);
  } catch {
    return undefined;
  }
}
