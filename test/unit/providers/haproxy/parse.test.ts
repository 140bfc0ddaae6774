import { describe, expect, test } from 'vitest';
import { configFilesOf, parseCommandLine } from '../../../../src/providers/haproxy/command-line.ts';
import {
  parseMapFile,
  parsePools,
  parseProcesses,
  parseRoute,
  parseServersState,
  parseShownMap,
  splitAnswers,
  splitCsv,
} from '../../../../src/providers/haproxy/parse.ts';
import { parseProbe } from '../../../../src/providers/haproxy/probe.ts';

// Texts as HAProxy 2.6.12 gave them.

describe('answers to several commands on one line', () => {
  test.for([
    ['an empty answer is success', '\n', ['']],
    ['an error has its own text', 'entry not found.\n\n', ['entry not found.']],
    ['success, then a table', '\n0x1 a b:b:0\n0x2 c d:d:0\n\n', ['', '0x1 a b:b:0\n0x2 c d:d:0']],
    ['two successes, then an error', '\n\nKey not found.\n\n', ['', '', 'Key not found.']],
    ['an empty map, then a table', '\n# pxname\nx\n\n', ['', '# pxname\nx']],
    [
      'a worker that is gone gives no answer',
      "Can't find the target PID matching the prefix '@!9'\n",
      [undefined],
    ],
    ['nothing at all is not the success that an empty line is', '', [undefined]],
  ] as const)('%s', ([, text, expected]) => {
    expect(splitAnswers(text, expected.length)).toEqual(expected);
  });

  test('answers that did not come are undefined', () => {
    expect(splitAnswers('first\n\n', 3)).toEqual(['first', undefined, undefined]);
  });
});

describe("the master's processes", () => {
  const text = (workers: string): string =>
    `#<PID>          <type>          <reloads>       <uptime>        <version>      \n10347           master          2 [failed: 1]   0d00h00m47s     2.6.12-1+deb12u4\n${workers}# programs\n\n`;

  test('the worker that serves, and those that retire', () => {
    const workers = `# workers\n10735           worker          0               0d00h00m01s     2.6.12\n# old workers\n10693           worker          1               0d00h00m02s     2.6.12\n`;
    expect(parseProcesses(text(workers))).toEqual({
      master: 10347,
      failedReloads: 1,
      workers: [
        { pid: 10735, serving: true },
        { pid: 10693, serving: false },
      ],
    });
  });

  test.for([
    ['a master that hides its worker has none', text('# workers\n'), []],
    [
      'a program that the master runs is no worker',
      text('# programs\n99              my-agent        0 0d00h00m01s -\n'),
      [],
    ],
  ] as const)('%s', ([, shown, workers]) => {
    expect(parseProcesses(shown)?.workers).toEqual(workers);
  });

  test('what is no list of processes is not taken for one', () => {
    expect(parseProcesses('Unknown command: show proc\n')).toBeUndefined();
  });
});

describe('the value of a route', () => {
  test.for([
    [
      'all to one pool',
      'shop_blue:shop_blue:0',
      { stable: 'shop_blue', canary: 'shop_blue', canaryBasisPoints: 0 },
    ],
    ['a share of one in ten thousand', 'a:b:1', { stable: 'a', canary: 'b', canaryBasisPoints: 1 }],
    ['a pool alone is not a decision', 'shop_blue', { unreadable: 'shop_blue' }],
    ['more than all is not a share', 'a:b:10001', { unreadable: 'a:b:10001' }],
    ['a negative share is none', 'a:b:-1', { unreadable: 'a:b:-1' }],
    ['something behind it is not ours', 'a:b:1:c', { unreadable: 'a:b:1:c' }],
    [
      'an audience beside the share',
      'a:b:1:,cookie~plan~pro,header~x-beta~a%2Fb,',
      {
        stable: 'a',
        canary: 'b',
        canaryBasisPoints: 1,
        audience: [
          { by: 'cookie', name: 'plan', value: 'pro' },
          { by: 'header', name: 'x-beta', value: 'a/b' },
        ],
      },
    ],
    ['a rule that is none', 'a:b:1:,body~a~1,', { unreadable: 'a:b:1:,body~a~1,' }],
  ] as const)('%s', ([, text, expected]) => {
    expect(parseRoute(text)).toEqual(expected);
  });
});

describe('maps', () => {
  test('of equal keys the first counts, as for HAProxy, and comments do not', () => {
    const text =
      '# shop shop_red:shop_red:0\n\n  shop   shop_blue:shop_blue:0  \r\nshop shop_green:shop_green:0\nab.beta web\n';
    expect([...parseMapFile(text)]).toEqual([
      ['shop', { stable: 'shop_blue', canary: 'shop_blue', canaryBasisPoints: 0 }],
      ['ab.beta', { unreadable: 'web' }],
    ]);
  });

  test('what a worker shows has an address in front', () => {
    expect([...parseShownMap('0x56104edb30a0 shop a:b:5\n0x7f531c047c00 shop c:c:0')]).toEqual([
      ['shop', { stable: 'a', canary: 'b', canaryBasisPoints: 5 }],
    ]);
  });
});

describe('tables', () => {
  test.for([
    ['plain fields', 'a,b,,d', ['a', 'b', '', 'd']],
    ['a field with a comma', 'a,"b, c",d', ['a', 'b, c', 'd']],
    ['a field with quotes', '"say ""no""",x', ['say "no"', 'x']],
  ] as const)('a line of CSV with %s', ([, line, expected]) => {
    expect(splitCsv(line)).toEqual(expected);
  });

  const head =
    '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port';
  const row = (state: number, admin: number, check = 6): string =>
    `4 shop_blue 1 web-1 127.0.0.1 ${state} ${admin} 100 100 5 15 3 3 ${check} 0 0 0 - 19001`;

  test.for([
    ['running and ready', row(2, 0), 'ready', true],
    ['in drain', row(2, 8), 'drain', true],
    ['in maintenance', row(0, 1), 'maint', false],
    ['in maintenance by what it follows, and drained', row(0, 2 + 8), 'maint', false],
    ['without an address yet', row(0, 0x20), 'maint', false],
    ['drained, with a check that fails: show stat would say DOWN', row(0, 8), 'drain', false],
    ['ready again after "disabled" in the configuration, whose mark stays', row(2, 4), 'ready', true],
  ] as const)('a server %s', ([, line, admin, running]) => {
    expect(parseServersState(`1\n${head}\n${line}`)).toMatchObject([
      { pool: 'shop_blue', member: 'web-1', admin, running, line },
    ]);
  });

  const statHead =
    '# pxname,svname,qcur,scur,stot,check_status,check_code,check_rise,check_fall,check_health,hrsp_5xx,srv_abrt,last_chk,rtime';
  const pools = (member: string, backend: string, state = row(2, 0)) =>
    parsePools(
      `${statHead}\nedge,FRONTEND,,9,99,,,,,,0,,\nshop_blue,web-1,${member}\nshop_blue,BACKEND,${backend}`,
      `1\n${head}\n${state}`,
    );

  test("sessions and requests are the pool's, with what waits for a connection", () => {
    const reading = pools('0,3,20,L7OK,200,2,2,3,1,2,HTTP status,17', '1,4,25,,,,,,2,1,,').get('shop_blue');
    expect(reading).toMatchObject({ sessions: 5, requests: 25, failed: 3 });
    // A time that is not told is no time of 0 ms.
    expect(reading).not.toHaveProperty('latency');
    expect(reading?.members.get('web-1')).toEqual({
      admin: 'ready',
      up: true,
      settled: true,
      sessions: 3,
      check: 'L7OK 200 HTTP status',
      counted: { requests: 20, failed: 3, latency: { averageMs: 17, window: 512 } },
    });
  });

  test.for([
    ['before its first check it is up but not settled', '0,0,0,,,2,2,2,0,0,', row(2, 0), true, false],
    [
      'one failed check of two leaves it up but not settled',
      '0,0,0,L7STS,503,2,2,2,0,0,',
      row(2, 0),
      true,
      false,
    ],
    ['after two passes it is settled', '0,0,0,L4OK,,2,2,3,0,0,', row(2, 0), true, true],
    [
      'while the next check is under way, the one before it counts',
      '0,0,0,* L7OK,0,2,2,3,0,0,',
      row(2, 0),
      true,
      true,
    ],
    ['without a check it is settled', '0,0,0,,,,,,0,0,', row(2, 0, 0), true, true],
    ['down is neither', '0,0,0,L4CON,,2,2,0,0,0,refused', row(0, 0), false, false],
  ] as const)('%s', ([, member, state, up, settled]) => {
    expect(pools(member, '0,0,0,,,,,,0,0,', state).get('shop_blue')?.members.get('web-1')).toMatchObject({
      up,
      settled,
    });
  });
});

describe('how HAProxy was started', () => {
  test.for([
    [
      'as Debian does it',
      'haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S /run/m.sock',
      ['/etc/haproxy/haproxy.cfg'],
      undefined,
    ],
    [
      'with several files and folders',
      'haproxy -W -f a.cfg -f /etc/haproxy/conf.d -L here',
      ['a.cfg', '/etc/haproxy/conf.d'],
      undefined,
    ],
    ['after a reload', 'haproxy -sf 12 13 -x sockpair@5 -W -f a.cfg', ['a.cfg'], undefined],
    [
      'with files after --',
      'haproxy -W -C /etc/haproxy -f a.cfg -- b.cfg c.cfg',
      ['a.cfg', 'b.cfg', 'c.cfg'],
      '/etc/haproxy',
    ],
  ] as const)('%s', ([, line, files, chdir]) => {
    expect(parseCommandLine(line.split(' '))).toEqual({ files, chdir });
    expect(configFilesOf(files).split('\n')).toEqual(files);
  });
});

describe('what the probe answers', () => {
  const answer = (lines: string): string => `HTTP/1.1 204 No Content\r\n${lines}\r\n`;
  test.for([
    [
      'a pool',
      answer('x-deployctl-snippet: 1\r\nx-deployctl-pool: shop_green\r\n'),
      [{ version: 1, pool: 'shop_green', audience: [] }],
    ],
    [
      'the audiences that the rules know',
      answer(
        'x-deployctl-snippet: 1\r\nx-deployctl-pool: a\r\nx-deployctl-audience: cookie~plan~pro+header~x-beta~1\r\n',
      ),
      [{ version: 1, pool: 'a', audience: ['cookie~plan~pro', 'header~x-beta~1'] }],
    ],
    [
      'no pool, because the route is unknown',
      answer('x-deployctl-snippet: 1\r\n'),
      [{ version: 1, pool: '', audience: [] }],
    ],
    ['something that is not the snippet', answer('server: other\r\n'), undefined],
    [
      'an error of the proxy',
      'HTTP/1.1 503 Service Unavailable\r\nx-deployctl-snippet: 1\r\n\r\n',
      undefined,
    ],
  ] as const)('%s', ([, text, expected]) => {
    expect(parseProbe(text)).toEqual(expected);
  });

  test('several answers on one connection are told apart', () => {
    const one = answer('x-deployctl-snippet: 1\r\nx-deployctl-pool: a\r\n');
    const two = answer('x-deployctl-snippet: 1\r\nx-deployctl-pool: b\r\n');
    expect(parseProbe(one + two + one)?.map(({ pool }) => pool)).toEqual(['a', 'b', 'a']);
  });
});
