/**
 * Where the parties of a switch run. On a fleet they are machines of their own: the proxy's host, on which deployctl's
 * scripts run too; the operator's, on which deployctl runs; and those of clients and of the service. As root on Linux with
 * two processors, the first has one for itself, where proxy and scripts are equals. All others share the second, on which
 * clients and service come before deployctl, because on a fleet they would not wait for it. Whatever else this machine
 * does comes after all of them. Elsewhere everything shares what there is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

export interface Places extends Disposable {
  /** The commands by which their processes are started. */
  readonly proxy: readonly string[];
  readonly scripts: readonly string[];
  readonly others: readonly string[];
  readonly words: string;
}

const canPin =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  availableParallelism() > 1 &&
  existsSync('/usr/bin/taskset');

/** Moves this process itself to the processor that is not the proxy's. */
export function takePlaces(): Places {
  if (!canPin) {
    return {
      ...{ proxy: [], scripts: [], others: [] },
      words: 'everything shares all processors',
      [Symbol.dispose]: () => undefined,
    };
  }
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '1', String(process.pid)]);
  const groups = ['proxy', 'scripts', 'others'].map(groupOf);
  const [proxy = [], scripts = [], others = []] = groups.map((group, index) => [
    ...(group === undefined ? [] : ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(group, 'cgroup.procs')]),
    ...['taskset', '--cpu-list', index < 2 ? '0' : '1'],
  ]);
  return {
    ...{ proxy, scripts, others },
    words: `the proxy and deployctl's scripts share one processor, all others the second${groups.includes(undefined) ? '' : ', where clients and service go before deployctl'}`,
    [Symbol.dispose]: () => groups.forEach(remove),
  };
}

/** A control group with as much of a processor as can be asked for; undefined: there are none. */
function groupOf(name: string): string | undefined {
  const kinds = [
    { mount: '/sys/fs/cgroup/cpu', file: 'cpu.shares', most: '262144' },
    { mount: '/sys/fs/cgroup', file: 'cpu.weight', most: '10000' },
  ];
  for (const { mount, file, most } of kinds) {
    const control = join(mount, 'cgroup.subtree_control');
    const isOf2 = existsSync(control) && /\bcpu\b/.test(readFileSync(control, 'utf8'));
    if (!isOf2 && !existsSync(join(mount, file))) continue;
    const folder = join(mount, `deployctl-bench-${process.pid}-${name}`);
    mkdirSync(folder);
    writeFileSync(join(folder, file), most);
    return folder;
  }
  return undefined;
}

/** What ran in it was ended, and may take a moment to be gone. */
function remove(group: string | undefined): void {
  if (group === undefined) return;
  for (let attempt = 0; ; attempt += 1) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
