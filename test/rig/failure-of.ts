import { ProviderFailure } from '../../src/model/index.ts';

/** The failure that an attempt ended with. Throws where it succeeded, and what it threw where that is none of a provider's. */
export async function failureOf(attempt: Promise<unknown>): Promise<ProviderFailure> {
  const ended: unknown = await attempt.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (ended instanceof ProviderFailure) return ended;
  throw ended;
}
