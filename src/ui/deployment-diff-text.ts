/** What differs between two deployments: for people, and as one document. */
import type { Action, Deployment, Drift, Instant } from '../model/index.ts';
import { differenceBlocks } from './changes-text.ts';
import { releasesText } from './deployment-text.ts';
import { deploymentJson } from './history-text.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { printable } from './printable.ts';
import { agoText, counted } from './time-text.ts';

export interface DiffTextOptions {
  readonly color: boolean;
  readonly width: number;
  readonly now: Instant;
}

const verbs: Readonly<Record<Action, string>> = {
  create: 'was added',
  update: 'was changed',
  replace: 'was changed',
  remove: 'was removed',
};

/** Ends without a line end. */
export function renderDeploymentDiff(
  {
    from,
    to,
    differences,
  }: { readonly from: Deployment; readonly to: Deployment; readonly differences: readonly Drift[] },
  { color, width, now }: DiffTextOptions,
): string {
  const paint = paintOf(color);
  const heads = [head('-', from, now, paint), head('+', to, now, paint)];
  if (differences.length === 0) {
    return [...heads, '', `${paint.bold('No differences.')} Both declare the same.`].join('\n');
  }
  const { create: added, update: changed, remove: removed } = countsOf(differences);
  return [
    ...heads,
    '',
    ...differenceBlocks(printable(differences, { newlines: true }), verbs, paint, width),
    '',
    `${counted(differences.length, 'difference')}: ${added} added, ${changed} changed, ${removed} removed.`,
  ].join('\n');
}

const head = (mark: '-' | '+', deployment: Deployment, now: Instant, paint: Paint): string => {
  const { number, declared, actor, at } = deployment;
  const text = `deployment ${number}: ${releasesText(declared)}, by ${actor.who}, ${agoText(at, now)}`;
  return `${paint.symbol(mark)} ${printable(text)}`;
};

const countsOf = (differences: readonly Drift[]) => {
  const added = differences.filter(({ before }) => before === null).length;
  const removed = differences.filter(({ after }) => after === null).length;
  return { create: added, update: differences.length - added - removed, remove: removed };
};

/** `diff --json`. */
export const deploymentDiffJson = (
  environment: string,
  from: Deployment,
  to: Deployment,
  differences: readonly Drift[],
) => ({
  format_version: '1.0',
  environment,
  from: deploymentJson(from),
  to: deploymentJson(to),
  changes: differences.map(({ address, before, after }) => ({
    address,
    action: before === null ? 'create' : after === null ? 'remove' : 'update',
    before,
    after,
  })),
  summary: countsOf(differences),
});
