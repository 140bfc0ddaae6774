/** Signal 0 asks the kernel whether the process exists, another user's too, and sends nothing. */
export function processLives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
