/** What a balancer cannot do is known before anything is done: a plan that asks it for that is held. Pure. */
import {
  type Address,
  balancerOf,
  type Diagnostic,
  type ServiceDeclared,
  type Step,
  type Traits,
} from '../model/index.ts';

/** The reasons why these steps of a service cannot be performed, one of each kind for each balancer. */
export function holdImpossible(
  service: ServiceDeclared,
  steps: readonly Step[],
  traits: ReadonlyMap<Address, Traits>,
): readonly Diagnostic[] {
  const held = new Map<string, Diagnostic>();
  for (const { operation } of steps) {
    const balancer = balancerOf(operation);
    const able = balancer === undefined ? undefined : traits.get(balancer);
    if (balancer === undefined || able === undefined) continue;
    const common = { severity: 'error', subject: service.strategy.origin, address: balancer } as const;
    const isOneMember =
      operation.op === 'member.set' || (operation.op === 'pool.drain' && operation.member !== undefined);
    if (isOneMember && !able.drainsMembers) {
      held.set(`member ${balancer}`, {
        ...common,
        code: 'balancer-members-fixed',
        summary: 'The load balancer cannot take a single member out',
        detail: `${service.address} is to be renewed in place, host by host, and ${balancer} has no way to stop sending requests to one host: it knows its members by its configuration only.`,
        hint: 'Give the service two slots and strategy "blue_green", or use a load balancer that can: haproxy.',
      });
    }
    const { strategy } = service;
    const judged =
      strategy.kind === 'canary' ? strategy.analysis.find(({ kind }) => kind === 'load_balancer') : undefined;
    if (operation.op === 'route.set' && judged !== undefined && !able.countsRequests) {
      held.set(`counts ${balancer}`, {
        ...common,
        code: 'balancer-counts-nothing',
        summary: 'The load balancer counts no requests',
        detail: `The canary of ${service.address} is to be judged by the counters of ${balancer}, and it has none for a single pool.`,
        hint: 'Judge it by analysis "prometheus", "http" or "command", or use a load balancer that counts: haproxy.',
      });
    }
    const share = operation.op === 'route.set' ? (operation.to?.canaryBasisPoints ?? 0) : 0;
    const step = able.shareStepBasisPoints;
    if (share > 0 && (step === undefined || share % step !== 0)) {
      held.set(`share ${balancer}`, {
        ...common,
        code: 'balancer-share-too-fine',
        summary: 'The load balancer cannot give such a share',
        detail: `${service.address} is to get ${share / 100}% of the requests, and ${balancer} ${step === undefined ? 'gives a route to one pool only' : `gives shares in steps of ${step / 100}%`}.`,
        hint: 'Choose shares that it can give, or another load balancer.',
      });
    }
  }
  return [...held.values()];
}

/** What moving traffic will cost clients, where it costs them anything: once for each balancer, with how often. */
export function warnOfCosts(
  steps: readonly Step[],
  traits: ReadonlyMap<Address, Traits>,
): readonly Diagnostic[] {
  return [...traits].flatMap(([balancer, { switchCost }]) => {
    const switches = steps.filter(
      ({ operation }) => operation.op === 'route.set' && operation.balancer === balancer,
    ).length;
    if (switchCost === undefined || switches === 0) return [];
    const often =
      switches === 1 ? 'once in this plan, and then' : `${switches} times in this plan, and each time`;
    return [
      {
        code: 'switch-costs',
        severity: 'warning',
        summary: 'Moving traffic costs some clients a request',
        detail: `${balancer} is told ${often} ${switchCost.each}.`,
        hint: switchCost.instead,
        address: balancer,
      } satisfies Diagnostic,
    ];
  });
}
