/** For commands that write the record: nobody else does meanwhile. */
import type { AppContext } from '../app/context.ts';
import { lockState } from '../app/state.ts';
import type { StateDeclared } from '../model/index.ts';

export interface LockFlags {
  readonly 'lock-timeout': string;
  readonly 'no-lock': boolean;
}

export async function withLock<T>(
  state: StateDeclared,
  environment: string,
  flags: LockFlags,
  cx: AppContext,
  work: () => Promise<T>,
): Promise<T> {
  if (flags['no-lock']) return await work();
  await using _ = await lockState(state, { environment, timeout: flags['lock-timeout'] }, cx);
  return await work();
}
