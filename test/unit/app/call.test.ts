import { describe, expect, test } from 'vitest';
import { Call } from '../../../src/app/call.ts';

const at = '/srv/shop';
const called = (...words: readonly string[]): Call => {
  const call = new Call(words, () => at);
  call.means(`${at}/environments/prod`);
  call.takes([
    { name: 'version', isSensitive: false, isRequired: false },
    { name: 'region', isSensitive: false, isRequired: true },
    { name: 'token', isSensitive: true, isRequired: false },
  ]);
  return call;
};

describe('a command in a message', () => {
  test.for([
    [
      'names the environment',
      ['plan'],
      'Go on with:  deployctl apply ENV --resume',
      'Go on with:  deployctl apply prod --resume',
    ],
    [
      'has the folder of -C',
      ['-C', '../shop', 'plan', 'prod'],
      'deployctl status ENV',
      'deployctl -C ../shop status prod',
    ],
    [
      'has the folder of --chdir=',
      ['--chdir=/a b', 'plan'],
      'deployctl status ENV',
      "deployctl -C '/a b' status prod",
    ],
    [
      'has it where no environment is named',
      ['-C', 'x', 'plan'],
      'deployctl lab status',
      'deployctl -C x lab status',
    ],
    [
      'has it before the file of a plan',
      ['-C', 'x', 'plan'],
      'deployctl apply P.plan',
      'deployctl -C x apply P.plan',
    ],
    [
      'that plans has the values that were given',
      ['plan', 'prod', '--var', 'version=2.0.0', '--var-file=a b.hcl'],
      'deployctl plan ENV --out p',
      "deployctl plan prod --var version=2.0.0 --var-file 'a b.hcl' --out p",
    ],
    [
      'that only looks has no values',
      ['plan', 'prod', '--var', 'version=2.0.0'],
      'deployctl status ENV',
      'deployctl status prod',
    ],
    [
      'that only looks has them where it could not be read without',
      ['plan', '--var', 'region=eu'],
      'deployctl status ENV',
      'deployctl status prod --var region=eu',
    ],
    [
      'that goes back finds its values in the record',
      ['plan', '--var', 'region=eu', '--var-file', 'x'],
      'deployctl revert ENV',
      'deployctl revert prod',
    ],
    [
      'that goes on with a run has none',
      ['apply', '--var', 'region=eu'],
      'deployctl apply ENV --resume',
      'deployctl apply prod --resume',
    ],
    [
      'shows no sensitive value',
      ['plan', '--var', 'token=hunter2'],
      'deployctl plan ENV',
      'deployctl plan prod --var token=<sensitive>',
    ],
    [
      'has its address quoted',
      ['plan'],
      'deployctl snippet ENV load_balancer.edge["eu"]',
      `deployctl snippet prod 'load_balancer.edge["eu"]'`,
    ],
    [
      'keeps the full stop behind it',
      ['plan'],
      'See deployctl snippet ENV load_balancer.edge.',
      'See deployctl snippet prod load_balancer.edge.',
    ],
  ] as const)('%s', ([, words, text, want]) => {
    expect(called(...words).pasteable(text)).toBe(want);
  });

  test('says ENV as long as nobody knows which is meant', () => {
    expect(new Call(['plan'], () => at).pasteable('deployctl plan ENV')).toBe('deployctl plan ENV');
  });

  test('is left alone where it is only talked about', () => {
    const text = 'What deployctl shows, and what "deployctl show" needs.';
    expect(called('-C', 'x', 'plan').pasteable(text)).toBe(text);
  });
});

describe('the environment is called', () => {
  test.for([
    ['by its name', `${at}/environments/prod`, 'prod'],
    ['by a path that begins with ./ where its name alone could be another', `${at}/prod`, './prod'],
    ['by a path', '/srv/other/environments/prod', '../other/environments/prod'],
    ['by a path from where one stands', '/home/kim/prod', '../../home/kim/prod'],
    ['. where one stands in it', at, '.'],
  ] as const)('%s', ([, folder, want]) => {
    const call = new Call([], () => at);
    call.means(folder);
    expect(call.pasteable('deployctl plan ENV')).toBe(`deployctl plan ${want}`);
  });
});

describe('what is kept of the command that was typed', () => {
  test('has no sensitive value', () => {
    const call = called(
      'apply',
      'prod',
      '--var',
      'token=hunter2',
      '--var=token=hunter3',
      '--var',
      'version=2.0.0',
    );
    expect(call.commandLine).toBe(
      'deployctl apply prod --var token=<sensitive> --var=token=<sensitive> --var version=2.0.0',
    );
  });

  test('has no value at all where the configuration was not read', () => {
    const call = new Call(['abort', 'prod', '--var', 'token=hunter2'], () => at);
    expect(call.commandLine).toBe('deployctl abort prod --var token=<sensitive>');
  });
});
