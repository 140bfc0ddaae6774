import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parseProbe, releaseOfFolder } from '../../../../src/providers/host/probe-parse.ts';
import { type ProbeRoot, renderProbe } from '../../../../src/providers/host/probe-render.ts';

const roots: readonly ProbeRoot[] = [
  {
    root: '/srv/shop',
    slots: [
      { slot: 'blue', unit: 'shop-blue' },
      { slot: 'green', unit: 'shop-green' },
    ],
  },
  { root: '/srv/api', slots: [{ slot: 'main', unit: 'api-main' }] },
];
const sha = 'a'.repeat(64);
const record = JSON.stringify({
  format: 1,
  running: {
    release: '1-aaaaaaaa',
    process: { kind: 'exec', unit: 'api-main', command: ['x'], environment: {}, stopTimeoutMs: 1 },
  },
  secrets: {},
});

describe('an answer', () => {
  test('is sorted to its roots and slots', () => {
    const seen = parseProbe(
      roots,
      [
        'time 1700000000',
        'free',
        'Filesystem     1024-blocks     Used Available Capacity Mounted on',
        '/dev/vda         264212084 24390404      1000      23% /',
        '//nas/Our Files  264212084 24390404         5     100% /srv/our files',
        'fence 0 lineage-1 7',
        `release 0 ${sha} 10 2 1700000000 2.0.0-aaaaaaaa`,
        `release 0 ${sha} 10 1 1700000000 1.0.0-aaaaaaaa`,
        'link 0 releases/1.0.0-aaaaaaaa',
        'link 2 /srv/api/releases/1-aaaaaaaa/',
        'started 2 token-1 exec',
        `record 2 ${record}`,
        'alive 2',
        'end',
      ].join('\n'),
    );
    expect(seen?.time).toBe(1_700_000_000);
    expect(seen?.roots[0]).toMatchObject({
      freeBytes: 1_024_000,
      fence: { lineage: 'lineage-1', run: 7 },
      releases: [{ directory: '1.0.0-aaaaaaaa' }, { directory: '2.0.0-aaaaaaaa' }],
      slots: [
        { slot: 'blue', linked: '1.0.0-aaaaaaaa', process: undefined },
        { slot: 'green', linked: null },
      ],
    });
    expect(seen?.roots[1]?.freeBytes).toBe(5_120);
    expect(seen?.roots[1]?.slots[0]).toMatchObject({
      linked: '1-aaaaaaaa',
      process: { token: 'token-1', kind: 'exec', alive: true, tampered: null },
    });
  });

  test('that was cut is no answer', () => {
    expect(parseProbe(roots, 'time 1\nlink 0 releases/x\n')).toBeUndefined();
  });

  const df = 'free\nFilesystem 1024-blocks Used Available Capacity Mounted on\n';
  test.for([
    ['of all roots', '/dev/a 9 1 8 1% /\n/dev/b 9 1 7 1% /b\n', [8_192, 7_168]],
    ['that only root may still use', '/dev/a 9 9 0 100% /\n/dev/b 9 1 -4 104% /b\n', [0, 0]],
    ['in file systems of any name', 'a 1 2 3 4% b 9 1 8 1% /\nmap auto home 0 0 0 - /b\n', [8_192, 0]],
    ['of one root out of two', '/dev/a 9 1 8 1% /\n', [undefined, undefined]],
    ['that df does not know', '/dev/a 9 1 8 1% /\n/dev/b - - - - /b\n', [undefined, undefined]],
  ] as const)('tells the space %s', ([, rows, bytes]) => {
    const seen = parseProbe(roots, `${df}${rows}time 1\nend`);
    expect(seen?.roots.map(({ freeBytes }) => freeBytes)).toEqual(bytes);
  });

  test.for([
    ['a link that somebody else made', 'link 0 /opt/other', '/opt/other'],
    ['a link deeper into a release', 'link 0 releases/x/y', 'releases/x/y'],
  ] as const)('%s is told as it is', ([, line, linked]) => {
    expect(parseProbe(roots, `${line}\nend`)?.roots[0]?.slots[0]?.linked).toBe(linked);
  });

  test.for([
    ['is not JSON', 'x', 'it is not JSON'],
    ['is of a newer format', '{"format":2}', 'it was written by a newer deployctl'],
    ['has no process', '{"format":1,"running":{"release":"x"},"secrets":{}}', 'it names no process'],
    [
      'has a process without a command',
      '{"format":1,"running":{"release":"x","process":{"kind":"exec","unit":"u","stopTimeoutMs":1,"environment":{}}},"secrets":{}}',
      'its process is not complete',
    ],
    ['is a list', '[]', 'it is not an object'],
  ] as const)('a record that %s is not believed', ([, text, why]) => {
    const seen = parseProbe(roots, `started 0 t exec\nrecord 0 ${text}\nalive 0\nend`);
    expect(seen?.roots[0]?.slots[0]?.process).toMatchObject({
      record: undefined,
      unreadable: why,
      alive: true,
    });
  });

  test('a unit file that was edited is told with both texts', () => {
    const seen = parseProbe(
      roots,
      'started 0 t systemd\nrecord 0 {}\nunit-file 0 /etc/systemd/system/shop-blue.service\nexpected 0 a\nexpected 0 b\nactual 0 a\nactual 0 \nactual 0 c\nend',
    );
    expect(seen?.roots[0]?.slots[0]?.process?.tampered).toEqual({
      path: '/etc/systemd/system/shop-blue.service',
      expected: 'a\nb',
      actual: 'a\n\nc',
    });
  });

  test('nonsense in between is passed over', () => {
    const seen = parseProbe(
      roots,
      `\x1b[2J\nrelease 0 not a release\nrelease 0 ${sha} x 1 2 d\nfence 0 only\nfree\nmuch\nend`,
    );
    expect(seen?.roots[0]).toMatchObject({ releases: [], fence: undefined, freeBytes: undefined });
  });
});

test.for([
  ['/srv/shop/releases/1-a', '1-a'],
  ['/srv/shop/releases/1-a/bin', '1-a'],
  ['/srv/shop/releases', undefined],
  ['/srv/shop2/releases/1-a', undefined],
  [undefined, undefined],
] as const)('a process in %s is of release %s', ([folder, release]) => {
  expect(releaseOfFolder('/srv/shop', folder)).toBe(release);
});

test.for(['dash', 'bash', 'busybox'])(
  'the script asks %s about hosts with any names and ends with "end"',
  (shell) => {
    const odd = [
      { root: `/nowhere/it's "odd" $HOME`, slots: [{ slot: "bl'ue", unit: 'x y' }] },
      { root: '/proc/of nobody', slots: [] },
    ];
    const answer = execFileSync(shell, shell === 'busybox' ? ['sh'] : [], {
      input: renderProbe(odd),
      encoding: 'utf8',
    });
    expect(answer.trimEnd().endsWith('\nend')).toBe(true);
    const [root, other] = parseProbe(odd, answer)?.roots ?? [];
    expect(root?.releases).toEqual([]);
    expect(root?.freeBytes, 'of the nearest folder that there is').toBeGreaterThan(0);
    expect(other?.freeBytes, 'of each root').toBe(0);
  },
);

test('the script holds nothing that its host would read for nothing', () => {
  expect(renderProbe(roots)).not.toMatch(/^(\s|#|$)/m);
});
