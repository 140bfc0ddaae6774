/** What the lab says of itself, as far as it can be used from where one stands. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statusText } from '../../../src/commands/lab/status-text.ts';
import { temporaryFolder } from '../../rig/state.ts';

const status = (project: string, network: string) => ({
  folder: join(project, '.deployctl/lab'),
  up: true,
  network,
  hosts: [],
  dns: { address: `${network}.10`, port: 8053, zone: 'lab.test.' },
  url: `http://${network}.10:8080/`,
  traffic: undefined,
});

test('the environment of the lab is named where it is, with the network that it needs', () => {
  using folder = temporaryFolder();
  expect(statusText(status(folder.path, '127.7.0'), false)).toContain('is not here: copy it');
  mkdirSync(join(folder.path, 'environments/lab'), { recursive: true });
  expect(statusText(status(folder.path, '127.7.0'), false)).toMatch(/environments\/lab declares it\.$/m);
  expect(statusText(status(folder.path, '127.8.1'), false)).toContain('with --var network=127.8.1.');
});
