import { describe, expect, test } from 'vitest';
import type { Address, Place } from '../../../../src/model/index.ts';
import { atRealRoot, processAtRealRoot } from '../../../../src/providers/host/written-root.ts';

const at = (root: string, rootAsWritten?: string): Place => ({
  service: 'service.shop' as Address,
  host: 'web-1',
  install: { root, keep: 3, ...(rootAsWritten === undefined ? {} : { rootAsWritten }) },
});
const shop = at('/home/deploy/srv/shop', '~/srv/shop');

describe('a root below the home folder, within a value', () => {
  test.for<[string, string]>([
    ['~/srv/shop/releases/1.0.0-28defd72', '/home/deploy/srv/shop/releases/1.0.0-28defd72'],
    [
      '-Dconf=~/srv/shop/releases/1.0.0-28defd72/conf',
      '-Dconf=/home/deploy/srv/shop/releases/1.0.0-28defd72/conf',
    ],
    ['~/srv/shop', '/home/deploy/srv/shop'],
    ['~/srv/shop:~/srv/shop/shared', '/home/deploy/srv/shop:/home/deploy/srv/shop/shared'],
    ['{"at":"~/srv/shop"}', '{"at":"/home/deploy/srv/shop"}'],
  ])('%s is %s', ([written, real]) => {
    expect(atRealRoot(shop, written)).toBe(real);
  });

  test.for(['~/srv/shopping/list', '~/srv/shop-2', '~/srv/shop.old', '~/other', '~'])(
    '%s stays',
    (written) => {
      expect(atRealRoot(shop, written)).toBe(written);
    },
  );

  test('where it is the home folder itself, only the folders of releases are told from any other ~', () => {
    const home = at('/home/deploy', '~');
    expect(atRealRoot(home, 'a~b ~/.bashrc ~/releases-of-mine')).toBe('a~b ~/.bashrc ~/releases-of-mine');
    expect(atRealRoot(home, '~/releases/1.0.0-28defd72')).toBe('/home/deploy/releases/1.0.0-28defd72');
  });

  test('a root that is absolute is what every text says already', () => {
    expect(atRealRoot(at('/srv/shop'), '~/srv/shop')).toBe('~/srv/shop');
  });
});

test('every command and every plain value of a process gets it, and no secret', () => {
  expect(
    processAtRealRoot(shop, {
      kind: 'script',
      unit: 'shop-blue',
      start: ['~/srv/shop/run', 'start'],
      stop: ['~/srv/shop/run', 'stop'],
      status: ['~/srv/shop/run', 'status'],
      startTimeoutMs: 1000,
      stopTimeoutMs: 1000,
      environment: { AT: '~/srv/shop', KEY: { secret: '~/srv/shop' } },
    }),
  ).toMatchObject({
    start: ['/home/deploy/srv/shop/run', 'start'],
    stop: ['/home/deploy/srv/shop/run', 'stop'],
    status: ['/home/deploy/srv/shop/run', 'status'],
    environment: { AT: '/home/deploy/srv/shop', KEY: { secret: '~/srv/shop' } },
  });
});
