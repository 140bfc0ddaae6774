/**
 * Two services that are switched by name and by balancer, on hosts with systemd of their own: BIND with a secondary, an
 * Unbound that everybody asks, and a HAProxy. Of `shop` the route and the record are switched; `prices` has a pool in the
 * HAProxy that follows its record. Both are deployed by one run and taken back by another, under load by every way.
 *
 * Eight machines, and waits for TTLs: it runs only where it is asked for,
 *
 *   DEPLOYCTL_TEST_FLEET_NAMES=1 node tools/test.ts test/e2e/fleet-names.test.ts
 *
 * and test/e2e/dns.test.ts switches both kinds on loopback always.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { decode, encode } from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { askByUdp } from '../../src/transport/index.ts';
import { startBalancer } from '../fleet/balancer.ts';
import { type Fleet, type FleetHost, startFleet } from '../fleet/fleet.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { startNameServers, startResolver } from '../fleet/name-servers.ts';
import { startClients } from '../fleet/scene.ts';
import { key } from '../rig/dns-keys.ts';
import { type EventLine, eventsOf } from '../rig/outcomes.ts';
import { programIn } from '../rig/program.ts';
import { packRelease } from '../rig/scene.ts';

const isAsked = process.env.DEPLOYCTL_TEST_FLEET_NAMES !== undefined;
const nowhere = isAsked ? await whyNoFleet() : 'not asked for';
const secrets = { TSIG_SECRET: key.secret };
const ports = { shop: 8081, prices: 8082 } as const;
type Name = keyof typeof ports;

const service = (name: Name, balancer: string): string => `
service "${name}" {
  release = release.shop
  slot "blue" {
    hosts = ["web-1", "web-2"]
    port  = ${ports[name]}
  }
  slot "green" {
    hosts = ["web-3", "web-4"]
    port  = ${ports[name]}
  }
  install {
    root  = "/srv/${name}"
    owner = "shop"
  }
  process "systemd" {
    command      = ["/usr/local/bin/node", "serve.mjs"]
    environment  = { HOST = host.address, PORT = slot.port }
    user         = "shop"
    stop_timeout = "8s"
  }
  health "http" {
    path     = "/health"
    interval = "200ms"
    deadline = "30s"
  }
  traffic "load_balancer" {
    load_balancer = load_balancer.edge
    ${balancer}
  }
  traffic "dns" {
    dns_zone   = dns_zone.internal
    name       = "${name === 'shop' ? 'app' : name}"
    ttl        = "4s"
    switch_ttl = "1s"
  }
  strategy "blue_green" { keep_warm = false }
}`;

const configuration = (fleet: Fleet): string => `
variable "version" { type = string }
secret "tsig" { env = "TSIG_SECRET" }
ssh "default" {
  user          = "deploy"
  identity_file = "${fleet.identityFile}"
  known_hosts   = "${fleet.knownHosts}"
  become        = "sudo"
}
${['lb-1', 'web-1', 'web-2', 'web-3', 'web-4'].map((name) => `host "${name}" { address = "${fleet.host(name).address}" }`).join('\n')}
load_balancer "haproxy" "edge" {
  hosts    = [host.lb-1]
  map_file = "/etc/haproxy/deployctl/edge.map"
}
dns_zone "rfc2136" "internal" {
  zone         = "internal.test."
  primary      = "${fleet.host('ns-1').address}:53"
  servers      = ["${fleet.host('ns-1').address}:53", "${fleet.host('ns-2').address}:53"]
  negative_ttl = "0s"
  tsig {
    name   = "deployctl."
    secret = secret.tsig
  }
}
release "shop" {
  version  = var.version
  artifact = "../../dist/shop-\${var.version}.tar.gz"
}
${service('shop', '')}
${service('prices', 'resolves = "prices"')}
`;

/** What the resolver says, by a codec that is not ours. */
async function addressesOf(resolver: FleetHost, name: string): Promise<readonly string[]> {
  const question = encode({
    type: 'query',
    id: Math.floor(Math.random() * 65_536),
    flags: 0x100,
    questions: [{ type: 'A', name: `${name}.internal.test` }],
  });
  const server = { host: resolver.address, port: 53 };
  const { answers = [] } = decode(Buffer.from(await askByUdp(server, question, { timeoutMs: 5_000 })));
  return answers.flatMap((each) => (each.type === 'A' ? [each.data] : [])).toSorted();
}

const versionAt = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ host, port, path: '/', agent: false, timeout: 10_000 }, (response) => {
      response.resume().once('end', () => resolve(String(response.headers['x-served-by'])));
    })
      .once('error', reject)
      .end();
  });

interface Led {
  readonly askedAt: number;
  readonly addresses: readonly string[];
  readonly version: string;
}

/** A client of a service that asks the resolver before each request, and goes where it says, until it is stopped. */
function startLed(resolver: FleetHost, name: string, port: number) {
  const led: Led[] = [];
  const failures: unknown[] = [];
  let isOver = false;
  const working = (async () => {
    while (!isOver) {
      const askedAt = Date.now();
      try {
        const addresses = await addressesOf(resolver, name);
        const address = addresses[led.length % Math.max(1, addresses.length)] ?? '';
        led.push({ askedAt, addresses, version: await versionAt(address, port) });
      } catch (error) {
        failures.push(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  })();
  return {
    led,
    failures,
    async stop() {
      isOver = true;
      await working;
    },
  };
}

describe.skipIf(nowhere !== undefined)(
  `names and balancers on a fleet${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  () => {
    test('a route and a record, and a record that HAProxy resolves, there and back: nothing fails, nothing stale', {
      timeout: 420_000,
    }, async () => {
      await using stack = new AsyncDisposableStack();
      const fleet = stack.use(
        await startFleet(['ns-1', 'ns-2', 'cache', 'lb-1', 'web-1', 'web-2', 'web-3', 'web-4']),
      );
      const folder = mkdtempSync(join(tmpdir(), 'dctl-'));
      stack.defer(() => rmSync(folder, { recursive: true, force: true }));
      const resolver = fleet.host('cache');
      await startNameServers(fleet.host('ns-1'), fleet.host('ns-2'));
      await startResolver(resolver, [fleet.host('ns-1'), fleet.host('ns-2')]);
      const environment = join(folder, 'environments/prod');
      mkdirSync(environment, { recursive: true });
      writeFileSync(join(environment, 'prod.hcl'), configuration(fleet));
      const program = programIn(folder);
      const setVersion = (version: string): void => {
        packRelease(folder, version);
        writeFileSync(join(environment, 'version.auto.vars.hcl'), `version = "${version}"\n`);
      };
      setVersion('1.0.0');
      // As an operator would: requests for prices go to the pool that follows the record, and the network's own resolver
      // is asked for it.
      await startBalancer(fleet.host('lb-1'), program, 'prod', 80, (printed) =>
        printed
          .replace(/^( *)# prices has no route\..*$/m, '$1use_backend prices if { hdr(host) -m beg prices }')
          .replaceAll(/^ {4}nameserver ns2 .*\n/gm, '')
          .replaceAll(/^( {4}nameserver ns1) .*$/gm, `$1 ${resolver.address}:53`)
          .replaceAll('init-addr last,libc,none', 'init-addr last,none'),
      );
      const first = await program.cliWith(secrets, 'apply', 'prod', '--auto-approve');
      expect([first.code, first.stderr]).toEqual([0, '']);

      const lb = fleet.host('lb-1');
      const byRoute = startClients(fleet, lb, 40, '1.0.0', 'shop.test');
      const byPool = startClients(fleet, lb, 40, '1.0.0', 'prices.test');
      const ledToShop = startLed(resolver, 'app', ports.shop);
      const ledToPrices = startLed(resolver, 'prices', ports.prices);
      stack.defer(async () => {
        await Promise.all([byRoute.stop(), byPool.stop(), ledToShop.stop(), ledToPrices.stop()]);
      });
      const sides = {
        '1.0.0': ['web-1', 'web-2'].map((name) => fleet.host(name).address).toSorted(),
        '2.0.0': ['web-3', 'web-4'].map((name) => fleet.host(name).address).toSorted(),
      } as const;

      const move = async (
        to: keyof typeof sides,
        slot: string,
        ...argv: readonly string[]
      ): Promise<void> => {
        byRoute.expectBoth(to);
        byPool.expectBoth(to);
        const { child, ended } = program.start(secrets, ...argv, '--auto-approve', '--json');
        if (child.stdout !== null) {
          createInterface({ input: child.stdout }).on('line', (line) => {
            const event: EventLine = JSON.parse(line);
            if (event.type !== 'step_done') return;
            if (event.step === `shop/${slot}/switch`) byRoute.acknowledge(to);
            if (event.step === `prices/${slot}/name/resolved`) byPool.acknowledge(to);
          });
        }
        const run = await ended;
        expect([run.code, run.stderr]).toEqual([0, '']);
        const done = eventsOf(run).filter(({ type }) => type === 'step_done');
        const at = (step: string): number => Date.parse(String(done.find((each) => each.step === step)?.at));
        expect(at(`prices/${slot}/name/resolved`)).toBeGreaterThanOrEqual(at(`prices/${slot}/name/new-ttl`));
        expect(at(`shop/${slot}/name/switch`)).toBeGreaterThanOrEqual(at(`shop/${slot}/switch`));
        expect(done.map(({ step }) => step)).toContain(
          `shop/${slot === 'green' ? 'blue/web-1' : 'green/web-3'}/stop`,
        );
        for (const [name, { led }] of [
          ['shop', ledToShop],
          ['prices', ledToPrices],
        ] as const) {
          const forgotten = at(`${name}/${slot}/name/new-ttl`);
          expect(forgotten).toBeGreaterThan(0);
          const since = led.filter(({ askedAt }) => askedAt > forgotten);
          expect(since.length).toBeGreaterThan(0);
          expect(since.filter((each) => each.addresses.join() !== sides[to].join())).toEqual([]);
          expect(since.filter(({ version }) => version !== to)).toEqual([]);
        }
      };
      setVersion('2.0.0');
      await move('2.0.0', 'green', 'apply', 'prod');
      setVersion('1.0.0');
      await move('1.0.0', 'blue', 'revert', 'prod');

      await Promise.all([ledToShop.stop(), ledToPrices.stop()]);
      expect([...ledToShop.failures, ...ledToPrices.failures]).toEqual([]);
      expect(ledToShop.led.length).toBeGreaterThan(200);
      for (const clients of [byRoute, byPool]) {
        const { failed, wrong, stale, reasons, requests } = await clients.stop();
        expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
        expect(requests).toBeGreaterThan(300);
      }
      const again = await program.cliWith(secrets, 'plan', 'prod', '--detailed-exitcode');
      expect([again.code, again.stderr]).toEqual([0, '']);
    });
  },
);
