import { userInfo } from 'node:os';
import type { AppContext } from './context.ts';

/** The account that runs deployctl. In a container its number may stand in no passwd file; then USER says it, if anybody. */
export function operatorName(environment: AppContext['environment']): string {
  try {
    return userInfo().username;
  } catch {
    return environment['USER'] ?? 'unknown';
  }
}
