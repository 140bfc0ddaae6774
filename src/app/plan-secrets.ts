/** The secrets of a plan, read before it begins: found missing in the middle, one would stop the way back as well. */
import {
  currentSecret,
  type Diagnostic,
  type EnvironmentValue,
  type Operation,
  type Plan,
  ProviderFailure,
} from '../model/index.ts';
import { AppFailure } from './failure.ts';

/**
 * Names of all secrets that a step or its inverse hands to a process or a hook, or signs with, and of those that tell
 * how a run ended; each once.
 */
const secretsOf = (plan: Plan): readonly string[] => [
  ...new Set([
    ...plan.steps.flatMap(({ operation, inverse }) => [
      ...namesIn(operation, plan),
      ...(inverse.kind === 'operation' ? namesIn(inverse.operation, plan) : []),
    ]),
    // Hooks of the run have no step: whoever is to be told of a failure would not be.
    ...plan.declared.hooks
      .filter(({ point }) => point === 'on_failure' || point === 'on_revert')
      .flatMap(({ environment }) => secretsIn(environment)),
  ]),
];

/** Throws an `AppFailure` that names every secret which cannot be read. Nothing was touched. */
export async function readSecretsOf(plan: Plan, resolve: (name: string) => Promise<string>): Promise<void> {
  const failures = await Promise.all(
    secretsOf(plan).map(async (name): Promise<readonly Diagnostic[]> => {
      try {
        await resolve(name);
        return [];
      } catch (error) {
        if (error instanceof ProviderFailure) return [error.diagnostic];
        throw error;
      }
    }),
  );
  if (failures.flat().length > 0) throw new AppFailure(failures.flat());
}

function namesIn(operation: Operation, plan: Plan): readonly string[] {
  switch (operation.op) {
    case 'process.set':
      return secretsIn(operation.to?.process.environment ?? {});
    case 'bake':
      return (operation.judged?.analysis ?? []).flatMap((analysis) => [
        ...('headers' in analysis ? secretsIn(analysis.headers) : []),
        ...('environment' in analysis ? secretsIn(analysis.environment) : []),
      ]);
    case 'hook.run':
      return secretsIn(operation.environment);
    case 'record.set': {
      const zone = plan.declared.zones.find((each) => each.address === operation.zone);
      return zone?.tsig === undefined ? [] : [zone.tsig.secret];
    }
    default:
      return [];
  }
}

const secretsIn = (environment: Readonly<Record<string, EnvironmentValue>>): readonly string[] =>
  Object.values(environment).flatMap((value) =>
    typeof value === 'string' ? [] : [currentSecret(value.secret)],
  );
