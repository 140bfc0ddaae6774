/** What can go wrong around a run on a fleet: how it is made to happen, and how it is mended. */
import type { FleetScene } from './scene.ts';

export interface Fault {
  readonly name: string;
  /** Whose fault it is decides what a run can still do, and what users may notice. */
  readonly where: 'web' | 'balancer' | 'operator';
  inflict(scene: FleetScene): Promise<void>;
  mend(scene: FleetScene): Promise<void>;
}

const web = ({ web: [host] }: FleetScene) => {
  if (host === undefined) throw new Error('no web host');
  return host;
};

export const faults: readonly Fault[] = [
  {
    name: 'the power of a web host goes',
    where: 'web',
    inflict: (scene) => web(scene).cutPower(),
    mend: (scene) => web(scene).boot(),
  },
  {
    name: 'the cable of a web host is pulled',
    where: 'web',
    inflict: (scene) => web(scene).pullCable(),
    mend: (scene) => web(scene).plugCable(),
  },
  {
    name: 'a web host goes mute',
    where: 'web',
    inflict: (scene) => web(scene).losePackets('out'),
    mend: (scene) => web(scene).losePacketsNoMore(),
  },
  {
    name: "the power of the balancer's host goes",
    where: 'balancer',
    inflict: (scene) => scene.lb.cutPower(),
    mend: (scene) => scene.lb.boot(),
  },
  {
    name: "the cable of the balancer's host is pulled",
    where: 'balancer',
    inflict: (scene) => scene.lb.pullCable(),
    mend: (scene) => scene.lb.plugCable(),
  },
  {
    name: "the operator's cable is pulled",
    where: 'operator',
    inflict: (scene) => scene.fleet.rack.pullUplink(),
    mend: (scene) => scene.fleet.rack.plugUplink(),
  },
];

/**
 * Points of an upgrade of the idle slot, which has a release of before, and of its way back: before an effect, or after it,
 * when nobody has seen yet that it worked. With all hosts in step the first changes of a process, one a host, are stops, and
 * as many last ones are starts; on the way back, the other way round.
 */
export function pointsWith(
  webHosts: number,
): Readonly<Record<'forward' | 'back', readonly (readonly string[])[]>> {
  const around = (effect: string, nth = 1, nthAfter = nth): readonly string[] => [
    `effect:before:${effect}#${nth}`,
    `effect:after:${effect}#${nthAfter}`,
  ];
  const lastProcess = around('process.set', 2 * webHosts);
  return {
    forward: [
      ['effect:before:pool.drain'],
      around('release.put'),
      around('process.set'),
      around('slot.link'),
      lastProcess,
      around('health.verify', 1, webHosts),
      around('pool.settle'),
      around('route.set'),
      ['effect:before:bake'],
      around('release.prune'),
    ],
    back: [
      around('route.set'),
      around('process.set'),
      around('slot.link'),
      lastProcess,
      around('release.remove'),
    ],
  };
}

export function faultCalled(name: string): Fault {
  const found = faults.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no fault is called "${name}"`);
  return found;
}
