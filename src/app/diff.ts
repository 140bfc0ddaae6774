/** Two recorded deployments side by side. */
import type { Deployment, Diagnostic, Drift, Run } from '../model/index.ts';
import { compareDeployments, type Deployed } from '../planner/compare-deployments.ts';
import { declaredUnitText } from '../providers/host/unit-text.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import { AppFailure } from './failure.ts';
import { stateOf } from './load.ts';
import { standingAt } from './standing.ts';
import { openForReading } from './state.ts';

export interface DeploymentDiff {
  readonly environment: string;
  readonly from: Deployment;
  readonly to: Deployment;
  readonly differences: readonly Drift[];
}

/** Throws an `AppFailure` where a number is not that of a deployment. */
export async function diffDeployments(
  ask: ConfigurationAsk,
  [from, to]: readonly [number, number],
  cx: AppContext,
): Promise<DeploymentDiff> {
  const { environment, state } = await stateOf(ask, cx);
  await using store = await openForReading(state);
  const [runs, { deployments }] = await Promise.all([store.runs(), store.read()]);
  const find = (number: number): Deployment | Diagnostic =>
    deployments.find((each) => each.number === number) ?? noSuchDeployment(number, runs, deployments);
  const found = [find(from), find(to)] as const;
  const wrong = found.flatMap((each) => ('code' in each ? [each] : []));
  const [left, right] = found;
  if ('code' in left || 'code' in right) throw new AppFailure(wrong);
  const deployed = async (deployment: Deployment): Promise<Deployed> => ({
    declared: deployment.declared,
    standing: await standingAt(deployment, store),
    deployments: deployments.filter(({ number }) => number <= deployment.number),
  });
  const differences = compareDeployments(await deployed(left), await deployed(right), declaredUnitText);
  return { environment: environment.name, from: left, to: right, differences };
}

function noSuchDeployment(
  number: number,
  runs: readonly Run[],
  deployments: readonly Deployment[],
): Diagnostic {
  const run = runs.find((each) => each.run === number);
  const near = deployments
    .map((each) => each.number)
    .toSorted((a, b) => Math.abs(a - number) - Math.abs(b - number) || b - a)
    .slice(0, 3)
    .toSorted((a, b) => a - b);
  return {
    code: 'no-such-deployment',
    severity: 'error',
    summary: 'There is no such deployment',
    detail: run === undefined ? `Run ${number} is not recorded.` : whyNone(run),
    hint:
      near.length === 0
        ? `Nothing was deployed yet. To deploy:  deployctl apply ENV`
        : `${near.length === 1 ? 'There is' : 'The nearest are'} ${near.join(', ')}. See all:  deployctl history ENV`,
  };
}

const whyNone = ({ run, outcome }: Run): string => {
  switch (outcome) {
    case 'reverted':
      return `Run ${run} failed and was reverted: nothing of it stayed.`;
    case 'abandoned':
      return `Run ${run} was given up.`;
    default:
      return `Run ${run} has not ended.`;
  }
};
