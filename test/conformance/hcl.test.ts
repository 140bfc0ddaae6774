import { afterAll, describe, expect, test } from 'vitest';
import { answerer, answerFolder } from './evaluate-expression.ts';
import { differencesUnder } from './listed-differences.ts';
import type { Answer } from './terraform-answers.ts';
import { answers } from './terraform-answers.ts';

const folder = answerFolder();
afterAll(() => folder[Symbol.dispose]());
const answer = answerer(folder.path);

const differentAnswers = new Map(differencesUnder('Other answers').map((row) => [row.expr, row.reason]));
const differentWords = new Map(
  differencesUnder('The same refusal in other words').map((row) => [row.expr, row.reason]),
);

/** What counts of an answer. Messages that speak of Terraform's own namespaces, and of its crashes, do not. */
function comparable(answer: Answer, terraform: Answer, isWordy: boolean): unknown {
  const { stage, diagnostics, crash } = answer;
  if (stage === undefined) {
    const { unknown, json, type } = answer;
    const sensitive = {
      sensitive: terraform.sensitive === undefined ? undefined : answer.sensitive,
      containsSensitive: terraform.containsSensitive === undefined ? undefined : answer.containsSensitive,
    };
    if (unknown !== undefined) return { unknown: pruned(unknown), ...sensitive };
    return {
      json: json?.replace(MINUS_ZERO, '0'),
      type: terraform.type === undefined ? undefined : type,
      ...sensitive,
    };
  }
  if (stage === 'serialize') return { stage };
  const [first] = diagnostics ?? [];
  if (stage !== 'eval' || crash === true || !isWordy) return { stage: stage === 'static' ? 'eval' : stage };
  return { stage, summary: first?.summary, detail: first?.detail };
}

/** Terraform's plan files forget the sign of zero, which `tostring` shows. */
const MINUS_ZERO = /(?<![\w."])-0(?![\w.])/g;

/** Parts of which everything is known say nothing. */
function pruned(shape: unknown): unknown {
  if (Array.isArray(shape)) return shape.map(pruned);
  if (typeof shape !== 'object' || shape === null) return shape;
  return Object.fromEntries(
    Object.entries(shape)
      .filter(([, part]) => JSON.stringify(part).includes('true'))
      .map(([name, part]) => [name, pruned(part)]),
  );
}

describe('every expression gives what Terraform 1.11.4 gives', () => {
  const shown = (expr: string): string => expr.replaceAll('\n', '⏎').slice(0, 120);
  test.for(answers.map((terraform) => [shown(terraform.expr), terraform] as const))('%s', ([, terraform]) => {
    const key = terraform.expr.replaceAll('\n', '\\n');
    const isWordy = !differentWords.has(key) && terraform.stage !== 'static' && terraform.crash !== true;
    const ours = comparable(answer(terraform.expr), terraform, isWordy);
    const theirs = comparable(terraform, terraform, isWordy);
    if (differentAnswers.has(key))
      expect(ours, 'it is listed as a difference but is none').not.toEqual(theirs);
    else expect(ours).toEqual(theirs);
  });
});

describe('docs/language-differences.md', () => {
  const asked = new Set(answers.map(({ expr }) => expr.replaceAll('\n', '\\n')));
  test.for([...differentAnswers, ...differentWords])(
    'has asked Terraform about %s and says why',
    ([expr, reason]) => {
      expect(asked).toContain(expr);
      expect(reason.length).toBeGreaterThan(20);
    },
  );
});
