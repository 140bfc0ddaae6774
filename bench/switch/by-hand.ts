/** As it is done by hand: the same proxies and checks, another pool in the configuration, and a reload. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../../test/rig/backend.ts';
import { startHaproxy } from '../../test/rig/haproxy.ts';
import { type ProxyProgram, startProxy } from '../../test/rig/proxies.ts';
import type { Side, Stage, Way } from './way.ts';

export const haproxyByReload: Way = {
  name: 'HAProxy, by hand: rewrite and reload',
  async stand(stage, measure) {
    await using proxy = await startHaproxy({
      config: ({ port }) => haproxyConfig(stage, port, 'blue'),
      by: stage.by,
    });
    const { folder, port } = proxy.paths;
    return await measure({
      port,
      async switchTo(_from, to) {
        await writeFile(join(folder, 'haproxy.cfg'), haproxyConfig(stage, port, to));
        await proxy.reload();
      },
    });
  },
};

const haproxyConfig = ({ blue, green }: Stage, port: number, side: Side): string => `
global
    hard-stop-after 10m
defaults
    mode http
    option redispatch 1
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend edge
    bind 127.0.0.1:${port}
    default_backend shop_${side}
backend shop_blue
    server web-1 127.0.0.1:${blue.port} check inter 1s
backend shop_green
    server web-1 127.0.0.1:${green.port} check inter 1s
`;

interface Ports {
  readonly port: number;
  readonly probePort: number;
}

const handmade: Readonly<Record<string, (ports: Ports, to: Backend) => string>> = {
  apache: ({ port, probePort }, to) => `${['mpm_event', 'authz_core', 'proxy', 'proxy_http']
    .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
    .join('\n')}
User www-data
Group www-data
ServerName localhost
ServerLimit 4
StartServers 4
ThreadsPerChild 128
MaxRequestWorkers 512
MaxSpareThreads 512
KeepAliveTimeout 60
MaxKeepAliveRequests 10000
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${probePort}
ProxyPass / http://127.0.0.1:${to.port}/ upgrade=ANY
`,
  nginx: ({ port, probePort }, to) => `user www-data;
worker_shutdown_timeout 10s;
events { worker_connections 4096; }
http {
  access_log off;
  map $http_upgrade $connection_upgrade { default upgrade; "" close; }
  upstream shop { server 127.0.0.1:${to.port}; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${probePort};
    location / {
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_pass http://shop;
    }
  }
}
`,
  caddy: ({ port, probePort }, to) => `http://:${port}, http://:${probePort} {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:${to.port}
}
`,
};

/** It is over when a fresh request is answered by the other side, as somebody who looks would say. */
export const proxyByReload = (program: ProxyProgram): Way => ({
  name: `${program.name}, by hand: rewrite and reload`,
  async stand(stage, measure) {
    const config = handmade[program.name];
    if (config === undefined) throw new Error(`nobody wrote how ${program.name} is reloaded`);
    await using proxy = await startProxy(program, (paths) => config(paths, stage.blue), stage.by);
    return await measure({
      port: proxy.paths.port,
      async switchTo(_from, to) {
        await proxy.rewrite(config(proxy.paths, stage[to]));
        await proxy.reload();
        for (;;) {
          const answer = await fetch(`http://127.0.0.1:${proxy.paths.port}/`, {
            headers: { connection: 'close' },
          });
          await answer.arrayBuffer();
          if (answer.headers.get('x-served-by') === to) return;
          await sleep(5);
        }
      },
    });
  },
});
