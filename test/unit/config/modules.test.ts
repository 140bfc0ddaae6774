import { expect, test } from 'vitest';
import { type Loaded, type LoadInput, loadConfig } from '../../../src/config/load.ts';
import { serviceName } from '../../../src/model/index.ts';
import { unitName } from '../../../src/providers/host/layout.ts';
import { inputOf } from './folder.ts';

type Files = Readonly<Record<string, string>>;
const root = '/project/environments/prod';

/** `modules`: folders beside the environments, by their absolute path. */
function load(main: string, modules: Readonly<Record<string, Files>>): Promise<Loaded> {
  const input = inputOf(root, [{ path: 'main.hcl', bytes: main }]);
  const ports: LoadInput['ports'] = {
    ...input.ports,
    readModule: async (folder) => ({
      files: Object.entries(modules[folder] ?? {}).map(([name, bytes]) => ({
        path: `${folder}/${name}`,
        bytes,
      })),
    }),
  };
  return loadConfig({ ...input, ports });
}

const web = {
  'variables.hcl':
    'variable "addresses" {\n  type = map(string)\n}\nvariable "port" {\n  default = 8080\n}\n',
  'main.hcl': `
    host "web" {
      for_each = var.addresses
      address  = each.value
      labels   = { module = path.module }
    }
    release "app" {
      version  = "1.0.0"
      artifact = "dist/app.tar.gz"
    }
    service "app" {
      release = release.app
      slot "main" {
        hosts = host.web
        port  = var.port
      }
      install { root = "/srv/app" }
      process "exec" { command = ["bin/app", "--port=\${slot.port}"] }
      strategy "in_place" {}
    }
    output "names" { value = [for h in host.web : h.name] }
    output "service" { value = service.app }
  `,
};

test('a module for each region has hosts, services and units of its own', async () => {
  const { declared, diagnostics } = await load(
    `module "region" {
       for_each  = { eu = { a = "10.1.0.1" }, us = { a = "10.2.0.1", b = "10.2.0.2" } }
       source    = "../../modules/web"
       addresses = each.value
       port      = each.key == "eu" ? 8080 : 9090
     }
     output "us" { value = module.region["us"].names }
     output "all" { value = [for r in module.region : length(r.names)] }
     output "services" { value = values(module.region)[*].service.name }`,
    { '/project/modules/web': web },
  );
  expect(diagnostics).toEqual([]);
  expect(declared?.hosts.map(({ name, address }) => [name, address])).toEqual([
    ['a-eu', 'module.region["eu"].host.web["a"]'],
    ['a-us', 'module.region["us"].host.web["a"]'],
    ['b-us', 'module.region["us"].host.web["b"]'],
  ]);
  expect(declared?.hosts[0]?.labels).toEqual({ module: '../../modules/web' });
  expect(declared?.services.map(({ name, address }) => [name, address])).toEqual([
    ['app-eu', 'module.region["eu"].service.app'],
    ['app-us', 'module.region["us"].service.app'],
  ]);
  expect(declared?.services[1]?.slots[0]?.instances[1]).toMatchObject({
    address: 'module.region["us"].service.app.slot["main"].host["b-us"]',
    process: { unit: 'app-us-main', command: ['bin/app', '--port=9090'] },
  });
  expect(declared?.outputs).toMatchObject({
    us: { value: ['a-us', 'b-us'] },
    all: { value: [1, 2] },
    services: { value: ['app-eu', 'app-us'] },
  });
});

test('what a repeated service is called can be told from its address, as whoever acts on hosts does', async () => {
  const inner = {
    'main.hcl': `
      variable "port" {}
      host "web" {
        count   = 2
        address = "10.0.\${var.port}.\${count.index + 1}"
      }
      release "app" {
        version  = "1.0.0"
        artifact = "dist/app.tar.gz"
      }
      service "app" {
        for_each = { x = 0, y = 100 }
        release  = release.app
        slot "main" {
          hosts = host.web
          port  = var.port + each.value
        }
        install { root = "/srv/\${each.key}" }
        process "exec" { command = ["bin/app"] }
        strategy "in_place" {}
      }`,
  };
  const { declared, diagnostics } = await load(
    `module "outer" {
       count  = 2
       source = "./outer"
       port   = 10 + count.index
     }`,
    {
      [`${root}/outer`]: {
        'main.hcl':
          'variable "port" {}\nmodule "inner" {\n  for_each = toset(["a"])\n  source = "../inner"\n  port = var.port\n}\n',
      },
      [`${root}/inner`]: inner,
    },
  );
  expect(diagnostics).toEqual([]);
  expect(declared?.services.map(({ name }) => name)).toEqual([
    'app-x-a-0',
    'app-y-a-0',
    'app-x-a-1',
    'app-y-a-1',
  ]);
  for (const service of declared?.services ?? []) {
    expect(serviceName(service.address)).toBe(service.name);
    for (const { process } of service.slots[0]?.instances ?? [])
      expect(process?.unit).toBe(unitName(service.address, service.install, 'main'));
  }
});

test('blocks can be passed into a module and out of it', async () => {
  const behind = {
    'main.hcl': `
      variable "edge" {}
      variable "release" {}
      variable "hosts" {}
      service "app" {
        release = var.release
        slot "blue" {
          hosts = var.hosts
          port  = 8081
        }
        slot "green" {
          hosts = var.hosts
          port  = 8082
        }
        install { root = "/srv/app" }
        health "tcp" {}
        traffic "load_balancer" { load_balancer = var.edge }
        strategy "blue_green" {}
      }`,
  };
  const { declared, diagnostics } = await load(
    `host "web-1" { address = "10.0.0.1" }
     load_balancer "haproxy" "edge" {
       hosts    = [host.web-1]
       map_file = "/etc/haproxy/edge.map"
     }
     release "app" {
       version  = "2.0.0"
       artifact = "dist/app.tar.gz"
     }
     module "app" {
       source  = "./app"
       edge    = load_balancer.edge
       release = release.app
       hosts   = [host.web-1]
     }`,
    { [`${root}/app`]: behind },
  );
  expect(diagnostics).toEqual([]);
  expect(declared?.balancers[0]?.routes).toEqual([{ route: 'app', service: 'module.app.service.app' }]);
  expect(declared?.services[0]?.release.version).toBe('2.0.0');
});

test('two modules may need each other’s outputs, as long as no value needs itself', async () => {
  const pass =
    'variable "in" {}\nvariable "other" {}\noutput "out" { value = "${var.in}!" }\noutput "other" { value = var.other }\n';
  const { declared, diagnostics } = await load(
    `module "a" {
       source = "./pass"
       in     = "x"
       other  = module.b.out
     }
     module "b" {
       source = "./pass"
       in     = module.a.out
       other  = 1
     }
     output "end" { value = module.a.other }`,
    { [`${root}/pass`]: { 'main.hcl': pass } },
  );
  expect(diagnostics).toEqual([]);
  expect(declared?.outputs.end?.value).toBe('x!!');
});

test('a circle through a module is told with its path', async () => {
  const { diagnostics } = await load('module "a" {\n  source = "./pass"\n  in     = module.a.out\n}\n', {
    [`${root}/pass`]: { 'main.hcl': 'variable "in" {}\noutput "out" { value = var.in }\n' },
  });
  expect(diagnostics).toMatchObject([
    { code: 'reference-cycle', detail: expect.stringContaining('module.a.var.in -> module.a.output.out') },
  ]);
});

test('a mistake in a module that is used twice is told once', async () => {
  const { diagnostics } = await load('module "a" {\n  count  = 2\n  source = "./pass"\n}\n', {
    [`${root}/pass`]: { 'main.hcl': 'output "out" { value = local.nothing }\n' },
  });
  expect(diagnostics).toMatchObject([
    { code: 'undeclared-local', subject: { file: `${root}/pass/main.hcl` } },
  ]);
});

const oneService = {
  'main.hcl': `
    variable "port" {}
    release "app" {
      version  = "1.0.0"
      artifact = "dist/app.tar.gz"
    }
    service "app" {
      release = release.app
      slot "main" {
        hosts = ["web-1"]
        port  = var.port
      }
      install { root = "/srv/app-\${var.port}" }
      process "exec" { command = ["bin/app"] }
      strategy "in_place" {}
    }
    output "port" { value = var.port }`,
};

const ordered = (front: string, back = '') =>
  load(
    `host "web-1" { address = "10.0.0.1" }
     release "app" {
       version  = "1.0.0"
       artifact = "dist/app.tar.gz"
     }
     service "root" {
       release    = release.app
       depends_on = ${front}
       slot "main" {
         hosts = ["web-1"]
         port  = 80
       }
       install { root = "/srv/root" }
       process "exec" { command = ["bin/app"] }
       strategy "in_place" {}
     }
     module "back" {
       for_each = { eu = 81, us = 82 }
       source   = "./app"
       port     = each.value
       ${back}
     }
     module "front" {
       source     = "./app"
       port       = 83
       depends_on = [module.back, service.root]
     }`,
    { [`${root}/app`]: oneService },
  );

test('services wait for whole modules, and the services of a module for what its block names', async () => {
  const eu = 'module.back["eu"].service.app';
  const us = 'module.back["us"].service.app';
  for (const [written, meant] of [
    ['[module.back]', [eu, us]],
    ['[module.back["us"]]', [us]],
    ['[module.back["us"].port]', [us]],
    ['[]', []],
  ] as const) {
    const { declared, diagnostics } = await ordered(written);
    expect(diagnostics).toEqual([]);
    const waits = new Map(declared?.services.map(({ address, dependsOn }) => [`${address}`, dependsOn]));
    expect(waits.get('service.root')).toEqual(meant);
    expect(waits.get('module.front.service.app')).toEqual([eu, us, 'service.root']);
    expect(waits.get(eu)).toEqual([]);
  }
});

test.for([
  ['[module.back["asia"]]', '', 'There is no service at module.back["asia"].'],
  ['[for m in module.back : m]', '', 'is not computed'],
  ['[module.bakc]', '', 'Did you mean "back"?'],
  ['[module.back]', 'depends_on = [service.root]', 'These refer to each other in a circle'],
] as const)('depends_on = %s is refused', async ([front, back, detail]) => {
  const { declared, diagnostics } = await ordered(front, back);
  expect(declared).toBeUndefined();
  expect(diagnostics).toMatchObject([{ severity: 'error', detail: expect.stringContaining(detail) }]);
});
