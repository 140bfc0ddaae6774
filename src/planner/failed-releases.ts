/** Releases that were tried here and did not stay: planning one again should not look like the first time. */
import {
  type Address,
  type Diagnostic,
  type Instant,
  operationClass,
  type RunNumber,
  releaseDirectory,
  type ServiceDeclared,
  type Step,
} from '../model/index.ts';
import { utcText } from './utc-text.ts';

export interface FailedRelease {
  readonly service: Address;
  /** The folder of the release: version and content. */
  readonly directory: string;
  readonly run: RunNumber;
  readonly at: Instant;
  readonly who: string;
  readonly outcome: 'reverted' | 'stopped' | 'abandoned';
  /** One sentence. */
  readonly why: string;
}

/** One warning for each service that the steps would give such a release. */
export function warnOfFailed(
  services: readonly ServiceDeclared[],
  steps: readonly Step[],
  failed: readonly FailedRelease[],
): readonly Diagnostic[] {
  return services.flatMap((service): readonly Diagnostic[] => {
    const directory = releaseDirectory(service.release);
    // Also one that is still installed, and would only get its traffic again.
    const isTriedAgain = steps.some(
      (step) => step.service === service.address && operationClass[step.operation.op] === 'move',
    );
    const last = failed.findLast((each) => each.service === service.address && each.directory === directory);
    if (!isTriedAgain || last === undefined) return [];
    return [
      {
        code: 'release-failed-before',
        severity: 'warning',
        summary: 'This release failed here before',
        detail: `${service.name} ${service.release.version} was ${last.outcome === 'reverted' ? 'taken back' : 'left part-way'} by run ${last.run} (${utcText(last.at)}, ${last.who}): ${last.why}`,
        hint: `How that run went:  deployctl show ENV ${last.run}`,
        address: service.address,
        subject: service.release.origin,
      },
    ];
  });
}
