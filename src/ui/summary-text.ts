/** The last lines of a run: how it ended, what serves now, what was undone, and what to do next. */
import {
  type Diagnostic,
  type Event,
  type Operation,
  type Plan,
  type RecordSet,
  type ServiceDeclared,
  slotOfValues,
} from '../model/index.ts';
import type { View } from './fold.ts';
import { wrap } from './layout.ts';
import { outputsText } from './outputs-text.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { byName, type Pasteable } from './pasteable.ts';
import { printable } from './printable.ts';
import { servingBefore } from './run-title.ts';
import { counted, durationText, elapsedText, listText, thousands } from './time-text.ts';

export interface SummaryTextOptions {
  readonly color: boolean;
  readonly width: number;
  /** Fills in the commands that are told; without it the environment is called by its name. */
  readonly pasteable?: Pasteable;
  readonly frame: (diagnostic: Diagnostic) => string;
}

type Summary = Extract<Event, { type: 'summary' }>;

/** A fleet that fails as a whole tells its cause, not each of its hosts; `show` and `--json` have them all. */
const mostFailures = 3;

/** Ends without a line end. Empty while the run has not ended. */
export function renderSummary(view: View, options: SummaryTextOptions): string {
  const { summary, plan } = view;
  if (summary === undefined) return '';
  const paint = paintOf(options.color);
  const width = Math.max(48, options.width);
  const pasteable = options.pasteable ?? byName(printable(view.environment));
  const failures = distinct(printable(summary.failures, { newlines: true }));
  const shown = failures.slice(0, mostFailures).map((failure) => options.frame(failure).trimEnd());
  const more = failures.length - shown.length;
  const sections = [
    ...shown,
    ...(more > 0 ? [pasteable(`${counted(more, 'more failure')}:  deployctl show ENV ${view.run}`)] : []),
    [
      ...headline(view, summary, plan, paint, width),
      ...afterLines(view, summary, pasteable, paint, width),
    ].join('\n'),
    // Those of a revert would be told by the files of today, which it leaves aside.
    summary.outcome === 'complete' && plan?.intent.kind === 'apply'
      ? outputsText(plan.declared.outputs, paint)
      : '',
  ].filter((section) => section !== '');
  return sections.join('\n\n');
}

const distinct = (failures: readonly Diagnostic[]): readonly Diagnostic[] => [
  ...new Map(failures.map((failure) => [`${failure.code}\n${failure.detail}`, failure])).values(),
];

/** Wraps, then sets the beginning of the first line off. */
function opened(
  head: string,
  style: (text: string) => string,
  rest: string,
  width: number,
): readonly string[] {
  return wrap(`${head} ${rest}`.trimEnd(), width).map((line, at) =>
    at === 0 && line.startsWith(head) ? style(head) + line.slice(head.length) : line,
  );
}

function headline(
  view: View,
  summary: Summary,
  plan: Plan | undefined,
  paint: Paint,
  width: number,
): readonly string[] {
  const what = plan?.intent.kind === 'revert' ? 'Revert' : 'Apply';
  const took =
    summary.elapsedMs < 1000 ? elapsedText(summary.elapsedMs) : durationText(summary.elapsedMs / 1000);
  const undone = counted(summary.stepsUndone, 'step');
  switch (summary.outcome) {
    case 'complete':
      return opened(
        `${what} complete in ${took}.`,
        (text) => paint.bold(paint.green(text)),
        servesText(plan),
        width,
      );
    case 'reverted':
      return opened(
        // Without a failure it was a person who turned it round.
        summary.failures.length === 0
          ? `${what} was undone in ${took}.`
          : `${what} failed and was reverted after ${took}.`,
        (text) => paint.bold(summary.failures.length === 0 ? paint.yellow(text) : paint.red(text)),
        summary.stepsUndone === 0
          ? 'No step had been done, so nothing had to be undone.'
          : `${movedText(view)}${undone} undone: ${plan === undefined ? 'what served before the run serves' : servesBeforeText(plan)} as before.`,
        width,
      );
    case 'stopped':
      return opened(
        `${what} stopped part-way after ${took}.`,
        (text) => paint.bold(paint.yellow(text)),
        `${view.stepsDone} of ${counted(view.stepsTotal, 'step')} ${view.stepsDone === 1 ? 'is' : 'are'} done` +
          `${summary.stepsUndone === 0 ? '' : `, ${undone} undone`}. Nothing more happens until you decide.`,
        width,
      );
    case 'abandoned':
      return opened(
        `${what} was given up after ${took}.`,
        (text) => paint.bold(paint.yellow(text)),
        `${counted(summary.stepsDone, 'step')} done and left as they are; the next plan shows what differs.`,
        width,
      );
    case 'refused':
      return opened(
        `${what} refused.`,
        (text) => paint.bold(paint.red(text)),
        'Nothing was changed by this run.',
        width,
      );
  }
}

function afterLines(
  view: View,
  summary: Summary,
  pasteable: Pasteable,
  paint: Paint,
  width: number,
): readonly string[] {
  const { traffic } = summary;
  const requests =
    traffic === undefined || traffic.requests === 0
      ? ''
      : `${counted(traffic.requests, 'request')} through the run, ${thousands(traffic.failed)} failed by the balancer's count. `;
  const next = nextStep(view, summary);
  return [
    ...commandLines(`${requests}${next.sentence}`, next.command && pasteable(next.command), paint, width),
    ...(summary.outcome === 'stopped'
      ? commandLines('To undo what it did:', pasteable('deployctl abort ENV'), paint, width)
      : []),
  ];
}

function commandLines(
  sentence: string,
  command: string | undefined,
  paint: Paint,
  width: number,
): readonly string[] {
  if (command === undefined) return wrap(sentence, width);
  if (`${sentence}  ${command}`.length <= width) return [`${sentence}  ${paint.bold(command)}`];
  // A command in two lines could not be pasted.
  return [...wrap(sentence, width), `    ${paint.bold(command)}`];
}

function nextStep(
  view: View,
  { outcome }: Summary,
): { readonly sentence: string; readonly command: string | undefined } {
  switch (outcome) {
    case 'complete':
      return view.previousDeployment === undefined
        ? { sentence: `Deployment ${view.run}, the first: there is none to go back to.`, command: undefined }
        : { sentence: `Deployment ${view.run}. To go back:`, command: 'deployctl revert ENV' };
    case 'stopped':
      return { sentence: 'To go on where it stopped:', command: 'deployctl apply ENV --resume' };
    case 'reverted':
      return { sentence: 'How each step went:', command: `deployctl show ENV ${view.run}` };
    case 'abandoned':
    case 'refused':
      return { sentence: 'To see what differs now:', command: 'deployctl plan ENV' };
  }
}

/**
 * Whether any request went elsewhere because of this run: the first question of whoever was called at night. Of a slot that
 * is renewed where it serves nothing is said.
 */
function movedText({ plan, phases, places }: View): string {
  if (plan === undefined) return '';
  const touched = new Set(plan.steps.map(({ service }) => service));
  const services = plan.declared.services.filter(({ address }) => touched.has(address));
  if (!services.every(({ slots, traffic }) => slots.length > 1 && traffic.length > 0)) return '';
  const moves = plan.steps
    .filter(({ operation: { op } }) => op === 'route.set' || op === 'record.set' || op === 'member.set')
    .flatMap(({ id }) => places.get(id)?.phase ?? []);
  // Without a start it may have been done before a resume.
  const wasMoved = moves.some((at) => {
    const phase = phases[at];
    return phase === undefined || phase.startedAt !== undefined || phase.done + phase.undone > 0;
  });
  return wasMoved ? '' : 'No traffic was moved. ';
}

/** `shop 1.0.0 serves`, for the services that the plan touched. */
function servesBeforeText(plan: Plan): string {
  const touched = new Set(plan.steps.map(({ service }) => service));
  const services = plan.declared.services.filter(({ address }) => touched.has(address));
  const told = services.flatMap((service) => {
    const version = servingBefore(service, plan);
    return version === undefined ? [] : [printable(`${service.name} ${version}`)];
  });
  return told.length === services.length && told.length > 0 && told.length <= 3
    ? `${listText(told)} ${told.length === 1 ? 'serves' : 'serve'}`
    : 'what served before the run serves';
}

type Switch = Extract<Operation, { op: 'route.set' | 'record.set' }>;

/** `shop is 2.0.0 on green; blue keeps 1.0.0 warm.`, for the services that the plan touched. */
function servesText(plan: Plan | undefined): string {
  if (plan === undefined) return '';
  const touched = new Set(plan.steps.map(({ service }) => service));
  const services = plan.declared.services.filter(({ address }) => touched.has(address));
  if (services.length > 3) return `${counted(services.length, 'service')} are as declared.`;
  return services.map((service) => printable(serviceText(service, plan))).join(' ');
}

function serviceText(service: ServiceDeclared, plan: Plan): string {
  const { name, release, slots } = service;
  const moves = plan.steps
    .filter((step) => step.service === service.address)
    .map(({ operation }) => operation)
    .filter((each): each is Switch => each.op === 'route.set' || each.op === 'record.set')
    .map((each) => endsOf(service, each));
  const to = moves.at(-1)?.to;
  const from = moves.find((each) => each.from !== each.to)?.from;
  const place = to === undefined ? (slots.length === 1 ? '' : undefined) : ` on ${to}`;
  if (place === undefined) return `${name} is ${release.version}.`;
  const before = servingBefore(service, plan);
  const keepsWarm = 'keepWarm' in service.strategy && service.strategy.keepWarm;
  const warm =
    keepsWarm && from !== undefined && from !== to && before !== undefined
      ? `; ${from} keeps ${before} warm`
      : '';
  return `${name} is ${release.version}${place}${warm}.`;
}

/** The slots that a switch leads from and to. */
function endsOf(
  service: ServiceDeclared,
  move: Switch,
): { readonly from: string | undefined; readonly to: string | undefined } {
  if (move.op === 'route.set') {
    return {
      from: slotOfPool(service, move.from.runtime?.stable),
      to: slotOfPool(service, move.to?.stable),
    };
  }
  const traffic = service.traffic.find((each) => each.kind === 'dns');
  const slot = (set: RecordSet | null): string | undefined =>
    traffic === undefined || set === null ? undefined : slotOfValues(traffic, set.values);
  return { from: slot(move.from), to: slot(move.to) };
}

const slotOfPool = (service: ServiceDeclared, pool: string | undefined): string | undefined =>
  service.traffic
    .flatMap((each) => (each.kind === 'load_balancer' ? Object.entries(each.pools) : []))
    .find(([, each]) => pool !== undefined && each === pool)?.[0];
