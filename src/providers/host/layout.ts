/**
 * Where things are on a host, below a service's install root:
 *
 *   <root>/<slot>                        symlink to releases/<directory>
 *   <root>/releases/<directory>/         the payload, untouched
 *   <root>/shared/                       the service's own, never changed
 *   <root>/.deployctl/fence              lineage and number of the newest run that wrote here
 *   <root>/.deployctl/releases/<dir>     sha256, bytes, order, time: there last, so a release without it is not whole
 *   <root>/.deployctl/incoming/          what is being brought; left-overs are removed by the next upload
 *   <root>/.deployctl/hooks/<mark>/      one folder for each hook that was run
 *   <root>/.deployctl/<unit>/            one process: what it was started with, its log, its secrets (0600)
 *
 * `.deployctl` belongs to whoever installs (root with `become`), never to the user of the service: what root runs
 * must not be writable for others.
 */
import { type Address, type InstallDeclared, type Place, serviceName } from '../../model/index.ts';

/** The process's unit: the same that the configuration gives to its processes. */
export const unitName = (service: Address, { knownAs }: InstallDeclared, slot: string): string =>
  `${knownAs ?? serviceName(service)}-${slot}`;

export const ownFolder = (root: string): string => `${root}/.deployctl`;
export const releaseFolder = (place: Place, directory: string): string =>
  `${place.install.root}/releases/${directory}`;

/** Names that become one component of a path: no separator, no way up, no option, no control character. */
export const isPathComponent = (name: string): boolean =>
  /^[^/\0-\x1f\x7f]+$/.test(name) &&
  name !== '.' &&
  name !== '..' &&
  !name.startsWith('-') &&
  name !== '.deployctl';
