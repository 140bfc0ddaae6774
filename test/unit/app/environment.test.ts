import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  findEnvironment,
  readAutoVariables,
  readConfiguration,
  unreadVariableFiles,
} from '../../../src/app/environment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (path: string, text = ''): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const find = (ask: string | undefined) => findEnvironment(ask, folder);
const code = (ask: string | undefined) => {
  const found = find(ask);
  return found.ok ? found.value.name : found.diagnostics[0]?.code;
};

describe('an environment is found', () => {
  test('by its name, and by a path', () => {
    put('environments/prod/a.hcl');
    put('elsewhere/stage/a.hcl');
    expect(code('prod')).toBe('prod');
    expect(code('environments/prod')).toBe('prod');
    expect(code(join(folder, 'elsewhere/stage'))).toBe('stage');
  });

  test('without a word where there is only one', () => {
    put('environments/prod/a.hcl');
    expect(code(undefined)).toBe('prod');
  });

  test('by its name rather than as a folder beside it', () => {
    put('environments/prod/a.hcl');
    put('prod/a.hcl');
    const found = find('prod');
    expect(found.ok && found.value.displayFolder).toBe('environments/prod');
  });

  test('and the state of an environment by path begins where its environments are', () => {
    put('project/environments/prod/a.hcl');
    const found = find('project/environments/prod');
    expect(found.ok && found.value.projectFolder).toBe(join(folder, 'project'));
  });

  test.for([
    ['nothing is there', undefined, 'no-environment'],
    ['the name is wrong', 'prdo', 'no-such-environment'],
  ] as const)('or an error says that %s', ([, ask, expected]) => {
    expect(code(ask)).toBe(expected);
  });

  test('or an error asks which one of several', () => {
    put('environments/prod/a.hcl');
    put('environments/stage/a.hcl');
    expect(code(undefined)).toBe('which-environment');
    expect(code('plan.json')).toBe('no-such-environment');
  });
});

test('its files are read in the order of their names, and values of variables apart from them', () => {
  for (const name of ['b.hcl', 'a.hcl', 'x.auto.vars.hcl', 'prod.vars.hcl', 'notes.md', '.hidden.hcl'])
    put(`e/${name}`);
  const environment = { folder: join(folder, 'e'), displayFolder: 'e' };
  expect(readConfiguration(environment).map((file) => file.path)).toEqual(['e/a.hcl', 'e/b.hcl']);
  expect(readAutoVariables(environment).map((file) => file.path)).toEqual(['e/x.auto.vars.hcl']);
  expect(unreadVariableFiles(environment.folder)).toEqual(['prod.vars.hcl']);
});
