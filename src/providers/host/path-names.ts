import { type HostDeclared, unreachable } from '../../model/index.ts';
import { hostFailure } from '../../transport/index.ts';
import { isPathComponent } from './layout.ts';
import type { RootOperation } from './standing.ts';

/**
 * Names become parts of paths on the host: whatever came through, none of them may lead elsewhere. Throws a
 * `ProviderFailure` before anything is done.
 */
export function checkNames(host: HostDeclared, operation: RootOperation): void {
  const { root } = operation.place.install;
  const names: (string | null)[] = [];
  switch (operation.op) {
    case 'release.put':
      names.push(operation.directory, operation.artifact.fileName);
      break;
    case 'release.remove':
      names.push(operation.directory);
      break;
    case 'release.prune':
      names.push(...operation.directories.map(({ directory }) => directory));
      break;
    case 'slot.link':
      names.push(operation.slot, operation.to);
      break;
    case 'process.set':
      names.push(operation.slot, operation.to?.release ?? null, operation.to?.process.unit ?? null);
      break;
    case 'health.verify':
      names.push(operation.slot);
      break;
    default:
      unreachable(operation);
  }
  const bad = names.find((name) => name !== null && !isPathComponent(name));
  const badRoot = !root.startsWith('/') || root === '/' || root.split('/').includes('..');
  if (bad === undefined && !badRoot) return;
  throw hostFailure(host, 'none', {
    code: 'unsafe-path',
    summary: 'Name cannot be a part of a path',
    detail: `${JSON.stringify(badRoot ? root : bad)} cannot be ${badRoot ? 'an install root' : 'the name of a file or folder on a host'}.`,
  });
}
