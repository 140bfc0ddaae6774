import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openLog } from '../../../src/commands/log.ts';
import { wantsColor } from '../../../src/commands/terminal.ts';

test.for([
  ['a terminal', {}, true, true],
  ['a pipe', {}, false, false],
  ['NO_COLOR on a terminal', { NO_COLOR: '1' }, true, false],
  ['an empty NO_COLOR, which says nothing', { NO_COLOR: '' }, true, true],
  ['FORCE_COLOR into a pipe', { FORCE_COLOR: '1' }, false, true],
  ['an empty FORCE_COLOR into a pipe', { FORCE_COLOR: '' }, false, true],
  ['FORCE_COLOR=0 on a terminal', { FORCE_COLOR: '0' }, true, false],
  ['both: NO_COLOR wins', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ['a dumb terminal', { TERM: 'dumb' }, true, false],
] as const)('colour on %s', ([, environment, isTerminal, wanted]) => {
  expect(wantsColor(environment, isTerminal)).toBe(wanted);
});

test.for([
  [undefined, []],
  ['off', []],
  ['info', ['INFO']],
  ['DEBUG', ['INFO', 'DEBUG']],
  ['trace', ['INFO', 'DEBUG', 'TRACE']],
  ['everything', ['INFO', 'DEBUG', 'TRACE']],
] as const)('DEPLOYCTL_LOG=%s shows %s', ([level, shown]) => {
  const stderr = new PassThrough();
  const log = openLog({ DEPLOYCTL_LOG: level }, stderr, () => 0);
  log.info('a');
  log.debug('b\u001b[2J');
  log.trace('c');
  const text = String(stderr.read() ?? '');
  expect(text.match(/(?<=\[)[A-Z]+(?=\])/g) ?? []).toEqual(shown);
  expect(text).not.toContain('\u001b');
});
