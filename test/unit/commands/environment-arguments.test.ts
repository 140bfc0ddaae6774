import { describe, expect, test } from 'vitest';
import { splitWords, withEnvironmentArguments } from '../../../src/commands/environment-arguments.ts';

describe('words are split as sh splits them', () => {
  test.for([
    ['nothing', '', []],
    ['blanks only', ' \t\n ', []],
    ['words between blanks', '  --concise   --var  x=1 ', ['--concise', '--var', 'x=1']],
    ['single quotes keep everything', `--var 'a=b  "c" \\d'`, ['--var', 'a=b  "c" \\d']],
    ['double quotes keep blanks', '--var "a=b c"', ['--var', 'a=b c']],
    ['backslashes in double quotes', '"a\\"b\\\\c\\n"', ['a"b\\c\\n']],
    ['quotes inside a word', `--var=a'b c'"d e"f`, ['--var=ab cd ef']],
    ['a backslash keeps the next character', 'a\\ b \\"', ['a b', '"']],
    ['an empty word', `'' ""`, ['', '']],
    ['nothing is expanded', '$HOME * ~', ['$HOME', '*', '~']],
  ] as const)('%s', ([, text, words]) => {
    expect(splitWords(text)).toEqual(words);
  });

  test.for([
    ['a single quote', "--var 'x"],
    ['a double quote', 'a "b'],
    ['a quote in a word', "a'b"],
    ['a backslash at the end', 'a \\'],
  ] as const)('%s left open is refused', ([, text]) => {
    expect(splitWords(text)).toBeUndefined();
  });
});

describe('arguments of the environment', () => {
  test('stand before those that were typed, the command’s own after those of all commands', () => {
    const environment = {
      DEPLOYCTL_CLI_ARGS: '--a',
      DEPLOYCTL_CLI_ARGS_state_list: '--b c',
      DEPLOYCTL_CLI_ARGS_plan: '--d',
    };
    expect(withEnvironmentArguments('state list', ['--e'], environment)).toEqual({
      ok: true,
      value: ['--a', '--b', 'c', '--e'],
      diagnostics: [],
    });
  });

  test('that cannot be read end the command, and every variable that is wrong is named', () => {
    const environment = { DEPLOYCTL_CLI_ARGS: "'", DEPLOYCTL_CLI_ARGS_plan: '"' };
    const outcome = withEnvironmentArguments('plan', [], environment);
    expect(outcome.ok).toBe(false);
    expect(
      outcome.diagnostics.map(({ code, detail }) => [code, detail.includes('DEPLOYCTL_CLI_ARGS_plan')]),
    ).toEqual([
      ['cli-args-unclosed-quote', false],
      ['cli-args-unclosed-quote', true],
    ]);
  });
});
