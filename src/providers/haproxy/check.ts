/** What HAProxy could not take, said before anything is read or sent. Pure. */
import type { BalancerDeclared, Diagnostic } from '../../model/index.ts';
import { asDiagnostic } from '../balancer/failure.ts';
import { isPlainName, isPlainPath } from './render.ts';
import { readSettings } from './settings.ts';

export function checkHaproxy(balancer: BalancerDeclared): readonly Diagnostic[] {
  const { address, origin } = balancer;
  const names = [
    ...balancer.routes.map(({ route }) => ({ what: 'route', name: route })),
    ...(balancer.resolved ?? []).map(({ name }) => ({ what: 'pool', name })),
    ...balancer.pools.flatMap((pool) => [
      { what: 'pool', name: pool.name },
      ...pool.members.map(({ name }) => ({ what: `member of the pool ${JSON.stringify(pool.name)}`, name })),
    ]),
  ].filter(({ name }) => !isPlainName(name));
  const { mapFile, masterSocket, configFile, probeSocket, serverStateFile } = readSettings(balancer);
  const paths = [
    { what: 'map_file', path: mapFile },
    { what: 'master_socket', path: masterSocket },
    { what: 'probe_socket', path: probeSocket },
    { what: 'config_file', path: configFile },
    { what: 'server_state_file', path: serverStateFile },
  ].filter(
    (each): each is { what: string; path: string } => each.path !== undefined && !isPlainPath(each.path),
  );
  // HAProxy tells by the first character of a name whether to ask for an SRV record (RFC 2782) or for addresses.
  const unlikeSrv = (balancer.resolved ?? []).filter(
    ({ record }) => record.type === 'SRV' && !record.name.startsWith('_'),
  );
  // sun_path holds 108 bytes with its zero, and HAProxy binds a socket under a longer name first (.<pid>.tmp).
  const longSockets = [{ what: 'probe_socket', path: probeSocket }].filter(({ path }) => path.length > 94);
  return [
    ...names.map(({ what, name }) =>
      asDiagnostic({
        code: 'haproxy-name',
        summary: 'HAProxy cannot take this name',
        detail: `The ${what} of ${address} is called ${JSON.stringify(name)}; a name in HAProxy has letters, digits, "_", "." and "-" only.`,
        hint: 'Give it a name of these characters.',
        address,
      }),
    ),
    ...paths.map(({ what, path }) =>
      asDiagnostic({
        code: 'haproxy-path',
        summary: 'HAProxy cannot take this path',
        detail: `${what} of ${address} is ${JSON.stringify(path)}; it must be absolute, and without blanks, quotes, ";" and "#", which mean something else to HAProxy.`,
        hint: 'Choose another path.',
        address,
      }),
    ),
    ...unlikeSrv.map(({ record }) =>
      asDiagnostic({
        code: 'haproxy-srv-name',
        summary: 'HAProxy would not ask for this SRV record',
        detail: `${address} is to find servers by ${record.name}, of type SRV; HAProxy asks for SRV records only where a name begins with "_", and else for addresses.`,
        hint: 'Name it by service and protocol, for example: name = "_shop._tcp"',
        address,
      }),
    ),
    ...longSockets.map(({ what, path }) =>
      asDiagnostic({
        code: 'haproxy-socket-path',
        summary: 'The path of a socket is too long',
        detail: `${what} of ${address} has ${path.length} characters; HAProxy can bind a unix socket of at most 94.`,
        hint: 'Set probe_socket to a shorter path, in /run for example.',
        address,
      }),
    ),
  ].map((diagnostic) => ({ ...diagnostic, subject: origin }));
}
