/**
 * Milliseconds for which this thread worked: a limit on them holds on a machine that others keep busy, where one on the
 * clock does not.
 */
export function workMsOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
