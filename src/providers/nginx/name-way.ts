/** The way of names: nginx follows a DNS record by itself, and deployctl sees every worker do it. */
import { asInstant, type BalancerDeclared, type Diagnostic, type Traits } from '../../model/index.ts';
import { asDiagnostic } from '../balancer/failure.ts';
import { checkProbed } from '../balancer/probed/check.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { NameWay } from '../balancer/ways.ts';
import { renderNameSnippet } from './by-name.ts';
import { nameDriver } from './name-driver.ts';

const traits: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: undefined,
  drainsMembers: false,
  writesPools: false,
  countsRequests: false,
};

export const nameWay: NameWay = {
  traits: () => traits,
  check: (balancer) => [
    ...checkProbed(balancer, { paths: ['pid_file'], loopback: ['probe_address'] }),
    ...complaints(balancer),
  ],
  open: (declared, channels, now = () => asInstant(Date.now())) =>
    openBalancer({
      declared,
      traits,
      driver: nameDriver(declared, channels),
      now,
      renderConfig: () => undefined,
    }),
  snippet: renderNameSnippet,
};

/** What nginx cannot follow. */
function complaints(balancer: BalancerDeclared): readonly Diagnostic[] {
  const { address, origin, resolved = [] } = balancer;
  const complain = (detail: string, hint: string): Diagnostic => ({
    ...asDiagnostic({
      code: 'balancer-cannot-follow',
      summary: 'The load balancer cannot follow this name',
      detail,
      hint,
      address,
    }),
    subject: origin,
  });
  const zones = [...new Set(resolved.map(({ zone }) => zone))];
  return [
    ...resolved
      .filter(({ record }) => record.type === 'SRV')
      .map(({ record }) =>
        complain(
          `${record.name} is of type SRV, and nginx resolves addresses only.`,
          'Use type A or AAAA, with one port for both slots.',
        ),
      ),
    ...(zones.length < 2
      ? []
      : [
          complain(
            `${address} would follow names of ${zones.length} zones (${zones.join(', ')}), and a server of nginx has one set of name servers, each of which knows its own zone only.`,
            'Declare a load_balancer block for each zone, with a probe_address of its own.',
          ),
        ]),
  ];
}
