/** `plan --markdown`: a plan as a comment for a pull request. What matters stands open, the rest folds away. */
import type { Diagnostic, Plan } from '../model/index.ts';
import { changeRows } from './changes-text.ts';
import { lengthOf, mostSecondsOf } from './ladder.ts';
import { rungRows } from './ladder-text.ts';
import { paint } from './paint.ts';
import { type PhasedPlan, phasePlan, undoneBy } from './phases.ts';
import { type PlanTextOptions, renderPlan, totalsLine } from './plan-text.ts';
import { printable } from './printable.ts';
import { proofFacts } from './proof-text.ts';
import { phaseText } from './steps-text.ts';
import { counted, durationText } from './time-text.ts';

/** GitHub refuses a comment of more than 65,536 characters. */
const longestText = 40_000;
/** Rows of a table beyond this many are only counted: the plan in full has them. */
const mostRows = 60;

/**
 * Ends without a line end. Names and values in it cannot be read as Markdown: no link, no mention, no HTML but the folds
 * of this file. `options` are those of the plan in full, which it holds too.
 */
export function planMarkdown(plan: Plan, options: PlanTextOptions): string {
  const phased = phasePlan(plan, options.parallelism);
  const isEmpty = plan.changes.length === 0 && plan.steps.length === 0;
  const { drift, held, warnings, targets, excluded = [] } = plan;
  return [
    [`### ${code(`deployctl plan ${plan.environment}`)}`],
    [isEmpty ? emptyText(plan) : headText(plan, phased)],
    ...held.map((each) => alert('CAUTION', each)),
    ...warnings.map((each) => alert('WARNING', each)),
    drift.length === 0
      ? []
      : ['> [!NOTE]', `> Changed outside of deployctl: ${codes(drift.map(({ address }) => address))}`],
    targets.length === 0 ? [] : [`Only these targets: ${codes(targets)}`],
    excluded.length === 0 ? [] : [`Left out: ${codes(excluded)}`],
    changeTable(plan),
    ...ladderFolds(plan, phased),
    proofList(plan, phased, options),
    stepFold(phased),
    isEmpty ? [] : fullFold(plan, options),
    [`<sub>plan ${code(plan.digest.slice(0, 12))}</sub>`],
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const emptyText = ({ held }: Plan): string =>
  held.length > 0
    ? '**Nothing can be done now**: see what is held.'
    : '**No changes.** Everything is as it is declared.';

const headText = (plan: Plan, { phases, seconds }: PhasedPlan): string =>
  `**${totalsLine(plan, paint(false))}** ${counted(phases.length, 'step')}, about ${durationText(seconds)}.`;

function alert(kind: 'CAUTION' | 'WARNING', { summary, detail, hint }: Diagnostic): readonly string[] {
  const body = [detail, ...(hint === undefined ? [] : [hint])].flatMap((text) =>
    printable(text, { newlines: true }).split('\n'),
  );
  return [`> [!${kind}]`, `> **${plain(summary)}**`, '>', ...body.map((line) => `> ${plain(line)}  `)];
}

function changeTable({ changes }: Plan): readonly string[] {
  return table(
    ['', 'what', 'because'],
    changeRows(changes).map(({ mark, subject, because }) => [
      code(mark),
      code(subject),
      plain(because.replace(/^because /, '')),
    ]),
  );
}

/** A canary and a rolling upgrade stand open: they are what a reviewer has to judge. */
function ladderFolds(plan: Plan, { phases }: PhasedPlan): readonly (readonly string[])[] {
  return rungRows(plan, phases).map(({ title, heads, rows }) => [
    '<details open>',
    `<summary>${html(title)}</summary>`,
    '',
    ...table(
      heads.map(plain),
      rows.map((row) => row.map(plain)),
    ),
    '',
    '</details>',
  ]);
}

function proofList(plan: Plan, phased: PhasedPlan, options: PlanTextOptions): readonly string[] {
  if (plan.steps.length === 0) return [];
  const durations = {
    ...(options.earlier === undefined ? {} : { earlier: options.earlier }),
    mostSeconds: lengthOf(plan.steps, mostSecondsOf, options.parallelism),
  };
  return proofFacts(plan, phased, durations).map(([name, text]) => `- **${name}**: ${plain(text)}`);
}

const stepFold = ({ phases }: PhasedPlan): readonly string[] =>
  phases.length === 0
    ? []
    : fold(`${counted(phases.length, 'step')}, each with its way back`, [
        ...table(
          ['step', '', '', 'undone by', 'takes'],
          phases.map((each) => [
            String(each.number),
            plain(each.phase.verb),
            plain(phaseText(each)),
            plain(undoneBy(each)),
            plain(durationText(each.seconds)),
          ]),
        ),
      ]);

function fullFold(plan: Plan, options: PlanTextOptions): readonly string[] {
  const text = renderPlan(plan, { ...options, color: false, concise: false });
  const cut = text.slice(0, longestText);
  const shown = cut.length === text.length ? text : cut.slice(0, cut.lastIndexOf('\n'));
  const fence = '`'.repeat(Math.max(3, longestRun(shown) + 1));
  return fold('The plan in full', [
    `${fence}text`,
    shown,
    fence,
    ...(shown === text ? [] : ['', 'It is longer than a comment may be: the rest is left out here.']),
  ]);
}

const fold = (title: string, body: readonly string[]): readonly string[] => [
  '<details>',
  `<summary>${html(title)}</summary>`,
  '',
  ...body,
  '',
  '</details>',
];

function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const more = rows.length - mostRows;
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...rows.slice(0, mostRows).map(line),
    ...(more > 0 ? [line(heads.map((_, at) => (at === 1 ? `and ${counted(more, 'more row')}` : '')))] : []),
  ];
}

const longestRun = (text: string): number =>
  Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));

const codes = (texts: readonly string[]): string => texts.map(code).join(', ');

/** As code, whatever it holds: with more backticks around it than are in it. */
function code(text: string): string {
  const safe = printable(text);
  if (safe === '') return '';
  const fence = '`'.repeat(longestRun(safe) + 1);
  return fence.length === 1 ? `\`${safe}\`` : `${fence} ${safe} ${fence}`;
}

/** As text that Markdown reads as nothing else. A comment between them keeps an at sign from calling somebody. */
const plain = (text: string): string =>
  printable(text)
    .replaceAll(/[\\`*_[\]~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@<!-- -->');

const html = (text: string): string =>
  printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@<!-- -->');
