/** Loads a folder of configuration from the disk, with a world that answers the same every time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Loaded, type LoadInput, loadConfig, validateConfig } from '../../../src/config/load.ts';
import type { BalancerKind } from '../../../src/config/schema/balancers.ts';
import { asSha256 } from '../../../src/model/index.ts';
import { caddy } from '../../../src/providers/caddy/index.ts';
import { nginx } from '../../../src/providers/nginx/index.ts';
import { renderDiagnostic } from '../../../src/ui/diagnostic.ts';

export const haproxy: BalancerKind = {
  name: 'haproxy',
  resolvesNames: true,
  description: 'HAProxy.',
  settings: [
    { name: 'map_file', type: 'path', required: true, description: 'The map.' },
    {
      name: 'master_socket',
      type: 'path',
      required: false,
      default: '/run/haproxy-master.sock',
      description: 'The master socket.',
    },
    { name: 'config_file', type: 'path', required: false, description: 'The configuration.' },
  ],
};

const hclFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.hcl'))
    .sort();

/** Every artifact exists, except those with `missing` in their name. */
export const readArtifact: LoadInput['ports']['readArtifact'] = async (location) =>
  location.includes('/missing')
    ? {
        code: 'artifact-missing',
        severity: 'error',
        summary: 'The artifact is not there',
        detail: `There is nothing at ${location.split('/').slice(-2).join('/')}.`,
      }
    : {
        path: location,
        kind: 'archive',
        fileName: location.split('/').at(-1) ?? '',
        sha256: asSha256('0123456789abcdef'.repeat(4)),
        bytes: 1024,
      };

export const inputOf = (
  folder: string,
  files: LoadInput['files'],
  variables: LoadInput['variables'] = {},
): LoadInput => ({
  environment: 'prod',
  folder,
  projectFolder: '/project',
  files,
  variables,
  balancerKinds: async () => [haproxy, nginx, caddy],
  operator: { homeFolder: '/home/kim', userName: 'kim' },
  ports: {
    readArtifact,
    readModule: async (target) => {
      try {
        return {
          files: hclFiles(target).map((name) => ({
            path: relative(folder, join(target, name)),
            bytes: readFileSync(join(target, name)),
          })),
        };
      } catch {
        return {
          code: 'module-unreadable',
          severity: 'error',
          summary: 'Unreadable module directory',
          detail: `The directory ${relative(folder, target)} could not be read.`,
        };
      }
    },
    evaluation: {},
  },
  toolVersion: '0.1.0',
});

export function inputOfFolder(folder: string, variables: LoadInput['variables'] = {}): LoadInput {
  const files = hclFiles(folder).map((name) => ({ path: name, bytes: readFileSync(join(folder, name)) }));
  return inputOf(folder, files, variables);
}

/** One file, given as text. */
export const loadText = (text: string, variables: LoadInput['variables'] = {}): Promise<Loaded> =>
  loadConfig(inputOf('/project/environments/prod', [{ path: 'main.hcl', bytes: text }], variables));

export const validateText = (text: string, variables: LoadInput['variables'] = {}): Promise<Loaded> =>
  validateConfig(inputOf('/project/environments/prod', [{ path: 'main.hcl', bytes: text }], variables));

/** The diagnostics as a person sees them, 100 columns wide and without colour. */
export const rendered = ({ diagnostics, sources }: Loaded): string =>
  diagnostics
    .map((diagnostic) =>
      renderDiagnostic(diagnostic, {
        sources: (file) => sources.get(file)?.text,
        color: false,
        width: 100,
      }),
    )
    .join('');
