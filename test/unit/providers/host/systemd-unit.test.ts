import { describe, expect, test } from 'vitest';
import {
  renderSecretsFile,
  renderUnit,
  type UnitInput,
} from '../../../../src/providers/host/systemd-unit.ts';

const input = (process: Partial<UnitInput['process']> = {}, more: Partial<UnitInput> = {}): UnitInput => ({
  process: {
    kind: 'systemd',
    unit: 'shop-blue',
    command: ['/usr/bin/java', '-jar', 'shop.jar', '--server.port=8081'],
    environment: { SPRING_PROFILES_ACTIVE: 'prod' },
    stopTimeoutMs: 20_000,
    ...process,
  } as UnitInput['process'],
  folder: '/srv/shop/releases/2.0.0-9f86d081',
  user: 'shop',
  description: 'shop-blue (deployctl)',
  secretsFile: undefined,
  ...more,
});

test('the whole unit of an ordinary service', () => {
  expect(
    renderUnit(input()),
  ).toBe(`# Written by deployctl: changes here are shown as drift and overwritten by the next start.
[Unit]
Description=shop-blue (deployctl)
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=60

[Service]
Type=exec
User=shop
WorkingDirectory=/srv/shop/releases/2.0.0-9f86d081
Environment="SPRING_PROFILES_ACTIVE=prod"
ExecStart="/usr/bin/java" "-jar" "shop.jar" "--server.port=8081"
TimeoutStopSec=20
KillMode=mixed
Restart=on-failure
RestartSec=2
SuccessExitStatus=143

[Install]
WantedBy=multi-user.target
`);
});

describe('what systemd would read in its own way is written so that it does not', () => {
  test.for([
    [
      'a program within the release',
      { command: ['bin/run', 'x'] },
      'ExecStart="/srv/shop/releases/2.0.0-9f86d081/bin/run" "x"',
    ],
    [
      'a program within the release, with a dot',
      { command: ['./run'] },
      'ExecStart="/srv/shop/releases/2.0.0-9f86d081/run"',
    ],
    ['a program that is searched', { command: ['java'] }, 'ExecStart="java"'],
    ['specifiers', { command: ['/bin/x', '%n %%'] }, 'ExecStart="/bin/x" "%%n %%%%"'],
    ['variables', { command: ['/bin/x', '$HOME ${A}'] }, 'ExecStart="/bin/x" "$$HOME $${A}"'],
    ['quotes and backslashes', { command: ['/bin/x', `a"b\\c'd`] }, `ExecStart="/bin/x" "a\\"b\\\\c'd"`],
    ['newlines', { command: ['/bin/x', 'a\nb'] }, 'ExecStart="/bin/x" "a\\x0ab"'],
    ['a dollar in the environment', { environment: { A: '$x %h' } }, 'Environment="A=$x %%h"'],
    ['a quote in the environment', { environment: { A: 'say "hi"\n' } }, 'Environment="A=say \\"hi\\"\\x0a"'],
    ['a fraction of a second', { stopTimeoutMs: 1_500 }, 'TimeoutStopSec=2'],
  ] as const)('%s', ([, process, line]) => {
    expect(renderUnit(input(process as Partial<UnitInput['process']>)).split('\n')).toContain(line);
  });

  test('a secret is not in the unit, only the file that holds it', () => {
    const unit = renderUnit(
      input(
        { environment: { TOKEN: { secret: 'api' }, A: 'b' } },
        { secretsFile: '/srv/100%/environment.systemd' },
      ),
    );
    expect(unit).not.toContain('TOKEN');
    expect(unit).toContain('EnvironmentFile=/srv/100%%/environment.systemd\n');
  });

  test('a line break in the description cannot begin another line', () => {
    const unit = renderUnit(input({}, { description: 'x\n[Service]\nExecStartPre=/bin/evil' }));
    expect(unit.split('\n').filter((line) => line.startsWith('ExecStartPre'))).toEqual([]);
  });

  test('root is not named: it is what systemd runs as anyway', () => {
    expect(renderUnit(input({}, { user: undefined }))).not.toContain('User=');
  });
});

test('secrets are written so that systemd takes them as they are', () => {
  expect(renderSecretsFile({ A: 'p"a\\s$s`', B: 'two\nlines' })).toBe(
    'A="p\\"a\\\\s\\$s\\`"\nB="two\nlines"\n',
  );
});
