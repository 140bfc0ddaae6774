/** The analyses of a strategy, with what cannot be said of one argument alone. */
import type { AnalysisDeclared } from '../model/index.ts';
import type { Decoded } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import { listed } from './items.ts';
import type { analysisShape } from './schema/analysis.ts';

type AnalysisBlock = Decoded<typeof analysisShape>;

/** What a text may hold: src/providers/analysis/index.ts puts the values there. */
const placeholders = ['canary', 'stable', 'canary_hosts', 'stable_hosts', 'share'];

export function assembleAnalyses(
  blocks: readonly AnalysisBlock[],
  report: Reporter,
): readonly AnalysisDeclared[] {
  const seen = new Map<string, number>();
  return blocks.map((block) => {
    const count = (seen.get(block.kind) ?? 0) + 1;
    seen.set(block.kind, count);
    checkAnalysis(block, report);
    return analysisOf(block, count === 1 ? block.kind : `${block.kind} ${count}`);
  });
}

function analysisOf(block: AnalysisBlock, name: string): AnalysisDeclared {
  const { args, place } = block;
  const common = {
    name,
    intervalMs: args.interval,
    failures: args.failures,
    dryRun: args.dry_run,
    deadlineMs: args.deadline,
    inconclusive: args.inconclusive,
    confidence: args.confidence,
    origin: place.source.rangeOf(place.span),
  };
  switch (block.kind) {
    case 'load_balancer':
      return {
        kind: block.kind,
        ...common,
        maxErrorRate: block.args.max_error_rate,
        maxLatencyRatio: block.args.max_latency_ratio,
        minRequests: block.args.min_requests,
      };
    case 'prometheus':
      return {
        kind: block.kind,
        ...common,
        url: block.args.url,
        query: block.args.query,
        max: block.args.max,
        min: block.args.min,
        baseline: block.args.baseline,
        maxRatio: block.args.max_ratio,
        headers: block.args.headers ?? {},
        timeoutMs: block.args.timeout,
      };
    case 'http':
      return {
        kind: block.kind,
        ...common,
        url: block.args.url,
        path: block.args.path,
        max: block.args.max,
        min: block.args.min,
        equals: block.args.equals,
        headers: block.args.headers ?? {},
        timeoutMs: block.args.timeout,
      };
    case 'command':
      return {
        kind: block.kind,
        ...common,
        argv: block.args.run,
        max: block.args.max,
        min: block.args.min,
        environment: block.args.environment ?? {},
        timeoutMs: block.args.timeout,
      };
  }
}

function checkAnalysis(block: AnalysisBlock, report: Reporter): void {
  if (block.kind === 'load_balancer') return;
  const { max, min } = block.args;
  if (max !== undefined && min !== undefined && min > max) {
    report.error(block.at('min'), {
      code: 'analysis-limits',
      summary: 'Nothing can be within the limits',
      detail: `min is ${min} and max is ${max}: no result is both.`,
    });
  }
  if (block.kind === 'command') return;
  const hasLimit = max !== undefined || min !== undefined;
  if (block.kind === 'prometheus') {
    checkPlaceholders(block, 'query', block.args.query, report);
    if (block.args.query?.trim() === '') {
      report.error(block.at('query'), {
        code: 'invalid-value',
        summary: 'Invalid value for argument',
        detail: '"query" is empty, and an empty query has no result.',
      });
    }
    checkPlaceholders(block, 'baseline', block.args.baseline, report);
    if (!hasLimit && block.args.baseline === undefined) {
      report.error(block.place, {
        code: 'analysis-decides-nothing',
        summary: 'Analysis that decides nothing',
        detail: 'A result is good or bad by max, by min, or beside a baseline; none of them is set.',
        hint: 'Set max = 0.02, say, or baseline to the same query about the stable side.',
      });
    }
    return;
  }
  const { url, path, equals } = block.args;
  checkPlaceholders(block, 'url', url, report);
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url)) {
    report.error(block.at('url'), {
      code: 'invalid-value',
      summary: 'Invalid value for argument',
      detail: `"url" must be a URL that starts with http:// or https://; ${JSON.stringify(url)} is not.`,
    });
  }
  const asksForValue = hasLimit || equals !== undefined;
  if (asksForValue === (path !== undefined)) return;
  report.error(path === undefined ? block.place : block.at('path'), {
    code: 'analysis-decides-nothing',
    summary: 'Analysis that decides nothing',
    detail: asksForValue
      ? 'max, min and equals are about a value in the answer, and path does not say where it is.'
      : 'path says where a value is, and none of max, min and equals says which values are good.',
    hint: asksForValue ? 'Set path = "data.error_rate", say.' : 'Set max, min or equals, or leave path out.',
  });
}

function checkPlaceholders(
  block: AnalysisBlock,
  argument: string,
  text: string | undefined,
  report: Reporter,
): void {
  for (const [, name] of (text ?? '').matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)) {
    if (name === undefined || placeholders.includes(name)) continue;
    report.error(block.at(argument), {
      code: 'unknown-placeholder',
      summary: 'Unknown placeholder',
      detail: `"{{ ${name} }}" stands for nothing here; there are ${listed(placeholders)}.`,
    });
  }
}
