/** What was proved about a plan, the worst that it can do, and how long it takes. */
import type { Address, Plan, Proof } from '../model/index.ts';
import { hang } from './layout.ts';
import type { Paint } from './paint.ts';
import { type PhasedPlan, type PhaseSteps, phaseNumbers } from './phases.ts';
import { counted, durationText, listText } from './time-text.ts';

/** What earlier runs of the same kind of steps took. */
export interface EarlierRuns {
  readonly runs: number;
  /** Nine of ten such runs took at most this long. */
  readonly seconds90: number;
}

export interface Durations {
  readonly earlier?: EarlierRuns;
  /** With every wait at its limit. */
  readonly mostSeconds: number;
}

/** Services beyond this many are only counted. */
const mostServices = 3;

export function proofLines(
  plan: Pick<Plan, 'steps' | 'proof' | 'declared'>,
  phased: PhasedPlan,
  durations: Durations,
  paint: Paint,
  width: number,
): readonly string[] {
  return proofFacts(plan, phased, durations).flatMap(([name, text]) =>
    hang(`  ${name.padEnd(11)}`, text, width).map((row, at) =>
      at === 0 ? `  ${paint.bold(name)}${row.slice(2 + name.length)}` : row,
    ),
  );
}

/** Each with its name: `Proved`, `At worst`, `Duration`, and where stages wait `Longest`. */
export function proofFacts(
  plan: Pick<Plan, 'steps' | 'proof' | 'declared'>,
  { phases, seconds }: PhasedPlan,
  { earlier, mostSeconds }: Durations,
): readonly (readonly [string, string])[] {
  if (plan.steps.length === 0) return [];
  const experience =
    earlier === undefined || earlier.runs === 0
      ? ' (an estimate: no earlier runs to go by)'
      : ` (from ${counted(earlier.runs, 'earlier run')}, 90% under ${durationText(earlier.seconds90)})`;
  return [
    ['Proved', provedText(plan.proof, phases)],
    ['At worst', worstText(plan, phases)],
    ['Duration', `about ${durationText(seconds)}${experience}`],
    ...(plan.steps.some(({ stage }) => stage !== undefined)
      ? [['Longest', longestText(plan, phases, mostSeconds)] as const]
      : []),
  ];
}

const shortName = (service: Address): string => service.replace(/^service\./, '');

/** Tightest first: the service that comes nearest to its floor. */
export const byTightness = (capacity: Proof['capacity']): Proof['capacity'] =>
  capacity.toSorted(
    (left, right) => left.lowest - left.floor - (right.lowest - right.floor) || left.lowest - right.lowest,
  );

function provedText(proof: Proof, phases: readonly PhaseSteps[]): string {
  const numbers = phaseNumbers(phases);
  const capacity = byTightness(proof.capacity);
  const shown = capacity.slice(0, mostServices).map(({ service, hosts, floor, lowest, atStep, spare }) => {
    const name = capacity.length === 1 ? '' : `${shortName(service)} `;
    const where = atStep === undefined || lowest === hosts ? '' : `, at step ${numbers.get(atStep) ?? '?'}`;
    const promised = floor === 0 ? 'no floor declared' : `floor ${floor}`;
    const mayFail =
      spare === undefined || spare === 0
        ? ''
        : `, and it holds if ${spare} more ${spare === 1 ? 'fails' : 'fail'}`;
    return `${name}in service never below ${lowest} of ${hosts} (${promised})${where}${mayFail}`;
  });
  const more = capacity.length - shown.length;
  const safety = proof.trafficOnlyToVerified ? ['no traffic to anything unverified'] : [];
  return [
    ...shown,
    ...(more > 0 ? [`${counted(more, 'more service')} at or above their floor`] : []),
    ...safety,
    wayBackText(proof, numbers),
  ].join('; ');
}

function wayBackText(proof: Proof, numbers: ReadonlyMap<string, number>): string {
  const lines = [...new Set(proof.noWayBackAfter.map((id) => numbers.get(id)))].filter(
    (n) => n !== undefined,
  );
  if (lines.length === 0) return 'a way back from every step';
  return `a way back from every step except after ${lines.length === 1 ? 'step' : 'steps'} ${lines.join(', ')}`;
}

function worstText(plan: Pick<Plan, 'steps' | 'proof'>, phases: readonly PhaseSteps[]): string {
  const { services, hosts, share, atStep } = plan.proof.blastRadius;
  const step = plan.steps.find(({ id }) => id === atStep);
  const places = hosts === 0 ? '' : ` on ${counted(hosts, 'host')}`;
  if (share === 0 || step === undefined)
    return `no traffic is moved; ${counted(services, 'service')}${places} touched`;
  const part = share >= 100 ? 'all traffic' : `${share}% of the traffic`;
  const at = phaseNumbers(phases).get(step.id) ?? '?';
  return `${part} of ${counted(services, 'service')}${places}, at step ${at}${backText(step)}`;
}

/** The inverse of a move is the same move the other way, so it takes as long. */
function backText({ inverse, estimateSeconds }: Plan['steps'][number]): string {
  if (inverse.kind === 'irreversible') return ', with no way back';
  if (inverse.kind === 'nothing') return '';
  const back = estimateSeconds < 1 ? 'under 1 s' : `about ${durationText(estimateSeconds)}`;
  const remembered = (inverse.settle ?? []).reduce(
    (seconds, each) => seconds + (each.op === 'record.expire' ? each.durationMs / 1000 : 0),
    0,
  );
  return remembered === 0
    ? `, back in ${back}`
    : `, back in ${back}, and within ${durationText(remembered)} for whoever remembers the answer`;
}

/** `step 13 waits for a person, ...`, or the time with every wait at its limit. */
function longestText(plan: Pick<Plan, 'steps'>, phases: readonly PhaseSteps[], most: number): string {
  const numbers = phaseNumbers(phases);
  const waits = [
    ...new Set(
      plan.steps.filter(({ operation }) => operation.op === 'approval').map(({ id }) => numbers.get(id) ?? 0),
    ),
  ];
  const limit = `${durationText(most)} with every wait at its limit`;
  if (waits.length === 0) return limit;
  const verb = waits.length === 1 ? 'waits' : 'wait';
  return `${waits.length === 1 ? 'step' : 'steps'} ${listText(waits.map(String))} ${verb} for a person; all else at most ${limit}`;
}
