/** What keeps a service from being acted on, each with its reason. */
import type { Diagnostic } from '../model/index.ts';
import { memberOf, poolOf, type Situation, unseen } from '../strategies/situation.ts';

/** Something of the service could not be seen: acting on half a picture is how outages begin. */
export const holdUnseen = (situation: Situation): readonly Diagnostic[] =>
  unseen(situation).map((why) => ({ ...why, address: why.address ?? situation.service.address }));

/** The balancer has no such server: no traffic would ever reach it. */
export function holdMissingMembers(situation: Situation): readonly Diagnostic[] {
  const { balancer, service, traffic } = situation;
  if (balancer === undefined || traffic === undefined || situation.writesPools) return [];
  return service.slots.flatMap((slot) => {
    const missing = slot.instances.filter((each) => memberOf(situation, slot, each)?.status === 'absent');
    if (missing.length === 0) return [];
    return [
      {
        code: 'member-missing',
        severity: 'error',
        summary: 'The load balancer does not know the pool or a member of it',
        detail: `${balancer.address} has no ${missing.map((each) => each.host).join(', ')} in its pool ${poolOf(situation, slot)}, which ${slot.address} needs.`,
        hint: `What its configuration must contain:  deployctl snippet ${balancer.address}`,
        subject: traffic.origin,
        address: balancer.address,
      } satisfies Diagnostic,
    ];
  });
}
