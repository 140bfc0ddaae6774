/** Unbound as the resolver of a network: it asks the zone's own servers, and remembers what they say for their TTL. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DnsEndpoint } from '../../src/model/index.ts';
import { freePort } from './haproxy.ts';

const program = '/usr/sbin/unbound';
export const hasUnbound = existsSync(program);

export interface RunningUnbound extends AsyncDisposable {
  readonly endpoint: DnsEndpoint;
}

/** `more`: lines of its `server:` section. */
export async function startUnbound(
  zone: string,
  servers: readonly DnsEndpoint[],
  more: readonly string[] = [],
): Promise<RunningUnbound> {
  const folder = await mkdtemp(join(tmpdir(), 'unbound-'));
  const port = await freePort();
  await writeFile(
    join(folder, 'unbound.conf'),
    `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." nodefault
${more.map((line) => `  ${line}\n`).join('')}remote-control:
  control-enable: no
stub-zone:
  name: "${zone}"
${servers.map(({ host, port: at }) => `  stub-addr: ${host}@${at}`).join('\n')}
`,
  );
  const child = spawn(program, ['-d', '-c', join(folder, 'unbound.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const deadline = Date.now() + 20_000;
  while (!output.includes('start of service')) {
    if (Date.now() > deadline || child.exitCode !== null) {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
      throw new Error(`Unbound did not start\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    endpoint: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
