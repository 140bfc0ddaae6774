/** What a doctor says: a line for each check, what is wrong with its mend below, and a verdict last. */
import type { Check, Diagnostic } from '../model/index.ts';
import { framesOf } from './alike.ts';
import { hostNames } from './hosts-text.ts';
import { hang, padEnd } from './layout.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { printable } from './printable.ts';
import { counted, durationText } from './time-text.ts';

export interface DoctorReport {
  readonly environment: string;
  readonly checks: readonly Check[];
  readonly elapsedMs: number;
}

export interface DoctorTextOptions {
  readonly color: boolean;
  readonly width: number;
  readonly frame: (diagnostic: Diagnostic) => string;
}

/** Checks of one title that came out alike stand on one line: a fleet of hundreds fits a screen. */
export function renderDoctor(report: DoctorReport, options: DoctorTextOptions): string {
  const { environment, checks, elapsedMs } = report;
  const paint = paintOf(options.color);
  const width = Math.max(48, options.width);
  const titles = [...new Set(checks.map(({ title }) => title))];
  const column = Math.max(...[...titles, notSeen].map((title) => title.length)) + 2;
  const lines = [
    ...titles.flatMap((title) => linesOf(title, checks, { paint, width, column })),
    ...notLookedAt(checks, { paint, width, column }),
  ];
  const wrong = checks.flatMap(({ finding }) => (finding.at === 'wrong' ? finding.why : []));
  return [
    ...lines,
    ...framesOf(wrong, options.frame),
    '',
    verdict(environment, checks, elapsedMs, paint),
  ].join('\n');
}

const notSeen = 'not seen';

interface LineStyle {
  readonly paint: Paint;
  readonly width: number;
  readonly column: number;
}

function linesOf(title: string, all: readonly Check[], style: LineStyle): readonly string[] {
  const checks = all.filter((each) => each.title === title);
  const alike = Map.groupBy(checks, ({ finding }) => standingOf(finding));
  return (['good', 'warning', 'failed'] as const).flatMap((standing) => {
    const group = alike.get(standing) ?? [];
    const [first] = group;
    if (first === undefined) return [];
    const seen = [...new Set(group.map(({ finding }) => wordsOf(finding)))];
    const said = seen.length === 1 || group.length === 1 ? ` (${seen[0]})` : '';
    return line(standing, title, `${hostNames([...new Set(group.map(({ name }) => name))])}${said}`, style);
  });
}

/** What waits for something else to be mended, on one line for each thing that it waits for. */
function notLookedAt(checks: readonly Check[], style: LineStyle): readonly string[] {
  const waiting = checks.flatMap((check) =>
    check.finding.at === 'not_checked' ? [{ ...check, because: check.finding.because }] : [],
  );
  const byName = Map.groupBy(waiting, ({ name }) => name);
  const alike = Map.groupBy(byName, ([, each]) => each.map(({ title }) => title).join(', '));
  return [...alike].flatMap(([titles, group]) => {
    const [first] = group[0]?.[1] ?? [];
    const reasons = new Set(group.flatMap(([, each]) => each.map(({ because }) => because)));
    const isShared = group.length === 1 || reasons.size === 1;
    const because = isShared && first !== undefined ? `, because ${first.because}` : '';
    const names = hostNames(group.map(([name]) => name));
    return line('not_checked', notSeen, `${titles} of ${names}${because}`, style);
  });
}

function line(
  standing: Standing,
  title: string,
  text: string,
  { paint, width, column }: LineStyle,
): readonly string[] {
  const [symbol, color] = symbols[standing];
  const label = `  ${symbol} ${padEnd(title, column)}`;
  const [head = '', ...rest] = hang(label, printable(text), width);
  return [paint[color](head.slice(0, label.length)) + head.slice(label.length), ...rest];
}

type Standing = 'good' | 'warning' | 'failed' | 'not_checked';

const symbols: Readonly<Record<Standing, readonly [string, 'green' | 'yellow' | 'red' | 'dim']>> = {
  good: ['✔', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✘', 'red'],
  not_checked: ['-', 'dim'],
};

/** `failed` where a run would fail on it. */
export function standingOf(finding: Check['finding']): Standing {
  if (finding.at !== 'wrong') return finding.at;
  return finding.why.some(({ severity }) => severity === 'error') ? 'failed' : 'warning';
}

function wordsOf(finding: Check['finding']): string {
  switch (finding.at) {
    case 'good':
      return finding.seen;
    case 'not_checked':
      return finding.because;
    case 'wrong':
      return [...new Set(finding.why.map(({ summary }) => lowerFirst(summary)))].join('; ');
  }
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function verdict(environment: string, checks: readonly Check[], elapsedMs: number, paint: Paint): string {
  const count = (standing: Standing): number =>
    checks.filter(({ finding }) => standingOf(finding) === standing).length;
  const failed = count('failed');
  const parts = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(count('not_checked') === 0 ? [] : [`${count('not_checked')} could not be looked at`]),
    ...(count('warning') === 0 ? [] : [counted(count('warning'), 'warning')]),
  ];
  const head =
    failed === 0
      ? paint.green(`${environment} has what a run needs.`)
      : paint.red(`${environment} is not ready for a run.`);
  const found = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  return `${head} ${counted(checks.length, 'check')}${found}, in ${durationText(elapsedMs / 1000)}.`;
}
