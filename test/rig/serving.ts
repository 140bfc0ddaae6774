/** Who is in service by HAProxy's own word, looked at again and again while something else goes on. */
import type { Scene } from './scene.ts';

export interface ServingWatch {
  /** The fewest members that were up and not drained at the same time, since it began. */
  readonly fewest: number;
  readonly looks: number;
  stop(): Promise<void>;
}

const everyMs = 40;

/** Members of the pool that would get the next request. */
export async function serving(scene: Scene, pool: string): Promise<readonly string[]> {
  const stat = await scene.haproxy.master('@1 show stat');
  const [heading = '', ...rows] = stat.split('\n').filter((line) => line.includes(','));
  const columns = heading.replace(/^# /, '').split(',');
  return rows
    .map((row) => row.split(','))
    .map((row) => (name: string) => row[columns.indexOf(name)] ?? '')
    .filter((of) => of('pxname') === pool && /^UP\b/.test(of('status')) && of('svname') !== 'BACKEND')
    .map((of) => of('svname'));
}

export function watchServing(scene: Scene, pool: string): ServingWatch {
  const ended = new AbortController();
  let fewest = Number.POSITIVE_INFINITY;
  let looks = 0;
  const watching = (async () => {
    while (!ended.signal.aborted) {
      fewest = Math.min(fewest, (await serving(scene, pool)).length);
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    get fewest() {
      return fewest;
    },
    get looks() {
      return looks;
    },
    async stop() {
      ended.abort();
      await watching;
    },
  };
}
