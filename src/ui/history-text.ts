/** Which runs there were: what, by whom, when, and how they ended; the newest last, where the eye is. */
import type { Deployment, Instant, Run } from '../model/index.ts';
import { deploymentOf, fateOf, fateText, intentText, releasesText } from './deployment-text.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import { agoText, durationText, isoTime } from './time-text.ts';

export interface HistoryTextOptions {
  readonly color: boolean;
  readonly width: number;
  readonly now: Instant;
}

/** Both lists oldest first. Ends without a line end. */
export function renderHistory(
  runs: readonly Run[],
  deployments: readonly Deployment[],
  { color, width, now }: HistoryTextOptions,
): string {
  const paint = paintOf(color);
  if (runs.length === 0) return 'Nothing was deployed yet.';
  const rows = runs.map((run) => {
    const deployment = deploymentOf(run, deployments);
    return printable([
      String(run.run),
      agoText(run.startedAt, now),
      run.actor.who,
      run.endedAt === undefined ? '-' : durationText((run.endedAt - run.startedAt) / 1000),
      fateText[fateOf(run)],
      deployment === undefined ? intentText(run.intent) : whatText(run, deployment),
    ]);
  });
  const heads = [
    { title: 'run', align: 'end' },
    { title: 'when' },
    { title: 'by' },
    { title: 'took', align: 'end' },
    { title: 'outcome' },
    { title: 'what' },
  ] as const;
  const lines = tableLines(heads, rows, paint, width, (text, row, column) => {
    const run = runs[row];
    return column === 4 && run !== undefined ? paintFate(run, text, paint) : text;
  });
  return lines.join('\n');
}

const whatText = (run: Run, deployment: Deployment): string => {
  const releases = releasesText(deployment.declared);
  return run.intent.kind === 'apply' ? releases : `${intentText(run.intent)}: ${releases}`;
};

export const paintFate = (run: Pick<Run, 'outcome'>, text: string, paint: Paint): string => {
  const fate = fateOf(run);
  return fate === 'complete' ? paint.green(text) : fate === 'reverted' ? paint.red(text) : paint.yellow(text);
};

/** `history --json`. */
export const historyJson = (
  environment: string,
  runs: readonly Run[],
  deployments: readonly Deployment[],
) => ({
  format_version: '1.0',
  environment,
  runs: runs.map((run) => ({ ...runJson(run), deployment: deploymentJson(deploymentOf(run, deployments)) })),
});

export const runJson = (run: Run) => ({
  run: run.run,
  started_at: isoTime(run.startedAt),
  ended_at: run.endedAt === undefined ? null : isoTime(run.endedAt),
  outcome: run.outcome ?? null,
  who: run.actor.who,
  command: run.actor.command,
  intent: run.intent,
  plan_digest: run.planDigest,
});

/** null: the run did not become a deployment. */
export const deploymentJson = (deployment: Deployment | undefined) =>
  deployment === undefined
    ? null
    : {
        number: deployment.number,
        at: isoTime(deployment.at),
        services: deployment.declared.services.map(({ address, release }) => ({
          address,
          release: release.version,
          sha256: release.artifact.sha256,
        })),
      };
