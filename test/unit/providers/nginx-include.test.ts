import { describe, expect, test } from 'vitest';
import { audienceRules, canonicalAudience, type RouteValue } from '../../../src/model/index.ts';
import { parseCell, renderCell } from '../../../src/providers/balancer/probed/cell.ts';
import { parseInclude, withRoute } from '../../../src/providers/nginx/include-file.ts';
import { nginx } from '../../../src/providers/nginx/index.ts';
import { argumentsOf } from '../../../src/providers/nginx/master.ts';
import { balancer, pool } from '../../rig/balancers.ts';

const blue: RouteValue = { stable: 'shop_blue', canary: 'shop_blue', canaryBasisPoints: 0 };
const audience = canonicalAudience(audienceRules({ 'X-Beta': '1' }, { plan: 'pro+' }));
const canary: RouteValue = {
  stable: 'shop_blue',
  canary: 'shop_green',
  canaryBasisPoints: 300,
  ...(audience && { audience }),
};

describe('the file that nginx includes', () => {
  test('holds a whole decision on a line, and says it back', () => {
    const text = withRoute(withRoute('', 'shop', canary), 'api', blue);
    expect(text).toBe(
      '"shop" "shop_blue|shop_green|,00,01,02,|,cookie~plan~pro%2B,header~x-beta~1,";\n"@revision" "2";\n"api" "shop_blue|shop_blue|,|,";\n',
    );
    expect(parseInclude(text)).toEqual({
      revision: '2',
      routes: new Map([
        ['shop', canary],
        ['api', blue],
      ]),
    });
    expect(parseInclude(withRoute(text, 'shop', null)).routes).toEqual(new Map([['api', blue]]));
  });

  test('keeps what somebody wrote, and takes none of it for a route', () => {
    const text = '# by kim\ndefault "x|y|,|,";\n"shop" "shop_blue";\n';
    expect(parseInclude(text).routes.get('shop')).toEqual({ unreadable: 'shop_blue' });
    expect(parseInclude(text).routes.get('default "x|y|,|,";')).toHaveProperty('unreadable');
    expect(withRoute(text, 'shop', blue)).toContain('# by kim\n');
  });

  test.for(['', 'a|b', 'a|b|,00,|', 'a|b|,01,|,', 'a|b|,00,|,nonsense,', 'a|b|,00,|,|'])(
    '%j is unreadable',
    (text) => {
      expect(parseCell(text)).toEqual({ unreadable: text });
    },
  );

  test('a line says the same as the value, for every share', () => {
    for (let percent = 0; percent <= 100; percent += 1) {
      const value = { ...canary, canaryBasisPoints: percent * 100 };
      expect(parseCell(renderCell(value))).toEqual(value);
    }
  });
});

test.for([
  [
    'nginx: master process /usr/sbin/nginx -g daemon on; master_process on;',
    { g: 'daemon on; master_process on;' },
  ],
  [
    'nginx: master process nginx -e /a b/e.log -c /c.conf -g pid /p; ',
    { e: '/a b/e.log', c: '/c.conf', g: 'pid /p;' },
  ],
  ['nginx: master process /usr/sbin/nginx', {}],
] as const)('what nginx was started with: %s', ([title, expected]) => {
  expect(argumentsOf(title)).toEqual({ c: '', e: '', g: '', p: '', ...expected });
});

describe('how nginx is switched', () => {
  const declared = (settings: Readonly<Record<string, string>>) =>
    balancer('nginx', settings, [pool('shop_blue', { 'web-1': 8081 })]);
  test.for([
    ['nothing is said of it', {}, ['missing-argument']],
    ['two ways', { flags_dir: '/a', include_file: '/b' }, ['argument-conflict']],
    ['an argument of another way', { flags_dir: '/a', pid_file: '/b' }, ['argument-conflict']],
    ['by flags', { flags_dir: '/a' }, []],
    ['by a file', { include_file: '/a', pid_file: '/b' }, []],
    ['a path with a blank', { include_file: '/a b' }, ['balancer-path']],
  ] as const)('%s', ([, settings, expected]) => {
    expect(nginx.check(declared(settings)).map(({ code }) => code)).toEqual(expected);
  });

  test('a switch by flags costs nothing, one by a reload says what it costs', () => {
    expect(nginx.traits(declared({ flags_dir: '/a' })).switchCost).toBeUndefined();
    expect(nginx.traits(declared({ include_file: '/a' })).switchCost?.each).toContain('idle connections');
  });
});
