/** How a provider of a load balancer fails: always with a stable code, and with whether the world may have changed. */
import { type Address, type Diagnostic, ProviderFailure } from '../../model/index.ts';

export interface Complaint {
  readonly code: string;
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string;
  readonly address?: Address;
}

export const asDiagnostic = (
  complaint: Complaint,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic => ({
  severity,
  ...complaint,
});

/** Nothing was changed. */
export const refusal = (complaint: Complaint, cause?: unknown): ProviderFailure =>
  new ProviderFailure(asDiagnostic(complaint), 'none', cause);

/** Something may have been changed: the engine looks again before it believes anything. */
export const mishap = (complaint: Complaint, cause?: unknown): ProviderFailure =>
  new ProviderFailure(asDiagnostic(complaint), 'maybe', cause);

/** The same failure, where something was changed before it: the call that failed may have had no effect itself. */
export const afterChange = (error: unknown): unknown =>
  error instanceof ProviderFailure && error.effect === 'none'
    ? new ProviderFailure(error.diagnostic, 'maybe', error)
    : error;

/** Runs a part in which the world is being changed: whatever fails in it may have had an effect. */
export async function whileChanging<T>(part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    throw afterChange(error);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The step was told to stop. Nothing is changed by noticing it. */
export function stopIfAborted(signal: AbortSignal, doing: string): void {
  if (!signal.aborted) return;
  throw refusal({
    code: 'interrupted',
    summary: 'The step was interrupted',
    detail: `deployctl was told to stop while it was ${doing}.`,
    hint: 'Go on with:  deployctl apply ENV --resume',
  });
}
