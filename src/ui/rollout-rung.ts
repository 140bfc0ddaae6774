/** One stage of a canary or of a rolling upgrade, while it runs and afterwards. */
import type { Instant, StepId } from '../model/index.ts';
import { barText } from './bar.ts';
import type { View } from './fold.ts';
import { hostNames, hostsText } from './hosts-text.ts';
import { type LadderView, type RungView, seenPercent } from './ladder-view.ts';
import { columns } from './layout.ts';
import { phaseState } from './progress.ts';
import { counted, durationText, thousands } from './time-text.ts';

export function rungBody(
  rung: RungView,
  { kind }: Pick<LadderView, 'kind'>,
  view: View,
  room: number,
  now: Instant,
): string {
  const parts = (words: readonly string[]): string => words.filter((each) => each !== '').join(' · ');
  switch (phaseState(rung)) {
    case 'waiting':
      return parts([placeText(rung, kind), rung.holds === '-' ? '' : rung.holds]);
    case 'done':
    case 'partly':
      return parts([placeText(rung, kind), seenText(rung)]);
    case 'failed':
      return parts(['failed', rung.undone === 0 ? '' : `${rung.undone} undone`, seenSoFar(rung)]);
    case 'undone':
      return parts([`${rung.undone} of ${counted(rung.total, 'step')} undone`, seenSoFar(rung)]);
    case 'running': {
      const words = parts([runningText(rung, view), seenText(rung)]);
      const cells = Math.min(20, room - columns(words) - 14);
      const hasEnd = !rung.running.some(({ progress }) => progress?.total === 0);
      return cells < 6 || !hasEnd ? words : `${barText(fraction(rung, now), cells)}  ${words}`;
    }
  }
}

/** A canary with two slots is on all hosts from the beginning. */
function placeText({ hosts, hostsTotal, zone }: RungView, kind: LadderView['kind']): string {
  if (kind === 'canary')
    return hosts.length === hostsTotal ? '' : `${hosts.length} of ${counted(hostsTotal, 'host')}`;
  return `${zone === undefined ? '' : `zone ${zone}, `}${hostNames(hosts, 2)}`;
}

/** What is in hand: a gate in its own words, other steps by verb and hosts. */
function runningText({ running, gates }: RungView, view: View): string {
  const gate = running.find(({ step }) => gates.has(step));
  if (gate !== undefined) {
    // An approval has no end to count to.
    if (gate.progress?.total === 0) return `waits for a person, ${durationText(gate.progress.done / 1000)}`;
    return gate.progress?.text ?? '';
  }
  const verbOf = (step: StepId): string => {
    const place = view.places.get(step);
    return (place === undefined ? undefined : view.phases[place.phase]?.verb) ?? '';
  };
  return [...Map.groupBy(running, ({ step, undoing }) => `${undoing ? 'undo ' : ''}${verbOf(step)}`)]
    .map(([verb, steps]) => {
      const hosts = steps.map(({ host }) => host).filter((host) => host !== undefined);
      return hosts.length === 0 ? verb : `${verb} ${hostsText(hosts, 2)}`;
    })
    .join(', ');
}

/** `seen 9.8%, 3 of 4,012 failed`: of the new release. Nothing where nobody counts. */
export function seenText({ seen }: Pick<RungView, 'seen'>): string {
  if (seen === undefined) return '';
  const percent = seenPercent(seen);
  if (percent === undefined) return 'no requests seen';
  const share = percent === 0 || percent >= 10 ? percent.toFixed(0) : percent.toFixed(1);
  return `seen ${share}%, ${thousands(seen.canaryFailed)} of ${thousands(seen.canary)} failed`;
}

/** Of a gate that ended early: it may have been over before the counters were next looked at, which is not "none". */
const seenSoFar = ({ seen }: RungView): string =>
  seen === undefined || seenPercent(seen) === undefined ? '' : seenText({ seen });

function fraction(
  { running, gates, done, total, estimateSeconds, startedAt }: RungView,
  now: Instant,
): number {
  const gate = running.find(({ step }) => gates.has(step));
  if (gate?.progress !== undefined && gate.progress.total > 0) {
    return Math.min(0.99, gate.progress.done / gate.progress.total);
  }
  if (gate !== undefined) return gate.progress === undefined ? 0 : 0.99;
  if (total > 1) return Math.min(0.99, done / total);
  return startedAt === undefined
    ? 0
    : Math.min(0.9, (now - startedAt) / 1000 / Math.max(0.1, estimateSeconds));
}
