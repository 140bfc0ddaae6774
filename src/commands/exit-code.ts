/** What the program says to a script. These numbers are API: they never change their meaning. */
export const exitCode = {
  /** Done, or nothing to do. */
  done: 0,
  /** An error, or the prompt was declined. */
  error: 1,
  /** Changes are pending; only with `--detailed-exitcode`. */
  changesPending: 2,
  /** The run failed and was reverted. */
  reverted: 3,
  /** The run stopped part-way and can be resumed. */
  resumable: 4,
  /** Another run holds the lock. */
  locked: 5,
  /** The saved plan no longer fits the world. */
  stalePlan: 6,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
