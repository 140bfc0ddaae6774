/** A plan as a person reads it: drift, changes with reasons, steps with their inverses, what was proved. */
import { type Diagnostic, type Instant, isError, type Plan, summarizeChanges } from '../model/index.ts';
import { distinct, framesOf } from './alike.ts';
import { changeBlocks, changeLines, driftBlocks, legendText } from './changes-text.ts';
import { lengthOf, mostSecondsOf } from './ladder.ts';
import { ladderSections } from './ladder-text.ts';
import { columns, wrap } from './layout.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { type PhasedPlan, phasePlan } from './phases.ts';
import { printable } from './printable.ts';
import { type EarlierRuns, proofLines } from './proof-text.ts';
import { stepTable } from './steps-text.ts';
import { agoText, counted, durationText } from './time-text.ts';

export interface PlanTextOptions {
  readonly color: boolean;
  /** Columns; no line is wider. Below 48 counts as 48. */
  readonly width: number;
  /** One line for each change, and the totals. */
  readonly concise?: boolean;
  /** First line: "Read 4 hosts, 1 load balancer in 0.9 s." */
  readonly read?: string;
  /** What a revert goes back to: "Back to deployment 41 (shop 1.0.0, by lee, 3 hours ago). ..." */
  readonly header?: string;
  /** The newest deployment, for "since deployment 41 (3 hours ago)". */
  readonly deployment?: { readonly number: number; readonly at: Instant };
  /** Where the plan was saved. */
  readonly out?: string;
  /** The command that performs what was planned, or what was saved. */
  readonly applyCommand?: string;
  readonly earlier?: EarlierRuns;
  /** `--parallelism`, for the duration. */
  readonly parallelism?: number;
  /** Frames what is held and warned about, with the lines of its source. */
  readonly frame: (diagnostic: Diagnostic) => string;
}

/** Ends without a line end. Guarantees: no control characters but colours, no line wider than `width` but a command. */
export function renderPlan(plan: Plan, given: PlanTextOptions): string {
  const options = safeOptions(given);
  const paint = paintOf(options.color);
  const width = Math.max(48, options.width);
  const safe = safePlan(plan);
  const phased = phasePlan(safe, options.parallelism);
  const sections = [
    options.read === undefined ? [] : wrap(options.read, width),
    options.header === undefined ? [] : wrap(options.header, width),
    driftSection(safe, options, paint, width),
    ...(isEmpty(safe)
      ? [nothingSection(safe, paint, width)]
      : workSections(safe, phased, options, paint, width)),
    // The first line is empty, as the one between two sections is.
    framesOf([...safe.held, ...safe.warnings], options.frame).slice(1),
    selectionSection(safe, width),
    closingSection(safe, options, paint, width),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const isEmpty = (plan: Plan): boolean => plan.changes.length === 0 && plan.steps.length === 0;

/** Paths and names that a caller puts in may hold anything too. */
const safeOptions = (options: PlanTextOptions): PlanTextOptions => {
  const { frame, ...texts } = options;
  return { ...printable(texts), frame };
};

/** Names and values of a plan come from files and hosts: none may steer the terminal. */
function safePlan(plan: Plan): Plan {
  const safe: Partial<Plan> = {
    environment: printable(plan.environment),
    targets: printable(plan.targets),
    ...(plan.excluded === undefined ? {} : { excluded: printable(plan.excluded) }),
    drift: plan.drift.map((each) => ({
      ...printable(each),
      before: printable(each.before, { newlines: true }),
      after: printable(each.after, { newlines: true }),
    })),
    changes: plan.changes.map((each) => ({
      ...printable(each),
      before: printable(each.before, { newlines: true }),
      after: printable(each.after, { newlines: true }),
    })),
    held: printable(plan.held, { newlines: true }),
    warnings: printable(plan.warnings, { newlines: true }),
    steps: plan.steps.map((step) => ({
      ...step,
      phase: printable(step.phase),
      inverse:
        step.inverse.kind === 'operation'
          ? { ...step.inverse, summary: printable(step.inverse.summary) }
          : printable(step.inverse),
    })),
  };
  // Not spread: the digest, which is not shown, is worked out when it is read.
  return Object.assign<Plan, Partial<Plan>>(Object.create(plan), safe);
}

function workSections(
  plan: Plan,
  { phases, seconds }: PhasedPlan,
  options: PlanTextOptions,
  paint: Paint,
  width: number,
): readonly (readonly string[])[] {
  const totals = totalsLine(plan, paint);
  if (options.concise === true) {
    return [
      changeLines(plan.changes, paint, width),
      wrap(`${totals} ${counted(phases.length, 'step')}, about ${durationText(seconds)}.`, width),
    ];
  }
  const legend = legendText(plan.changes, paint);
  return [
    [
      ...(plan.drift.length > 0 ? [paint.dim('─'.repeat(ruleWidth(width)))] : []),
      ...wrap('deployctl plans the following, from what is declared and observed. Symbols:', width),
      legend === '' ? '  (no changes, only steps)' : legend,
    ],
    changeBlocks(plan.changes, paint, width),
    [totals],
    stepTable(phases, paint, width),
    ...ladderSections(plan, phases, paint, width),
    proofLines(
      plan,
      { phases, seconds },
      {
        ...(options.earlier === undefined ? {} : { earlier: options.earlier }),
        mostSeconds: lengthOf(plan.steps, mostSecondsOf, options.parallelism),
      },
      paint,
      width,
    ),
  ];
}

const ruleWidth = (width: number): number => Math.min(width, 98);

/** Terraform's line: a replacement is both an addition and a removal. */
export function totalsLine(plan: Pick<Plan, 'changes'>, paint: Paint): string {
  const { create, update, replace, remove } = summarizeChanges(plan.changes);
  return `${paint.bold('Plan:')} ${create + replace} to add, ${update} to change, ${remove + replace} to remove.`;
}

function driftSection(plan: Plan, options: PlanTextOptions, paint: Paint, width: number): readonly string[] {
  if (plan.drift.length === 0) return [];
  const { deployment } = options;
  const since =
    deployment === undefined
      ? ''
      : ` since deployment ${deployment.number} (${agoText(deployment.at, plan.createdAt)})`;
  const title = `Note: Objects have changed outside of deployctl${since}.`;
  return [...wrap(title, width).map(paint.bold), '', ...driftBlocks(plan.drift, paint, width)];
}

function nothingSection(plan: Plan, paint: Paint, width: number): readonly string[] {
  const rule = plan.drift.length > 0 ? [paint.dim('─'.repeat(ruleWidth(width))), ''] : [];
  const errors = distinct(plan.held.filter(isError));
  if (errors.length > 0) {
    return [
      ...rule,
      ...wrap(
        `Nothing can be done now: ${counted(errors.length, 'thing is', 'things are')} held, see below.`,
        width,
      ).map(paint.bold),
    ];
  }
  if (plan.intent.kind === 'refresh_only' && plan.drift.length > 0) {
    return [
      ...rule,
      ...wrap(
        'This is a refresh-only plan: nothing is done to undo these changes. If you apply it, deployctl records ' +
          'what it observed.',
        width,
      ),
    ];
  }
  const scope =
    plan.held.length > 0
      ? 'What could be seen is'
      : plan.targets.length + (plan.excluded ?? []).length === 0
        ? 'Everything is'
        : 'The selection is';
  return [
    ...rule,
    `${paint.bold('No changes.')} ${scope} as it is declared.`,
    '',
    ...wrap(
      `deployctl compared ${comparedText(plan)} with the configuration and found no differences, so there is nothing to do.`,
      width,
    ),
  ];
}

/** What was not looked at was not compared. */
const comparedText = ({ warnings }: Plan): string =>
  warnings.some(({ code }) => code === 'not-refreshed') ? 'what is recorded' : 'the hosts and load balancers';

const wasOrWere = (addresses: readonly string[]): string => (addresses.length === 1 ? 'was' : 'were');

/** What the plan is not about: its emptiness says nothing of that. */
function selectionSection({ targets, excluded = [] }: Plan, width: number): readonly string[] {
  if (targets.length + excluded.length === 0) return [];
  const only = targets.length === 0 ? [] : [`Only ${targets.join(', ')} ${wasOrWere(targets)} planned.`];
  const without =
    excluded.length === 0 ? [] : [`${excluded.join(', ')} ${wasOrWere(excluded)} left out of the plan.`];
  const rest = targets.length === 0 ? 'What was left out' : 'The rest of the environment';
  return wrap([...only, ...without, `${rest} may still differ from what is declared.`].join(' '), width);
}

function closingSection(
  plan: Plan,
  options: PlanTextOptions,
  paint: Paint,
  width: number,
): readonly string[] {
  if (isEmpty(plan) && (plan.intent.kind !== 'refresh_only' || plan.drift.length === 0)) return [];
  if (plan.held.some(isError)) {
    const saved =
      options.out === undefined
        ? ''
        : `Saved to ${options.out}, to be looked at: deployctl show ${options.out}. `;
    return wrap(`${saved}Nothing can be applied as long as something is held.`, width);
  }
  if (options.out !== undefined) {
    const sentence = `Saved to ${options.out}. To perform exactly these actions:`;
    return withCommand(sentence, options.applyCommand ?? `deployctl apply ${options.out}`, width, paint);
  }
  // What is in the way was told with what to do about it.
  if (options.applyCommand === undefined || plan.warnings.some(({ code }) => inTheWay.has(code))) return [];
  const sentence =
    'The plan was not saved (--out), so what is applied later may differ. To plan again and apply:';
  return withCommand(sentence, options.applyCommand, width, paint);
}

/** Codes of what keeps `apply` from taking a plan that is made anew. */
const inTheWay: ReadonlySet<string> = new Set(['run-unfinished', 'policy-approvals', 'policy-freeze']);

function withCommand(sentence: string, command: string, width: number, paint: Paint): readonly string[] {
  const one = `${sentence}  ${command}`;
  if (columns(one) <= width) return [`${sentence}  ${paint.bold(command)}`];
  // A command in two lines could not be pasted.
  return [...wrap(sentence, width), `    ${paint.bold(command)}`];
}
