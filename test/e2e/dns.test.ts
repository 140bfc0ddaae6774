/** Blue-green by DNS, alone and with HAProxy, on real servers: BIND with a secondary, and clients behind an Unbound. */
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { decode, encode } from 'dns-packet';
import { describe, expect, test, vi } from 'vitest';
import type { DnsEndpoint } from '../../src/model/index.ts';
import { askByUdp } from '../../src/transport/index.ts';
import { key } from '../rig/dns-keys.ts';
import { hasDns, type RunningDns, startDns, startSecondary } from '../rig/dns-servers.ts';
import { freePort, hasHaproxy } from '../rig/haproxy.ts';
import { eventsOf } from '../rig/outcomes.ts';
import { isInstalled, nginxProgram, startProxy } from '../rig/proxies.ts';
import { type Names, type Scene, startScene } from '../rig/scene.ts';
import { execProcess } from '../rig/service-text.ts';
import { startTraffic } from '../rig/traffic.ts';
import { hasUnbound, type RunningUnbound, startUnbound } from '../rig/unbound.ts';
import { contextOf, internalZone, move, open, recordOf, set, zoneAt } from '../rig/zones.ts';

const secrets = { TSIG_SECRET: key.secret };
const isHere = hasDns.bind && hasUnbound;

interface Stage extends AsyncDisposable {
  readonly scene: Scene;
  readonly primary: RunningDns;
  readonly secondary: RunningDns;
  readonly resolver: RunningUnbound;
  /** Where the balancer takes requests. */
  readonly port: number;
  /** Addresses of blue and green. */
  readonly blue: string;
  readonly green: string;
}

interface StageOptions {
  readonly ttl: string;
  readonly switchTtl: string;
  /**
   * `routed`: clients also come by a HAProxy, whose route is switched as well. Otherwise they come by a proxy that finds the
   * service by its name, and asks the resolver for it.
   */
  readonly balancer?: 'routed' | Follower;
  /** deployctl writes the pools of the HAProxy: it asks the zone's own servers. */
  readonly configFile?: boolean;
  /** The record carries the ports as well, and each slot has one of its own. */
  readonly srv?: boolean;
}

type Follower = 'haproxy' | 'nginx';
const followers = { haproxy: hasHaproxy, nginx: isInstalled(nginxProgram) } as const;

const routed = 'traffic "load_balancer" { load_balancer = load_balancer.edge }';
const following = (name: string): string =>
  `traffic "load_balancer" {\n    load_balancer = load_balancer.edge\n    resolves = "${name}"\n  }`;

/** Blue and green each on a host with a loopback address of its own; the record is `app`, and does not exist yet. */
async function stage({
  ttl,
  switchTtl,
  balancer,
  configFile = false,
  srv = false,
}: StageOptions): Promise<Stage> {
  // What stands ends with a stage that cannot be set up.
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const primary = stack.use(await startDns('bind', { notify: port }));
  const secondary = stack.use(await startSecondary(primary.endpoint, port));
  const resolver = stack.use(await startUnbound('internal.test', [primary.endpoint, secondary.endpoint]));
  const service = (names: Names): string => `
${internalZone([primary.endpoint.port, port])}
service "shop" {
  release = release.shop
  slot "blue" {
    hosts = [host.web-1]
    port  = ${names.bluePort}
  }
  slot "green" {
    hosts = [host.web-2]
    port  = ${srv ? names.greenPort : names.bluePort}
  }
  install {
    root = "~/srv/shop"
    keep = 3
  }
  ${execProcess()}
  health "http" {
    path     = "/health"
    interval = "100ms"
    timeout  = "2s"
    deadline = "20s"
  }
  ${balancer === undefined ? '' : balancer === 'routed' ? routed : following(recordNames[srv ? 'SRV' : 'A'])}
  traffic "dns" {
    dns_zone   = dns_zone.internal
    name       = "${recordNames[srv ? 'SRV' : 'A']}"
    ${srv ? `type       = "SRV"\n    values     = { blue = ["${srvOf('web-1', names.bluePort)}"], green = ["${srvOf('web-2', names.greenPort)}"] }` : ''}
    ttl        = "${ttl}"
    switch_ttl = "${switchTtl}"
  }
  strategy "blue_green" {
    keep_warm  = false
    on_failure = "revert"
  }
}`;
  // As an operator would: the proxy asks the resolver of the network, and HAProxy not the C library at its start.
  const nameServer = `127.0.0.1:${resolver.endpoint.port}`;
  const adjust = (config: string): string =>
    config
      .replaceAll(/^ {4}nameserver ns2 .*\n/gm, '')
      .replaceAll(/^( {4}nameserver ns1) .*$/gm, `$1 ${nameServer}`)
      .replaceAll('init-addr last,libc,none', 'init-addr last,none')
      .replace(/^( *resolver) .*$/m, `$1 ${nameServer} ipv6=off;`);
  const byHaproxy = balancer === 'haproxy' || balancer === 'routed';
  const scene = stack.use(
    await startScene({ webHosts: 2, balancer: byHaproxy, configFile, service, adjust }),
  );
  if (srv) {
    const targets = open(zoneAt(primary.endpoint));
    for (const { name, address } of scene.web)
      await targets.perform(move(recordOf(name), null, set(60, address)), contextOf());
  }
  const proxy =
    balancer === 'nginx'
      ? stack.use(
          await startProxy(nginxProgram, async ({ folder, port: at, probePort }) => {
            const block = `load_balancer "nginx" "edge" {
  hosts         = [host.lb-1]
  probe_address = "127.0.0.1:${probePort}"
  pid_file      = "${folder}/pid"
}`;
            scene.declare({ more: block });
            const wanted = ['--full', '--bind', `127.0.0.1:${at}`];
            const snippet = await scene.cli('snippet', 'prod', 'load_balancer.edge', ...wanted);
            expect(snippet.stderr).toBe('');
            return adjust(snippet.stdout);
          }),
        )
      : undefined;
  const [blue = '', green = ''] = scene.web.map(({ address }) => address);
  const standing = stack.move();
  return {
    scene,
    primary,
    secondary,
    resolver,
    port: proxy?.paths.port ?? scene.port,
    blue,
    green,
    [Symbol.asyncDispose]: () => standing.disposeAsync(),
  };
}

/** HAProxy asks for an SRV record only where a name begins so. */
const recordNames = { A: 'app', SRV: '_app._tcp' } as const;

const srvOf = (host: string, port: number): string => `0 1 ${port} ${host}.internal.test.`;

/** What a server or a resolver answers, by a codec that is not ours: addresses, or where an SRV leads. */
async function addressesOf(server: DnsEndpoint, type: 'A' | 'SRV' = 'A'): Promise<readonly string[]> {
  const question = encode({
    type: 'query',
    id: Math.floor(Math.random() * 65_536),
    flags: 0x100,
    questions: [{ type, name: `${recordNames[type]}.internal.test` }],
  });
  const { answers = [] } = decode(Buffer.from(await askByUdp(server, question, { timeoutMs: 3_000 })));
  return answers
    .flatMap((each) => {
      if (each.type === 'SRV') return [srvOf(each.data.target.replace('.internal.test', ''), each.data.port)];
      return each.type === 'A' ? [each.data] : [];
    })
    .toSorted();
}

const versionAt = (address: string, port: number, agent: Agent | false = false): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ host: address, port, path: '/', agent, timeout: 5_000 }, (response) => {
      response.resume().once('end', () => resolve(String(response.headers['x-served-by'])));
    })
      .once('error', reject)
      .end();
  });

const stepIds = (plan: { readonly steps: readonly { readonly id: string }[] }): readonly string[] =>
  plan.steps.map(({ id }) => id.replace(/^shop\/(blue|green)\/name\//, ''));

describe.skipIf(!isHere)(
  `blue-green by DNS${isHere ? '' : ' (without bind9 or unbound: not covered)'}`,
  () => {
    test('with the route of a HAProxy and the record, under load by both: nothing fails, nothing stale follows, and plan is empty', {
      timeout: 240_000,
    }, async () => {
      await using all = await stage({
        ttl: '4s',
        switchTtl: '2s',
        ...(hasHaproxy ? { balancer: 'routed' } : {}),
      });
      const { scene, primary, secondary, resolver, blue, green } = all;
      const first = await scene.cliWith(secrets, 'apply', '--auto-approve');
      expect(`${first.code} ${first.stderr}`).toBe('0 ');
      expect(await addressesOf(primary.endpoint)).toEqual([blue]);

      const answers: { readonly at: number; readonly version: string }[] = [];
      const failures: unknown[] = [];
      let isOver = false;
      const load = Array.from({ length: 4 }, async () => {
        while (!isOver) {
          try {
            const [address = ''] = await addressesOf(resolver.endpoint);
            answers.push({ at: Date.now(), version: await versionAt(address, scene.bluePort) });
          } catch (error) {
            failures.push(error);
          }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
      const balanced = hasHaproxy
        ? startTraffic(
            { port: scene.port, rate: 60, keepAlive: 4, freshShare: 0.5, slow: 1, upgraded: 0 },
            '1.0.0',
          )
        : undefined;
      balanced?.expectBoth('2.0.0');
      scene.setVersion('2.0.0');
      const { child, ended } = scene.start(secrets, 'apply', '--auto-approve', '--json');
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          if (/"step_done".*"shop\/green\/switch"/.test(line)) balanced?.acknowledge('2.0.0');
        });
      }
      const run = await ended;
      isOver = true;
      await Promise.all(load);
      const byBalancer = await balanced?.stop();

      expect(`${run.code} ${run.stderr}`).toBe('0 ');
      expect(failures).toEqual([]);
      expect(answers.length).toBeGreaterThan(100);
      if (byBalancer !== undefined) {
        const { requests, failed, wrong, stale, reasons } = byBalancer;
        expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
        expect(requests).toBeGreaterThan(200);
      }
      // After the step that says that no resolver remembers blue, nobody is led there.
      const done = eventsOf(run).filter(({ type }) => type === 'step_done');
      const orders = done.map(({ step }) => String(step));
      if (hasHaproxy) {
        expect(orders.indexOf('shop/green/name/switch')).toBeGreaterThan(orders.indexOf('shop/green/switch'));
        expect(orders.indexOf('shop/green/switch')).toBeGreaterThan(orders.indexOf('shop/green/settle'));
      }
      expect(orders).toContain('shop/blue/web-1/stop');
      const forgotten = done.find(({ step }) => step === 'shop/green/name/new-ttl');
      const stale = answers.filter(
        ({ at, version }) => at > Date.parse(String(forgotten?.at)) && version !== '2.0.0',
      );
      expect(stale).toEqual([]);
      expect(answers.at(-1)?.version).toBe('2.0.0');
      for (const server of [primary, secondary]) expect(await addressesOf(server.endpoint)).toEqual([green]);

      const again = await scene.cliWith(secrets, 'plan', '--detailed-exitcode');
      expect(`${again.code} ${again.stdout}`).toContain('0 ');
      expect(again.stdout).toContain('No changes.');
    });

    test.for<Follower>(['haproxy', 'nginx'])(
      '%s that resolves the name by the resolver: nothing fails, and neither of them keeps the old address',
      { timeout: 240_000 },
      async (balancer, { skip }) => {
        if (!followers[balancer]) return skip(`without ${balancer}: not covered`);
        await using all = await stage({ ttl: '2s', switchTtl: '1s', balancer });
        const { scene, resolver, port, blue, green } = all;
        const first = await scene.cliWith(secrets, 'apply', '--auto-approve');
        expect(`${first.code} ${first.stderr}`).toBe('0 ');
        expect(await versionAt('127.0.0.1', port)).toBe('1.0.0');

        const named: { readonly at: number; readonly addresses: readonly string[] }[] = [];
        const answers: { readonly sentAt: number; readonly version: string }[] = [];
        const failures: unknown[] = [];
        const agent = new Agent({ keepAlive: true });
        let isOver = false;
        const until = async (work: () => Promise<void>): Promise<void> => {
          while (!isOver) {
            await work().catch((error: unknown) => failures.push(error));
            await new Promise((resolve) => setTimeout(resolve, 15));
          }
        };
        const load = [
          until(
            async () => void named.push({ at: Date.now(), addresses: await addressesOf(resolver.endpoint) }),
          ),
          ...[agent, agent, agent, false as const].map((connections) =>
            until(async () => {
              const sentAt = Date.now();
              answers.push({ sentAt, version: await versionAt('127.0.0.1', port, connections) });
            }),
          ),
        ];
        const move = async (
          version: string,
          address: string,
          ...argv: readonly string[]
        ): Promise<readonly string[]> => {
          const { code, stdout, stderr } = await scene.cliWith(secrets, ...argv, '--auto-approve', '--json');
          expect(`${code} ${stderr}`).toBe('0 ');
          const done = stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
            .filter((each) => each.type === 'step_done');
          const at = (part: string): number =>
            Date.parse(done.find((each) => String(each.step).endsWith(part))?.at);
          const [forgotten, resolved] = [at('/name/new-ttl'), at('/name/resolved')];
          expect(resolved).toBeGreaterThanOrEqual(forgotten);
          const later = Date.now();
          await vi.waitUntil(() => answers.some(({ sentAt }) => sentAt > later), { timeout: 20_000 });
          expect(named.filter((each) => each.at > forgotten && each.addresses.join() !== address)).toEqual(
            [],
          );
          expect(answers.filter((each) => each.sentAt > resolved && each.version !== version)).toEqual([]);
          return done.map(({ step }) => String(step));
        };
        scene.setVersion('2.0.0');
        expect(await move('2.0.0', green, 'apply')).toContain('shop/blue/web-1/stop');
        if (balancer === 'haproxy') {
          scene.setVersion('1.0.0');
          await move('1.0.0', blue, 'revert');
        }
        isOver = true;
        await Promise.all(load);
        agent.destroy();
        expect(failures).toEqual([]);
        expect(answers.length).toBeGreaterThan(100);

        const again = await scene.cliWith(secrets, 'plan', '--detailed-exitcode');
        expect(`${again.code} ${again.stderr}`).toBe('0 ');
      },
    );

    test('changed between plan and apply: exit 6 with the fact; killed in a wait: the rest is waited, and no more', {
      timeout: 240_000,
    }, async () => {
      // Where there is a HAProxy, it follows the name by a pool that deployctl writes: its first apply makes it.
      // An SRV, so that the slots have ports of their own.
      await using all = await stage({
        ttl: '6s',
        switchTtl: '2s',
        srv: true,
        ...(hasHaproxy ? { balancer: 'haproxy', configFile: true } : {}),
      });
      const { scene, primary, port } = all;
      const [blue, green] = [srvOf('web-1', scene.bluePort), srvOf('web-2', scene.greenPort)];
      const other = srvOf('web-1', 9);
      const record = recordOf(recordNames.SRV, 'SRV');
      const first = await scene.cliWith(secrets, 'apply', '--auto-approve', '--json');
      expect(`${first.code} ${first.stderr}`).toBe('0 ');
      if (hasHaproxy) {
        expect(eventsOf(first).flatMap(({ type, step }) => (type === 'step_done' ? [step] : []))).toEqual(
          expect.arrayContaining(['edge/configure', 'shop/blue/name/resolved']),
        );
        expect(await versionAt('127.0.0.1', port)).toBe('1.0.0');
        const again = await scene.cliWith(secrets, 'plan', '--detailed-exitcode');
        expect(`${again.code} ${again.stderr}`).toBe('0 ');
      }
      scene.setVersion('2.0.0');
      const planned = await scene.cliWith(secrets, 'plan', '--out', 'p.plan', '--json');
      expect(stepIds(JSON.parse(planned.stdout))).toEqual(
        expect.arrayContaining([
          'lower',
          'lowered',
          'old-ttl',
          'switch',
          'switched',
          'new-ttl',
          'restore',
          'restored',
        ]),
      );

      const zone = open(zoneAt(primary.endpoint, { records: [record] }));
      await zone.perform(move(record, set(6, blue), set(6, other)), contextOf());
      const refused = await scene.cliWith(secrets, 'apply', 'p.plan');
      expect(refused.code).toBe(6);
      expect(refused.stderr.replaceAll(/[│\s]+/g, ' ')).toContain(
        `dns_zone.internal.record["_app._tcp/SRV"] was ${blue} (TTL 6 s)`,
      );
      expect(refused.stderr).toContain(other);
      const drifted = JSON.parse((await scene.cliWith(secrets, 'plan', '--json')).stdout);
      // The balancer may have followed by now, which is drift of its own.
      const addresses = drifted.drift.map((each: { readonly address: string }) => each.address);
      expect(addresses).toContain('dns_zone.internal.record["_app._tcp/SRV"]');
      await zone.perform(move(record, set(6, other), set(6, blue)), contextOf());

      // The old TTL is waited out for 8 s; the kill comes in the middle.
      const { child, ended } = scene.start(secrets, 'apply', '--auto-approve', '--json');
      const begun = await new Promise<number>((resolve) => {
        let text = '';
        child.stdout?.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (/"step_started"[^\n]*old-ttl|old-ttl[^\n]*"step_started"/.test(text)) resolve(Date.now());
        });
      });
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      child.kill('SIGKILL');
      await ended;
      expect(await addressesOf(primary.endpoint, 'SRV')).toEqual([blue]);
      const resumed = await scene.cliWith(secrets, 'apply', '--resume', '--auto-approve', '--json');
      expect(`${resumed.code} ${resumed.stderr}`).toBe('0 ');
      const events = resumed.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const over = events.find(
        (each) => each.type === 'step_done' && each.step === 'shop/green/name/old-ttl',
      );
      const waitedMs = Date.parse(over.at) - begun;
      expect(waitedMs).toBeGreaterThan(7_500);
      expect(over.elapsed_ms).toBeLessThan(6_000);
      expect(await addressesOf(primary.endpoint, 'SRV')).toEqual([green]);
      if (hasHaproxy) expect(await versionAt('127.0.0.1', port)).toBe('2.0.0');
    });
  },
);
