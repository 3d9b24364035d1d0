import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The low bits of an `open` mode: O_RDONLY is 0. */
const ACCESS_MODE = 3;

/**
 * Whether a process that is neither this one nor one of its ancestors holds the write end of standard
 * input: then we are the reader of a pipeline. A pipe whose only writers are our ancestors is one that a
 * parent made and forgot. False where /proc cannot tell (sockets, other systems, other users' processes).
 */
export function hasForeignWriter(): boolean {
  const pipe = linkOf("/proc/self/fd/0");
  if (pipe === undefined || !pipe.startsWith("pipe:")) return false;
  const own = ownLine();
  return numbersIn("/proc").some((pid) => !own.has(pid) && holdsWriteEnd(pid, pipe));
}

function holdsWriteEnd(pid: number, pipe: string): boolean {
  return numbersIn(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === pipe && isWritable(pid, fd));
}

function isWritable(pid: number, fd: number): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(textOf(`/proc/${pid}/fdinfo/${fd}`))?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) !== 0;
}

/** This process and its ancestors. */
function ownLine(): Set<number> {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 0 && !line.has(pid); ) {
    line.add(pid);
    const stat = textOf(`/proc/${pid}/stat`);
    // The command name is in parentheses and may hold anything; state and parent follow it.
    pid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  }
  return line;
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
