/** What a journal must say of its gates: waits that go on where they were, and verdicts that count. */
import { type JournalEntry, operationClass, type Plan } from '../../src/model/index.ts';

interface Entered {
  readonly until: number | undefined;
  readonly verdict: string | undefined;
}

/** Sentences that do not hold. */
export function gateProblems(plan: Plan, journal: readonly JournalEntry[]): readonly string[] {
  const problems: string[] = [];
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  const entered = new Map<string, Entered>();
  let promoted: readonly string[] = [];
  let isPromotedFully = false;
  for (const { step: id, mark, detail, at } of journal) {
    const note = (detail ?? {}) as {
      kind?: string;
      steps?: string[];
      full?: boolean;
      verdict?: string;
      until?: number;
    };
    if (note.kind === 'promote') {
      promoted = [...promoted, ...(note.steps ?? [])];
      isPromotedFully ||= note.full === true;
    }
    const operation = id === undefined ? undefined : steps.get(id)?.operation;
    if (id === undefined || operation === undefined) continue;
    const kind = operationClass[operation.op];
    if (kind !== 'time' && kind !== 'person') continue;
    const before = entered.get(id);
    if (mark === 'intended') {
      if (before !== undefined && before.until !== note.until) {
        problems.push(`${id} waits anew after a kill, until ${note.until} and not ${before.until}`);
      }
      entered.set(id, { until: note.until, verdict: undefined });
    } else if (mark === 'note' && note.kind === 'verdict' && before !== undefined) {
      entered.set(id, { ...before, verdict: note.verdict });
    } else if (mark === 'failed') entered.delete(id);
    else if (mark === 'done') {
      const isFree = isPromotedFully || promoted.includes(id);
      if (kind === 'person' && !isFree) problems.push(`${id} was passed, and nobody has said so`);
      if (kind === 'time' && !isFree && at < (before?.until ?? 0))
        problems.push(`${id} was over before its time`);
      const isJudged = 'judged' in operation && operation.judged !== undefined;
      if (isJudged && !isFree && before?.verdict !== 'pass') {
        problems.push(`${id} was passed, and its verdict was ${before?.verdict}`);
      }
    }
  }
  return problems;
}
