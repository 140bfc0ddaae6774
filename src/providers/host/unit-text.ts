import {
  type HostDeclared,
  type InstanceDeclared,
  releaseDirectory,
  type ServiceDeclared,
} from '../../model/index.ts';
import { ownFolder, releaseFolder } from './layout.ts';
import { runAs } from './processes.ts';
import { renderUnit, secretsFileIn, unitDescription } from './systemd-unit.ts';

/**
 * The unit file that a start of this instance writes, for comparisons: as the files say it, with a `~` that only the host
 * can resolve. undefined: the process is none of systemd's.
 */
export function declaredUnitText(
  { address: service, install, release }: ServiceDeclared,
  { process }: InstanceDeclared,
  host: HostDeclared,
): string | undefined {
  if (process?.kind !== 'systemd') return undefined;
  const place = { service, host: host.name, install };
  const user = runAs(host, place, process.user);
  const hasSecrets = Object.values(process.environment).some((value) => typeof value !== 'string');
  return renderUnit({
    process,
    folder: releaseFolder(place, releaseDirectory(release)),
    user: user === 'root' ? undefined : user,
    description: unitDescription(process.unit),
    secretsFile: hasSecrets ? secretsFileIn(`${ownFolder(install.root)}/${process.unit}`) : undefined,
  });
}
