/** What a balancer with flags could not take, said before anything is read or sent. Pure. */
import type { BalancerDeclared, Diagnostic } from '../../../model/index.ts';
import { asDiagnostic } from '../failure.ts';
import { parseProbeAddress, readFlagSettings } from './settings.ts';

/** Names of routes, pools and members become names of files and words of a configuration. */
const isPlainName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name);
const isPlainPath = (path: string): boolean => /^\/[A-Za-z0-9_.,@%+=/-]{1,200}$/.test(path);

export function checkFlags(balancer: BalancerDeclared): readonly Diagnostic[] {
  const { address, origin, settings } = balancer;
  const { flagsDir } = readFlagSettings(balancer);
  const names = [
    ...balancer.routes.map(({ route }) => ({ what: 'route', name: route })),
    ...balancer.pools.flatMap((pool) => [
      { what: 'pool', name: pool.name },
      ...pool.members.map(({ name }) => ({ what: `member of the pool ${JSON.stringify(pool.name)}`, name })),
    ]),
  ].filter(({ name }) => !isPlainName(name));
  const probe = settings.probe_address;
  return [
    ...names.map(({ what, name }) =>
      asDiagnostic({
        code: 'balancer-name',
        summary: 'The load balancer cannot take this name',
        detail: `The ${what} of ${address} is called ${JSON.stringify(name)}; here a name has letters, digits, "_", "." and "-" only.`,
        hint: 'Give it a name of these characters.',
        address,
      }),
    ),
    ...(isPlainPath(flagsDir)
      ? []
      : [
          asDiagnostic({
            code: 'balancer-path',
            summary: 'The load balancer cannot take this path',
            detail: `flags_dir of ${address} is ${JSON.stringify(flagsDir)}; it must be absolute, and without blanks and quotes, which mean something else in a configuration.`,
            hint: 'Choose another path.',
            address,
          }),
        ]),
    ...(probe === undefined || parseProbeAddress(String(probe)) !== undefined
      ? []
      : [
          asDiagnostic({
            code: 'probe-address',
            summary: 'The probe address is not one of the host itself',
            detail: `probe_address of ${address} is ${JSON.stringify(probe)}. Whoever reaches it can ask where requests go, so it is an address of loopback with a port.`,
            hint: 'For example: probe_address = "127.0.0.1:7790"',
            address,
          }),
        ]),
  ].map((diagnostic) => ({ ...diagnostic, subject: origin }));
}
