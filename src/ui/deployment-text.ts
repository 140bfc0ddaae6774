/** Runs and deployments in a few words, as history, show and the header of a revert say them. */
import type { Deployment, Instant, Run, RunIntent, RunOutcome, RunReleases } from '../model/index.ts';
import { agoText, counted } from './time-text.ts';

/** `shop 2.0.0, api 4.1.0`; from the fourth service on they are counted. */
export function releasesText(declared: RunReleases): string {
  const names = declared.services.map(({ name, release }) => `${name} ${release.version}`);
  if (names.length === 0) return 'no services';
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 2).join(', ')} and ${counted(names.length - 2, 'more service')}`;
}

export function intentText(intent: RunIntent): string {
  switch (intent.kind) {
    case 'apply':
      return 'apply';
    case 'revert': {
      const services = intent.services.map((address) => address.replace(/^service\./, ''));
      return `back to ${intent.to}${services.length === 0 ? '' : ` (${services.join(', ')})`}`;
    }
  }
}

/** `unfinished`: it was killed. */
export type RunFate = RunOutcome | 'unfinished' | 'running';

/** `isRunning`: whatever it ended with before, it goes on now. */
export const fateOf = ({ outcome }: Pick<Run, 'outcome'>, isRunning: boolean): RunFate =>
  isRunning ? 'running' : (outcome ?? 'unfinished');

/** What became of a run, for people. */
export const fateText: Readonly<Record<RunFate, string>> = {
  complete: 'complete',
  reverted: 'failed, reverted',
  stopped: 'stopped part-way',
  abandoned: 'given up',
  unfinished: 'not ended',
  running: 'running',
};

/** First line of a revert's plan: `Back to deployment 41 (shop 1.0.0, by lee, 3 hours ago).` */
export const backToText = ({ number, declared, actor, at }: Deployment, now: Instant): string =>
  `Back to deployment ${number} (${releasesText(declared)}, by ${actor.who}, ${agoText(at, now)}).`;
