/**
 * Milliseconds of processor time that `work` takes in this process, waiting and other processes not counted: what
 * a limit against a change of kind (everything read twice, a square) is held against, however loaded the machine is.
 */
export async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
