/** What the stages of a rollout rest on: its checks, its analyses, and what happens when one of them fails. */
import type { AnalysisDeclared, HealthDeclared, ServiceDeclared } from '../model/index.ts';
import type { Ladder } from './ladder.ts';
import { hang } from './layout.ts';
import type { Paint } from './paint.ts';
import { printable } from './printable.ts';
import { counted, durationText } from './time-text.ts';

/** Of one ladder, for the lines below it. No line is wider than `width`. */
export function groundLines(ladder: Ladder, paint: Paint, width: number): readonly string[] {
  const { service, kind, rungs } = ladder;
  const health = service.slots.flatMap(({ instances }) => instances.map((each) => each.health))[0];
  const judged = service.strategy.kind === 'canary' ? service.strategy.analysis : [];
  const facts: readonly (readonly [string, string])[] = [
    ...(health === undefined ? [] : [['Checks', printable(checksText(health, ladder))] as const]),
    ...(rungs.some(({ analysis }) => analysis.length > 0) || judged.some(({ dryRun }) => dryRun)
      ? judged.map((each) => ['Analysis', printable(analysisText(each))] as const)
      : []),
    ...(kind === 'rolling' ? mayFailText(service) : []),
    ['Failure', failureText(ladder)],
  ];
  return facts.flatMap(([name, text]) =>
    hang(`  ${name.padEnd(11)}`, text, width).map((row, at) =>
      at === 0 ? `  ${paint.bold(name)}${row.slice(2 + name.length)}` : row,
    ),
  );
}

/** The check as people know it: `GET :8082/health`. */
function checkName(health: HealthDeclared): string {
  switch (health.kind) {
    case 'http':
      return `GET ${health.path}`;
    case 'tcp':
      return 'a TCP connect';
    case 'command':
      return health.argv.join(' ');
  }
}

function checksText(health: HealthDeclared, { kind, rungs }: Ladder): string {
  const { passes, intervalMs, deadlineMs } = health;
  const first = `${checkName(health)} ${counted(passes, 'time')} in a row, within ${durationText(deadlineMs / 1000)}, before a host gets requests`;
  if (!rungs.some(({ isChecked }) => isChecked)) return first;
  const later =
    `then every ${durationText(intervalMs / 1000)}${kind === 'rolling' ? ' in each pause' : ''}, ` +
    `where ${counted(passes, 'failure')} in a row ${passes === 1 ? 'is' : 'are'} one too many`;
  return `${first}; ${later}`;
}

/** One analysis with everything that it decides by. */
function analysisText(analysis: AnalysisDeclared): string {
  const { name, intervalMs, failures, dryRun, deadlineMs, inconclusive, confidence } = analysis;
  const often =
    `every ${durationText(intervalMs / 1000)}` +
    (failures > 1 ? `, ${failures} bad verdicts in a row are a failure` : '');
  const late =
    `without a verdict ${durationText(deadlineMs / 1000)} after its time: ` +
    (inconclusive === 'pause' ? 'pause' : 'failed');
  const sure = 'maxErrorRate' in analysis || hasBaseline(analysis) ? `${ratio(confidence)} sure, ` : '';
  return `${name}: ${limitsText(analysis)}; ${sure}${often}; ${late}${dryRun ? '; dry run: it is told and decides nothing' : ''}`;
}

const hasBaseline = (analysis: AnalysisDeclared): boolean =>
  analysis.kind === 'prometheus' && analysis.baseline !== undefined;

const ratio = (rate: number): string => `${Number((rate * 100).toPrecision(4))}%`;

function limitsText(analysis: AnalysisDeclared): string {
  switch (analysis.kind) {
    case 'load_balancer':
      return [
        `at most ${ratio(analysis.maxErrorRate)} errors`,
        ...(analysis.maxLatencyRatio === undefined
          ? []
          : [`at most ${analysis.maxLatencyRatio} times as slow as the other side`]),
        `from ${counted(analysis.minRequests, 'request')} on`,
      ].join(', ');
    case 'prometheus':
      return [
        `query ${analysis.query}`,
        ...boundsText(analysis),
        ...(analysis.baseline === undefined ? [] : [`at most ${analysis.maxRatio} times the baseline`]),
      ].join(', ');
    case 'http':
      return [
        `GET ${analysis.url}`,
        ...(analysis.path === undefined ? [] : [`its ${analysis.path}`]),
        ...(analysis.equals === undefined ? [] : [`equal to ${analysis.equals}`]),
        ...boundsText(analysis),
      ].join(', ');
    case 'command': {
      const bounds = boundsText(analysis);
      return [analysis.argv.join(' '), ...(bounds.length === 0 ? ['exit 0'] : bounds)].join(', ');
    }
  }
}

const boundsText = ({
  max,
  min,
}: {
  readonly max: number | undefined;
  readonly min: number | undefined;
}): readonly string[] => [
  ...(max === undefined ? [] : [`at most ${max}`]),
  ...(min === undefined ? [] : [`at least ${min}`]),
];

function mayFailText({ strategy }: ServiceDeclared): readonly (readonly [string, string])[] {
  if (strategy.kind !== 'rolling') return [];
  const { maxFailures } = strategy;
  return [
    [
      'May fail',
      maxFailures === 0
        ? 'no host: the first failure ends it'
        : `${counted(maxFailures, 'host')} of the whole run, left out of the pool; the floor holds without ${maxFailures === 1 ? 'it' : 'them'}`,
    ],
  ];
}

function failureText({ service, of, kind, before }: Ladder): string {
  const { onFailure } = service.strategy;
  const back = before === undefined ? 'what served before' : printable(before);
  const way =
    of === 'requests'
      ? `from any share to ${back} in one write; nobody is led through the shares again`
      : `each host that has it goes back to ${back}, ${kind === 'canary' ? 'drained and checked' : 'batch after batch, the last one first'}`;
  switch (onFailure) {
    case 'revert':
      return `revert: ${way}`;
    case 'pause':
      return `pause: the share stays as it is, until "apply --resume" or "abort" (${way})`;
    case 'freeze':
      return `freeze: nothing more starts anywhere, until "apply --resume" or "abort" (${way})`;
  }
}
