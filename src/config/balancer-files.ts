import type { Reporter } from './evaluation.ts';
import type { World } from './world.ts';

type Balancer = World['balancers'][number];

/** Settings that name what deployctl writes on the hosts of a load balancer. */
const written = ['map_file', 'config_file', 'include_file', 'flags_dir', 'server_state_file'];

/** Two load balancers that keep their routes in one file would undo each other's switches. */
export function checkBalancerFiles(balancers: readonly Balancer[], report: Reporter): void {
  const taken = new Map<string, Balancer>();
  for (const balancer of balancers) {
    const settings: Readonly<Record<string, unknown>> = balancer.decoded.args;
    for (const name of written) {
      const path = settings[name];
      if (typeof path !== 'string') continue;
      const clash = balancer.decoded.args.hosts.flatMap((host) => {
        const key = `${host} ${path}`;
        const first = taken.get(key);
        if (first === undefined) taken.set(key, balancer);
        return first === undefined || first === balancer ? [] : [{ host, first }];
      })[0];
      if (clash === undefined) continue;
      report.error(balancer.decoded.place, {
        code: 'balancer-file-clash',
        summary: 'One file for two load balancers',
        detail: `${name} of ${balancer.address} is ${path} on host "${clash.host}", and ${clash.first.address} keeps its own there: each would undo what the other switched.`,
        hint: 'Give each of them a path of its own. Several services may share one load balancer, each with a route.',
      });
    }
  }
}
