/** What a balancer that is asked by a probe could not take, said before anything is read or sent. Pure. */
import type { BalancerDeclared, Diagnostic } from '../../../model/index.ts';
import { asDiagnostic } from '../failure.ts';
import { parseLoopback } from './settings.ts';

/** Names of routes, pools and members become names of files and words of a configuration. */
const isPlainName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name);
const isPlainPath = (path: string): boolean => /^\/[A-Za-z0-9_.,@%+=/-]{1,200}$/.test(path);

/** Of its settings, `paths` become words of a configuration, and `loopback` are addresses that only its host may reach. */
export function checkProbed(
  balancer: BalancerDeclared,
  { paths, loopback }: { readonly paths: readonly string[]; readonly loopback: readonly string[] },
): readonly Diagnostic[] {
  const { address, origin, settings } = balancer;
  const names = [
    ...balancer.routes.map(({ route }) => ({ what: 'route', name: route })),
    ...balancer.pools.flatMap((pool) => [
      { what: 'pool', name: pool.name },
      ...pool.members.map(({ name }) => ({ what: `member of the pool ${JSON.stringify(pool.name)}`, name })),
    ]),
  ].filter(({ name }) => !isPlainName(name));
  const given = (name: string): readonly string[] =>
    settings[name] === undefined ? [] : [String(settings[name])];
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
    ...paths.flatMap((name) =>
      given(name)
        .filter((path) => !isPlainPath(path))
        .map((path) =>
          asDiagnostic({
            code: 'balancer-path',
            summary: 'The load balancer cannot take this path',
            detail: `${name} of ${address} is ${JSON.stringify(path)}; it must be absolute, and without blanks and quotes, which mean something else in a configuration.`,
            hint: 'Choose another path.',
            address,
          }),
        ),
    ),
    ...loopback.flatMap((name) =>
      given(name)
        .filter((text) => parseLoopback(text) === undefined)
        .map((text) =>
          asDiagnostic({
            code: name.replaceAll('_', '-'),
            summary: 'The address is not one of the host itself',
            detail: `${name} of ${address} is ${JSON.stringify(text)}. Whoever reaches it can ask or tell where requests go, so it is an address of loopback with a port.`,
            hint: `For example: ${name} = "127.0.0.1:7790"`,
            address,
          }),
        ),
    ),
  ].map((diagnostic) => ({ ...diagnostic, subject: origin }));
}
