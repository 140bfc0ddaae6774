/** The pools of a run on a terminal: shares, rates, errors and times, as the balancers count them. */
import { clip, columns, padEnd, padStart } from './layout.ts';
import type { Paint } from './paint.ts';
import { counted, thousands } from './time-text.ts';
import { type PoolView, sparkline } from './traffic-view.ts';

/** Pools beyond this many are only counted: those that serve most are shown. */
const mostPools = 6;

/** Each pool with what its balancer counts; what it does not tell is `-`. */
export function trafficLines(pools: readonly PoolView[], width: number, paint: Paint): readonly string[] {
  if (pools.length === 0) return [];
  const busiest = pools
    .toSorted((left, right) => (right.requestsPerSecond ?? 0) - (left.requestsPerSecond ?? 0))
    .slice(0, mostPools);
  const shown = pools.filter((pool) => busiest.includes(pool));
  const names = Math.min(24, Math.max(12, ...shown.map(({ pool }) => columns(pool))));
  const all = shown.flatMap(({ history }) => history);
  const allFailed = shown.flatMap(({ failedHistory }) => failedHistory);
  const row = (name: string, share: string, rate: string, errors: string, mean: string, line = ''): string =>
    clip(
      `   ${padEnd(clip(name, names), names)} ${padStart(share, 7)} ${padStart(rate, 8)} ${padStart(errors, 9)} ${padStart(mean, 9)}   ${line}`.trimEnd(),
      width,
    );
  const more = pools.length - shown.length;
  const hasFailed = allFailed.some((each) => each > 0);
  return [
    '',
    paint.dim(
      row('', 'share', 'req/s', 'errors', 'mean', `${padEnd('requests', 12)}${hasFailed ? '  errors' : ''}`),
    ),
    ...shown.map((pool) => {
      const line = padEnd(sparkline(pool.history, all), 12);
      const plain = row(
        pool.pool,
        pool.sharePercent === undefined ? '-' : `${pool.sharePercent}%`,
        pool.requestsPerSecond === undefined ? '-' : thousands(Math.round(pool.requestsPerSecond)),
        pool.requests === 0 ? '-' : `${((100 * pool.failed) / pool.requests).toFixed(2)}%`,
        pool.meanMs === undefined
          ? '-'
          : `${pool.meanMs < 10 ? pool.meanMs.toFixed(1) : Math.round(pool.meanMs)} ms`,
        hasFailed ? `${line}  ${sparkline(pool.failedHistory, allFailed)}` : line,
      );
      return pool.failedHistory.at(-1) === 0 || pool.failedHistory.length === 0 ? plain : paint.red(plain);
    }),
    ...(more > 0 ? [paint.dim(`   and ${counted(more, 'more pool')}`)] : []),
  ];
}
