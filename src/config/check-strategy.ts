/** What each strategy needs of its service: slots, traffic, a health check, steps that go up. */
import type { AssembledService, ServiceEntry } from './assemble-services.ts';
import type { Reporter } from './evaluation.ts';
import { listed } from './items.ts';
import type { World } from './world.ts';

type Strategy = ServiceEntry['decoded']['blocks']['strategy'][number];

export function checkStrategy(service: AssembledService, world: World, report: Reporter): void {
  const { entry, traffic } = service;
  const { decoded, address } = entry;
  const [strategy] = decoded.blocks.strategy;
  const slots = decoded.blocks.slot;
  if (strategy === undefined || (!decoded.complete && slots.length === 0)) return;
  const balanced = traffic.filter((each) => each.kind === 'load_balancer');
  const named = traffic.filter((each) => each.kind === 'dns');
  const [, secondRecord] = named;
  if (secondRecord !== undefined) {
    report.error(secondRecord.place, {
      code: 'several-traffic-blocks',
      summary: 'Several DNS records for one service',
      detail: `${address} has ${named.length} traffic "dns" blocks; its traffic can be moved in one place at once only.`,
      hint: 'Point the other names to the first one with CNAME records.',
    });
  }
  const [firstRecord] = named;
  if (
    firstRecord !== undefined &&
    balanced.length === 0 &&
    strategy.kind === 'canary' &&
    slots.length === 2
  ) {
    report.error(strategy.place, {
      code: 'dns-knows-no-shares',
      summary: 'A canary by DNS alone',
      detail: `canary gives ${address} a share of the traffic at a time, and resolvers keep an answer as a whole: a DNS record cannot do that.`,
      hint: 'Add a traffic "load_balancer" block, or use strategy "blue_green".',
    });
  }
  const [, secondTraffic] = balanced;
  if (secondTraffic !== undefined) {
    report.error(secondTraffic.place, {
      code: 'several-traffic-blocks',
      summary: 'Several load balancers for one service',
      detail: `${address} has ${balanced.length} traffic "load_balancer" blocks; its traffic can be moved in one place at once only.`,
    });
  }
  // With a block that could not be read, what is there cannot be told for certain.
  if (decoded.complete) checkSlotCount(entry, strategy, report);
  checkTraffic(entry, strategy, report);
  if (decoded.complete) checkHealth(entry, strategy, report);
  if (strategy.kind === 'canary') checkSteps(entry, strategy, report);
  const resolvers = named.flatMap(({ resolvedBy }) => resolvedBy ?? []);
  for (const each of [...balanced, ...resolvers]) {
    if (!world.balancers.some((balancer) => balancer.address === each.balancer)) continue;
    for (const slot of slots) {
      if (slot.args.port !== undefined || !slot.sound) continue;
      report.error(slot.place, {
        code: 'slot-without-port',
        summary: 'Slot without a port',
        detail: `The slot "${slot.labels[0]}" of ${address} is a pool of ${each.balancer}, and has no port that requests could be sent to.`,
        hint: 'Set port in the slot.',
      });
    }
  }
}

function checkSlotCount({ decoded, address }: ServiceEntry, strategy: Strategy, report: Reporter): void {
  const count = decoded.blocks.slot.length;
  const names = listed(decoded.blocks.slot.map((slot) => slot.labels[0] ?? ''));
  const refuse = (detail: string, hint: string | undefined): void =>
    report.error(strategy.place, {
      code: 'strategy-slots',
      summary: 'Wrong number of slots for the strategy',
      detail,
      hint,
    });
  switch (strategy.kind) {
    case 'blue_green':
      if (count === 2) return;
      refuse(
        `blue_green moves traffic between exactly two slots, and ${address} has ${count === 1 ? `only ${names}` : `${count}: ${names}`}.`,
        count === 1
          ? 'Add a second slot on other ports or other hosts, or use strategy "in_place".'
          : undefined,
      );
      return;
    case 'canary':
      if (count === 1 || count === 2) return;
      refuse(
        `canary shares the traffic between two slots, or upgrades the hosts of a single one, and ${address} has ${count}: ${names}.`,
        'Leave one slot or two.',
      );
      return;
    case 'in_place':
    case 'rolling':
      if (count === 1) return;
      refuse(
        `${strategy.kind} replaces the release in one slot, and ${address} has ${count}: ${names}.`,
        `Leave one slot, or use strategy "${strategy.kind === 'rolling' ? 'canary' : 'blue_green'}".`,
      );
      return;
  }
}

/** Whoever moves requests must be told where. */
function checkTraffic({ decoded, address }: ServiceEntry, strategy: Strategy, report: Reporter): void {
  if (decoded.blocks.traffic.length > 0 || !decoded.complete) return;
  const sharesTraffic = strategy.kind === 'canary' && decoded.blocks.slot.length === 2;
  if (strategy.kind !== 'blue_green' && !sharesTraffic) return;
  report.error(strategy.place, {
    code: 'strategy-needs-traffic',
    summary: 'Strategy without traffic',
    detail:
      strategy.kind === 'canary'
        ? `canary gives a share of the traffic of ${address} to one of its two slots, and no traffic block says where that is done.`
        : `blue_green moves the traffic of ${address} from one slot to the other, and no traffic block says where that is done.`,
    hint: `Add a traffic "load_balancer"${strategy.kind === 'canary' ? '' : ' or "dns"'} block, or ${strategy.kind === 'canary' ? 'leave one slot' : 'use strategy "in_place"'}.`,
  });
}

/** Whoever sends requests to a slot that had none must know before that it works. */
function checkHealth({ decoded, address }: ServiceEntry, strategy: Strategy, report: Reporter): void {
  const [health] = decoded.perInstance.health;
  const sharesTraffic = strategy.kind === 'canary' && decoded.blocks.slot.length === 2;
  if (health !== undefined || (strategy.kind !== 'blue_green' && !sharesTraffic)) return;
  const what = sharesTraffic
    ? 'canary sends requests to the idle slot'
    : 'blue_green moves all traffic at once';
  report.error(strategy.place, {
    code: 'strategy-needs-health',
    summary: 'Strategy without a health check',
    detail: `${what}, so it must be known before that the new release of ${address} works; no health block says how.`,
    hint: 'Add a health "http", "tcp" or "command" block.',
  });
}

/** Shares never fall, and what comes after the whole could not be a step. */
function checkSteps(
  { address }: ServiceEntry,
  { blocks }: Extract<Strategy, { kind: 'canary' }>,
  report: Reporter,
): void {
  let before: number | undefined;
  for (const step of blocks.step) {
    for (const audience of step.blocks.audience) {
      const { header = {}, cookie = {}, query = {} } = audience.args;
      if (Object.keys({ ...header, ...cookie, ...query }).length > 0) continue;
      report.error(audience.place, {
        code: 'audience-empty',
        summary: 'Audience of nobody',
        detail: `This audience of ${address} names no header, no cookie and no part of a query, so no request belongs to it.`,
        hint: 'Write who it is, as in: header = { "X-Beta" = "1" }',
      });
    }
    const { share } = step.args;
    if (before !== undefined && (share < before || before === 100)) {
      report.error(step.at('share'), {
        code: 'canary-shares-fall',
        summary: 'The shares of a canary do not go up',
        detail:
          before === 100
            ? `A step of ${address} before this one has all requests already, so nothing can follow it.`
            : `This step of ${address} has ${share}%, and the one before it ${before}%: users would be sent back and forth.`,
        hint: 'Put the steps in the order of their shares. To send users back, abort the run.',
      });
    }
    before = share;
  }
}
