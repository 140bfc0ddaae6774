/** Balancers that are told a switch, where flags are refused: the whole way, by the program, with what it prints. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  caddyJsonProgram,
  isInstalled,
  nginxProgram,
  type ProxyPaths,
  type ProxyProgram,
  startProxy,
} from '../rig/proxies.ts';
import { startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

const hosts = ['web-1'];

interface Told {
  readonly name: string;
  readonly program: ProxyProgram;
  /** Arguments of its block. */
  readonly settings: (paths: ProxyPaths) => string;
  /** Where its routes are kept. */
  readonly file: (paths: ProxyPaths) => string;
  readonly cost: string;
}

const ways: readonly Told[] = [
  {
    name: 'nginx by include and reload',
    program: nginxProgram,
    settings: ({ folder }) => `include_file = "${folder}/edge.map"\n  pid_file = "${folder}/pid"`,
    file: ({ folder }) => join(folder, 'edge.map'),
    cost: 'nginx reloads',
  },
  {
    name: 'Caddy by its admin API',
    program: caddyJsonProgram,
    settings: ({ adminPort, config }) =>
      `admin_address = "127.0.0.1:${adminPort}"\n  config_file = "${config}"`,
    file: ({ config }) => config,
    cost: 'Caddy loads its whole configuration',
  },
];

test.for(ways)('$name', { timeout: 180_000 }, async ({ program, settings, file, cost }, { skip }) => {
  if (!isInstalled(program)) skip(`${program.name} is not installed, or this is not root`);
  await using scene = await startScene({ webHosts: 1, balancer: false, service: () => '' });
  await using proxy = await startProxy(program, async (paths) => {
    scene.declare({
      service: shopService({ hosts }),
      more: `load_balancer "${program.name}" "edge" {
  hosts = [host.lb-1]
  probe_address = "127.0.0.1:${paths.probePort}"
  ${settings(paths)}
}`,
    });
    if (program === nginxProgram) await writeFile(file(paths), '');
    const address = ['--full', '--bind', `127.0.0.1:${paths.port}`];
    const snippet = await scene.cli('snippet', 'prod', 'load_balancer.edge', ...address);
    expect(snippet.stderr).toBe('');
    return snippet.stdout;
  });
  const kept = file(proxy.paths);
  const served = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${proxy.paths.port}/`, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    return answer.headers.get('x-served-by') ?? String(answer.status);
  };
  const nothingToDo = async (): Promise<void> => {
    const after = await scene.cli('plan', '--detailed-exitcode');
    expect([after.code, after.stdout]).toEqual([0, expect.stringContaining('No changes.')]);
  };

  // Apply, then plan, is empty; and each plan that moves traffic says what that costs.
  for (const version of ['1.0.0', '2.0.0']) {
    scene.setVersion(version);
    const applied = await scene.cli('apply', '--auto-approve');
    expect(applied.code).toBe(0);
    expect(applied.stdout).toContain('Moving traffic costs some clients a request');
    expect(applied.stdout.replaceAll(/\s+/g, ' ')).toContain(cost);
    expect(await served()).toBe(version);
    await nothingToDo();
  }

  // Edited by hand: a saved plan is refused, the next shows it, and apply mends it without moving traffic.
  expect((await scene.cli('plan', '--var', 'version=1.0.0', '--out', 'edit.plan')).code).toBe(0);
  await writeFile(
    kept,
    (await readFile(kept, 'utf8')).replaceAll('shop_green|shop_green', 'shop_blue|shop_blue'),
  );
  const stale = await scene.cli('apply', 'edit.plan');
  expect(stale.code).toBe(6);
  expect(stale.stderr).toContain('load_balancer.edge.route["shop"]');
  const plan = JSON.parse((await scene.cli('plan', '--json')).stdout);
  expect(plan.drift).toMatchObject([{ address: 'load_balancer.edge.route["shop"]' }]);
  expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  expect(await readFile(kept, 'utf8')).toContain('shop_green|shop_green');

  // Killed and started again: what was acknowledged last.
  await proxy.kill9();
  await proxy.start();
  expect(await served()).toBe('2.0.0');
  await nothingToDo();
  expect((await scene.cli('doctor', 'prod')).code).toBe(0);
});
