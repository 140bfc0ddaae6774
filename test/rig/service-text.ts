/** The service of a scene in the configuration language, in the variations that the tests need. */
import type { Names } from './scene.ts';

export interface ServiceWish {
  readonly hosts: readonly string[];
  /** Default 2: blue and green on the same hosts. With 1 the slot is called "main". */
  readonly slots?: 1 | 2;
  /** The whole block; default: blue_green that reverts. */
  readonly strategy?: string;
  /** The whole block; default: "exec". */
  readonly process?: string;
  /** Default 10s: how long the check of a release may take. */
  readonly deadline?: string;
  /** Default true: behind load_balancer.edge. */
  readonly isBalanced?: boolean;
  readonly root?: string;
  /** The cookie by which a user stays on one side of a canary. */
  readonly stickyCookie?: string;
  readonly more?: string;
}

export const execProcess = (environment = ''): string => `process "exec" {
    command      = ["${process.execPath}", "serve.mjs"]
    environment  = { HOST = host.address, PORT = slot.port, ${environment} }
    stop_timeout = "8s"
  }`;

export const blueGreen = (settings: string): string => `strategy "blue_green" {\n    ${settings}\n  }`;
export const inPlace = (settings = ''): string => `strategy "in_place" {\n    ${settings}\n  }`;

export const shopService =
  (wish: ServiceWish) =>
  ({ bluePort, greenPort }: Names): string => {
    const hosts = `[${wish.hosts.map((host) => `host.${host}`).join(', ')}]`;
    const slot = (name: string, port: number): string =>
      `slot "${name}" {\n    hosts = ${hosts}\n    port  = ${port}\n  }`;
    const slots =
      wish.slots === 1 ? slot('main', bluePort) : `${slot('blue', bluePort)}\n  ${slot('green', greenPort)}`;
    const traffic =
      wish.isBalanced === false
        ? ''
        : `traffic "load_balancer" {\n    load_balancer = load_balancer.edge\n${wish.stickyCookie === undefined ? '' : `    sticky_cookie = "${wish.stickyCookie}"\n`}  }`;
    return `
service "shop" {
  release = release.shop
  ${slots}
  install {
    root = "${wish.root ?? '~/srv/shop'}"
    keep = 3
  }
  ${wish.process ?? execProcess()}
  health "http" {
    path     = "/health"
    interval = "100ms"
    passes   = 2
    timeout  = "2s"
    deadline = "${wish.deadline ?? '10s'}"
  }
  ${traffic}
  ${wish.more ?? ''}
  ${wish.strategy ?? (wish.slots === 1 ? inPlace('on_failure = "revert"') : blueGreen('on_failure = "revert"'))}
}`;
  };
