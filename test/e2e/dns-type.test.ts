/** The type of a service's record is declared anew: addresses give their place to a CNAME, and a revert brings them back. */
import { expect, test } from 'vitest';
import { key } from '../rig/dns-keys.ts';
import { hasDns, startDns } from '../rig/dns-servers.ts';
import { type Names, startScene } from '../rig/scene.ts';
import { execProcess } from '../rig/service-text.ts';
import { contextOf, internalZone, move, open, recordOf, set, setsOf, zoneAt } from '../rig/zones.ts';

const secrets = { TSIG_SECRET: key.secret };

test("A to CNAME and back, killed in between: one update each way, and somebody else's TXT is left", {
  timeout: 240_000,
}, async () => {
  await using dns = await startDns(hasDns.bind ? 'bind' : 'lab');
  const { port } = dns.endpoint;
  const service =
    (traffic: string) =>
    (names: Names): string =>
      `
${internalZone([port])}
service "shop" {
  release = release.shop
  slot "blue" {
    hosts = [host.web-1]
    port  = ${names.bluePort}
  }
  slot "green" {
    hosts = [host.web-2]
    port  = ${names.bluePort}
  }
  install { root = "~/srv/shop" }
  ${execProcess()}
  health "http" {
    path     = "/health"
    interval = "100ms"
    deadline = "20s"
  }
  traffic "dns" {
    dns_zone   = dns_zone.internal
    name       = "app"
    ttl        = "1s"
    switch_ttl = "1s"
    ${traffic}
  }
  strategy "blue_green" {}
}`;
  await using scene = await startScene({ webHosts: 2, balancer: false, service: service('') });
  const zone = open(zoneAt(dns.endpoint));
  for (const { name, address } of scene.web)
    await zone.perform(move(recordOf(name), null, set(60, address)), contextOf());
  const [blue = ''] = scene.web.map(({ address }) => address);
  const there = async () => {
    const { A, CNAME, TXT } = await setsOf(dns.endpoint, 'app');
    return { A, CNAME, TXT };
  };
  const first = await scene.cliWith(secrets, 'apply', '--auto-approve');
  expect(`${first.code} ${first.stderr}`).toBe('0 ');
  expect(await there()).toEqual({ A: set(1, blue) });

  scene.declare({
    service: service('type = "CNAME"\n    values = { blue = ["web-1"], green = ["web-2"] }'),
  });
  // Somebody else's record beside it is left, and said.
  const note = recordOf('app', 'TXT');
  await zone.perform(move(note, null, set(60, '"not ours"')), contextOf());
  const held = await scene.cliWith(secrets, 'apply', '--auto-approve');
  expect(`${held.code} ${held.stdout.replaceAll(/[│\s]+/g, ' ')}`).toContain(
    'app.internal.test. has TXT, and',
  );
  expect(await there()).toEqual({ A: set(1, blue), TXT: set(60, '"not ours"') });
  await zone.perform(move(note, set(60, '"not ours"'), null), contextOf());

  const planned = await scene.cliWith(secrets, 'plan');
  const told = planned.stdout.replaceAll(/\s+/g, ' ');
  expect(told).toMatch(new RegExp(`switch app\\.internal\\.test\\.: A ${blue} -> CNAME .*in one update`));
  expect(planned.stdout).toContain('must be replaced');
  // The name server has done it, and deployctl has not written that down.
  const killed = await scene.cliWith(
    { ...secrets, DEPLOYCTL_FAIL: 'kill@effect:after:record.set' },
    'apply',
    '--auto-approve',
  );
  expect(killed.signal).toBe('SIGKILL');
  expect(await there()).toEqual({ CNAME: set(1, 'web-1.internal.test.') });
  const resumed = await scene.cliWith(secrets, 'apply', '--resume', '--auto-approve');
  expect(`${resumed.code} ${resumed.stderr}`).toBe('0 ');
  const again = await scene.cliWith(secrets, 'plan', '--detailed-exitcode');
  expect(`${again.code} ${again.stderr}`).toBe('0 ');

  const back = await scene.cliWith(secrets, 'revert', '--auto-approve');
  expect(`${back.code} ${back.stderr}`).toBe('0 ');
  expect(await there()).toEqual({ A: set(1, blue) });
});
