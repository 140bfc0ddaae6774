/** What `init` writes, in real folders: valid and formatted as it is, and never over anything. */

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Call } from '../../../src/app/call.ts';
import { systemClock } from '../../../src/app/clock.ts';
import type { AppContext } from '../../../src/app/context.ts';
import { AppFailure } from '../../../src/app/failure.ts';
import { findUnformatted } from '../../../src/app/format.ts';
import { beginEnvironment } from '../../../src/app/init.ts';
import { loadDeclaration, validate } from '../../../src/app/load.ts';
import { startingBalancers } from '../../../src/app/starting-configuration.ts';
import { temporaryFolder } from '../../rig/state.ts';

const contextIn = (cwd: string): AppContext => ({
  cwd,
  environment: {},
  clock: systemClock,
  toolVersion: '0.1.0',
  call: new Call(['init']),
});

const refused = (attempt: () => unknown): readonly (readonly [string, string])[] => {
  try {
    attempt();
    return [];
  } catch (error) {
    if (!(error instanceof AppFailure)) throw error;
    return error.diagnostics.map(({ code, detail }) => [code, detail]);
  }
};

describe.for(startingBalancers)('with %s', (balancer) => {
  test.for([
    [undefined, 'prod'] as const,
    ['staging', 'staging'] as const,
    ['deploy/live', 'deploy/live'] as const,
  ])('for %j', async ([asked, name]) => {
    using folder = temporaryFolder();
    const begun = beginEnvironment(asked, balancer, folder.path);
    expect(begun).toMatchObject({ name, ignored: '.gitignore' });
    const ask = { environment: begun.name, variables: [], variableFiles: [] };
    const cx = contextIn(folder.path);
    expect((await validate(ask, cx)).diagnostics).toEqual([]);
    const { declared } = await loadDeclaration(ask, cx);
    expect(declared.balancers).toMatchObject([{ provider: balancer }]);
    expect(declared.services).toMatchObject([{ strategy: { kind: 'blue_green' }, slots: [{}, {}] }]);
    expect(findUnformatted(['.'], folder.path)).toEqual({ files: [], diagnostics: [] });
  });
});

test('.gitignore is begun or gone on with, once, and its last line is not broken', () => {
  using folder = temporaryFolder();
  const ignore = join(folder.path, '.gitignore');
  writeFileSync(ignore, 'node_modules');
  expect(beginEnvironment(undefined, 'haproxy', folder.path).ignored).toBe('.gitignore');
  expect(readFileSync(ignore, 'utf8').split('\n')).toEqual([
    'node_modules',
    '# what deployctl records on this machine',
    '.deployctl/',
    '',
  ]);
  expect(beginEnvironment('staging', 'haproxy', folder.path).ignored).toBeUndefined();
});

test('nothing is written over, and nothing beside what is there', () => {
  using folder = temporaryFolder();
  const there = join(folder.path, 'environments/prod');
  mkdirSync(there, { recursive: true });
  writeFileSync(join(there, 'hosts.hcl'), '# mine\n');
  for (const asked of [undefined, 'prod', 'environments/prod', './environments/prod/']) {
    expect(refused(() => beginEnvironment(asked, 'haproxy', folder.path))).toMatchObject([
      ['environment-exists', expect.stringContaining('Nothing was written')],
    ]);
  }
  expect(existsSync(join(there, 'main.hcl'))).toBe(false);
  expect(existsSync(join(folder.path, '.gitignore'))).toBe(false);
});

test.for(['a b', '-x', '..', '.hidden', 'ü', ''])('%j is no name for an environment', (name) => {
  using folder = temporaryFolder();
  expect(refused(() => beginEnvironment(name, 'haproxy', folder.path))).toMatchObject([
    ['environment-name-invalid', expect.any(String)],
  ]);
});

test('a folder that cannot be written says why', () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'environments'), '');
  expect(refused(() => beginEnvironment('prod', 'haproxy', folder.path))).toEqual([
    ['not-written', 'environments/prod: a file stands where a folder should be.'],
  ]);
});

test.skipIf(process.getuid?.() === 0)(
  'so does one that is not ours (not for root, who may write anywhere)',
  () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o500);
    expect(refused(() => beginEnvironment('prod', 'haproxy', folder.path))).toEqual([
      ['not-written', 'environments/prod/main.hcl: this user may not write there.'],
    ]);
  },
);
