/** What configurations declare: one form of the language at a time. */
import { describe, expect, test } from 'vitest';
import type { Declared } from '../../../src/model/index.ts';
import { loadText, validateText } from './folder.ts';

/** What is declared; the test fails with the diagnostics when there are any. */
async function declaredBy(text: string, flags: readonly string[] = []): Promise<Declared> {
  const { declared, diagnostics } = await loadText(text, { fromFlags: flags });
  expect(diagnostics).toEqual([]);
  if (declared === undefined) throw new Error('nothing is declared');
  return declared;
}

const instance = (declared: Declared, slot = 0, index = 0) =>
  declared.services[0]?.slots[slot]?.instances[index];

describe('hosts', () => {
  test('are in the order of the file, named by label, key, or label and index', async () => {
    const { hosts } = await declaredBy(`
      host "web" {
        for_each = { web-2 = "10.0.1.12", web-1 = "10.0.1.11" }
        address  = each.value
      }
      host "db" {
        count   = 2
        address = "10.0.2.\${count.index + 1}"
      }
      host "lb-1" { address = "10.0.0.5" }
      host "none" {
        count   = 0
        address = "10.0.9.1"
      }
      locals { uses_lb = host.lb-1.address }
    `);
    expect(hosts.map(({ name, address, networkAddress }) => [name, address, networkAddress])).toEqual([
      ['web-1', 'host.web["web-1"]', '10.0.1.11'],
      ['web-2', 'host.web["web-2"]', '10.0.1.12'],
      ['db-0', 'host.db[0]', '10.0.2.1'],
      ['db-1', 'host.db[1]', '10.0.2.2'],
      ['lb-1', 'host.lb-1', '10.0.0.5'],
    ]);
  });

  test('are reached as ssh "default" says, unless they name another', async () => {
    const { hosts } = await declaredBy(`
      ssh "default" {
        user          = "deploy"
        identity_file = "~/.ssh/id_ed25519"
        known_hosts   = ["known_hosts", "/etc/ssh/known_hosts"]
        jump          = host.bastion.name
      }
      ssh "ops" {
        port            = 2222
        become          = "none"
        connect_timeout = "1500ms"
      }
      host "bastion" { address = "10.0.0.1" }
      host "web" { address = "10.0.0.2" }
      host "db" {
        address         = "10.0.0.3"
        network_address = "db.internal"
        ssh             = ssh.ops
      }
      host "here" { connection = "local" }
    `);
    const byName = Object.fromEntries(hosts.map((host) => [host.name, host]));
    expect(byName.web?.connection).toEqual({
      kind: 'ssh',
      address: '10.0.0.2',
      port: 22,
      user: 'deploy',
      identityFile: '/home/kim/.ssh/id_ed25519',
      knownHosts: ['/project/environments/prod/known_hosts', '/etc/ssh/known_hosts'],
      become: 'sudo',
      jump: 'bastion',
      connectTimeoutMs: 5000,
      transport: 'ssh2',
    });
    expect(byName.bastion?.connection).not.toHaveProperty('jump');
    expect(byName.db).toMatchObject({
      networkAddress: 'db.internal',
      connection: {
        port: 2222,
        user: 'kim',
        become: 'none',
        knownHosts: ['/home/kim/.ssh/known_hosts'],
        connectTimeoutMs: 1500,
      },
    });
    expect(byName.db?.connection).not.toHaveProperty('identityFile');
    expect(byName.here).toMatchObject({ connection: { kind: 'local' }, networkAddress: '127.0.0.1' });
  });
});

const fleet = `
  host "web" {
    for_each = { web-1 = "10.0.1.11", web-2 = "10.0.1.12" }
    address  = each.value
    labels   = { role = "web", zone = each.key == "web-1" ? "a" : "b" }
  }
  release "shop" {
    version  = "1.0.0"
    artifact = "dist/shop.tar.gz"
    notes    = "Faster"
  }
`;

const inPlace = (body: string): string => `${fleet}
  service "shop" {
    release = release.shop
    slot "main" {
      hosts = host.web
      port  = 8080
    }
    install { root = "/srv/shop" }
    strategy "in_place" {}
    ${body}
  }
`;

describe('services', () => {
  test('a blue-green service behind a load balancer, with its defaults', async () => {
    const declared = await declaredBy(`${fleet}
      load_balancer "haproxy" "edge" {
        hosts    = ["web-1"]
        map_file = "/etc/haproxy/edge.map"
      }
      service "shop" {
        release = release.shop
        slot "blue" {
          hosts = values(host.web)
          port  = 8081
        }
        slot "green" {
          hosts = [for h in host.web : h.name]
          port  = 8082
        }
        install {
          root  = "/srv/shop/"
          owner = "shop"
        }
        process "systemd" {
          command     = ["bin/shop", "--port=\${slot.port}", "--on=\${host.name}", release.path]
          environment = { ZONE = host.labels.zone, PORT = slot.port, NOTHING = null }
        }
        health "http" {}
        traffic "load_balancer" {
          load_balancer = load_balancer.edge
          pools         = { green = "shop-next" }
        }
        strategy "blue_green" {}
      }
    `);
    expect(instance(declared, 1, 1)).toMatchObject({
      address: 'service.shop.slot["green"].host["web-2"]',
      process: {
        kind: 'systemd',
        unit: 'shop-green',
        command: ['bin/shop', '--port=8082', '--on=web-2', '/srv/shop/releases/1.0.0-01234567'],
        environment: { ZONE: 'b', PORT: '8082' },
        stopTimeoutMs: 30_000,
      },
      health: {
        kind: 'http',
        address: '10.0.1.12',
        port: 8082,
        path: '/',
        status: 200,
        intervalMs: 1000,
        passes: 2,
        timeoutMs: 2000,
        deadlineMs: 60_000,
      },
      hooks: [],
    });
    expect(instance(declared, 1, 1)?.process?.environment).not.toHaveProperty('NOTHING');
    expect(declared.services[0]).toMatchObject({
      install: { root: '/srv/shop', keep: 5, owner: 'shop' },
      strategy: {
        kind: 'blue_green',
        bakeMs: 0,
        keepWarm: true,
        drainTimeoutMs: 30_000,
        onFailure: 'revert',
      },
      traffic: [{ route: 'shop', pools: { blue: 'shop_blue', green: 'shop-next' } }],
      release: {
        version: '1.0.0',
        notes: 'Faster',
        artifact: { path: '/project/environments/prod/dist/shop.tar.gz' },
      },
    });
    expect(declared.balancers[0]).toMatchObject({
      provider: 'haproxy',
      hosts: ['web-1'],
      settings: { map_file: '/etc/haproxy/edge.map', master_socket: '/run/haproxy-master.sock' },
      routes: [{ route: 'shop', service: 'service.shop' }],
      pools: [
        {
          name: 'shop_blue',
          members: [{ name: 'web-1', address: '10.0.1.11', port: 8081 }, { name: 'web-2' }],
        },
        { name: 'shop-next', members: [{ name: 'web-1', port: 8082 }, { name: 'web-2' }] },
      ],
    });
    expect(declared.balancers[0]?.settings).not.toHaveProperty('config_file');
  });

  test('a script process, a command as health check, and hooks', async () => {
    const declared = await declaredBy(
      inPlace(`
        process "script" {
          start  = ["bin/ctl", "start"]
          stop   = ["bin/ctl", "stop"]
          status = ["bin/ctl", "status"]
          user   = "shop"
        }
        health "command" {
          command  = ["bin/check", host.address]
          deadline = "5s"
        }
        hook "before_install" {
          run         = ["bin/migrate", slot.name]
          on          = "first_host"
          environment = { HOST = host.name }
        }
        hook "after_stop" {
          run     = "rm -f /tmp/x\\necho done"
          timeout = "5s"
        }
      `),
    );
    expect(instance(declared)).toMatchObject({
      process: { kind: 'script', start: ['bin/ctl', 'start'], user: 'shop', startTimeoutMs: 30_000 },
      health: { kind: 'command', argv: ['bin/check', '10.0.1.11'], user: 'shop', deadlineMs: 5000 },
      hooks: [
        {
          point: 'before_install',
          argv: ['bin/migrate', 'main'],
          on: 'first_host',
          timeoutMs: 120_000,
          environment: { HOST: 'web-1' },
        },
        { point: 'after_stop', argv: ['sh', '-eu', '-c', 'rm -f /tmp/x\necho done'], on: 'each_host' },
      ],
    });
  });

  test('dynamic blocks make nested blocks, also with expressions of the instance', async () => {
    const declared = await declaredBy(
      inPlace(`
        dynamic "hook" {
          for_each = { before_start = "warm", after_start = "report" }
          labels   = [hook.key]
          content {
            run = ["bin/\${hook.value}", host.name]
          }
        }
        dynamic "process" {
          for_each = [9090]
          iterator = each_port
          labels   = ["exec"]
          content {
            command = ["bin/shop", "--admin=\${each_port.value}", "--n=\${each_port.key}", slot.name]
          }
        }
      `),
    );
    expect(instance(declared, 0, 1)).toMatchObject({
      hooks: [
        { point: 'after_start', argv: ['bin/report', 'web-2'] },
        { point: 'before_start', argv: ['bin/warm', 'web-2'] },
      ],
      process: { kind: 'exec', command: ['bin/shop', '--admin=9090', '--n=0', 'main'] },
    });
  });

  test('a service with for_each is named by label and key, and depends_on takes all of them', async () => {
    const { services } = await declaredBy(`${fleet}
      service "shop" {
        for_each = { eu = 8081, us = 8082 }
        release  = release.shop
        slot "main" {
          hosts = ["web-1"]
          port  = each.value
        }
        install { root = "/srv/shop-\${each.key}" }
        strategy "in_place" { drain_timeout = "0s" }
      }
      service "report" {
        release    = release.shop
        depends_on = [service.shop]
        slot "main" { hosts = [host.web["web-2"]] }
        install { root = "~/report" }
        strategy "in_place" { on_failure = "pause" }
      }
    `);
    expect(services.map(({ name, address }) => [name, address])).toEqual([
      ['shop-eu', 'service.shop["eu"]'],
      ['shop-us', 'service.shop["us"]'],
      ['report', 'service.report'],
    ]);
    expect(services[2]).toMatchObject({
      dependsOn: ['service.shop["eu"]', 'service.shop["us"]'],
      install: { root: '~/report' },
      strategy: { kind: 'in_place', onFailure: 'pause' },
      traffic: [],
    });
  });

  test('secrets stay names, wherever they went through', async () => {
    const declared = await declaredBy(
      `secret "db" { env = "DB_PASSWORD" }
       secret "cert" { file = "~/cert.pem" }
       secret "key" { command = ["pass", "show", "key"] }
       locals { env = merge({ A = "1" }, { DB = secret.db }) }
       ${inPlace('process "exec" {\n command = ["bin/shop"]\n environment = local.env\n }')}`,
    );
    expect(instance(declared)?.process?.environment).toEqual({ A: '1', DB: { secret: 'db' } });
    expect(declared.secrets).toEqual({
      db: { from: 'env', name: 'DB_PASSWORD' },
      cert: { from: 'file', path: '/home/kim/cert.pem' },
      key: { from: 'command', argv: ['pass', 'show', 'key'] },
    });
    expect(JSON.stringify(declared)).not.toContain('\u{1ffff}');
  });
});

describe('the rest', () => {
  test('state, policy, outputs and hooks of the run', async () => {
    const declared = await declaredBy(
      `deployctl {
         required_version = "~> 0.1"
         state "local" { path = "var/state" }
       }
       variable "token" {
         type      = string
         sensitive = true
         default   = "hunter2"
       }
       policy "any" { min_in_service = "50%" }
       hook "after_apply" { run = ["bin/notify"] }
       output "list" {
         value       = [1, "two", true, null, { a = 1.5 }]
         description = "Everything"
       }
       output "token" {
         value     = var.token
         sensitive = true
       }`,
    );
    expect(declared).toMatchObject({
      state: { backend: 'local', path: '/project/var/state' },
      policy: { minInServicePercent: 50 },
      hooks: [{ point: 'after_apply', argv: ['bin/notify'], on: 'operator' }],
      outputs: {
        list: { value: [1, 'two', true, null, { a: 1.5 }], sensitive: false, description: 'Everything' },
        token: { value: null, sensitive: true },
      },
    });
  });

  test('an empty configuration declares nothing, and keeps its state in .deployctl', async () => {
    const declared = await declaredBy('');
    expect(declared).toMatchObject({ hosts: [], services: [], state: { path: '/project/.deployctl/prod' } });
  });

  test('the order of blocks and files changes nothing', async () => {
    const parts = [fleet, 'output "n" { value = local.n }', 'locals { n = length(host.web) }'];
    const there = await declaredBy(parts.join('\n'));
    const back = await declaredBy(parts.toReversed().join('\n'));
    expect(there.outputs).toEqual({ n: { value: 2, sensitive: false } });
    expect(back.outputs).toEqual(there.outputs);
  });
});

test('validate finds what is wrong with a service whose hosts and release are not known whole yet', async () => {
  const { diagnostics } = await validateText(`
    variable "address" { type = string }
    host "web" {
      for_each = toset(["a", "b"])
      address  = "\${var.address}"
    }
    load_balancer "haproxy" "edge" {
      hosts    = [host.web["a"]]
      map_file = "/etc/haproxy/edge.map"
    }
    release "app" {
      version  = "1.0.0"
      artifact = "dist/app.tar.gz"
    }
    service "app" {
      release = release.app
      slot "blue" {
        hosts = [for each in host.web : each]
        port  = 8081
      }
      slot "green" {
        hosts = host.web
        port  = 8082
      }
      install { root = "/srv/app" }
      process "exec" { command = ["bin/app"] }
      traffic "load_balancer" { load_balancer = load_balancer.edge }
      strategy "blue_green" {}
    }
  `);
  expect(diagnostics.map(({ code }) => code)).toEqual(['strategy-needs-health']);
});
