/** Declarations and contexts for the tests of load balancers, and a way to their hosts. */
import {
  asAddress,
  asInstant,
  audienceRules,
  type BalancerDeclared,
  type Context,
  canonicalAudience,
  type Declared,
  type HostDeclared,
  type Json,
  type PoolDeclared,
  type StepId,
} from '../../src/model/index.ts';
import type { HostChannels } from '../../src/transport/index.ts';
import { openHostChannels } from '../../src/transport/index.ts';

const origin = {
  file: 'edge.hcl',
  start: { line: 1, column: 1, byte: 0 },
  end: { line: 1, column: 1, byte: 0 },
};

export const edge = asAddress('load_balancer.edge');
const shop = asAddress('service.shop');

/** A pool with a health check as a service would declare it. */
export const pool = (name: string, members: Readonly<Record<string, number>>): PoolDeclared => ({
  name,
  service: shop,
  members: Object.entries(members).map(([member, port]) => ({ name: member, address: '127.0.0.1', port })),
  health: {
    kind: 'http',
    address: '127.0.0.1',
    port: Object.values(members)[0] ?? 80,
    path: '/health',
    status: 200,
    intervalMs: 250,
    passes: 2,
    timeoutMs: 5000,
    deadlineMs: 10_000,
    origin,
  },
});

export const balancer = (
  provider: string,
  settings: Readonly<Record<string, Json>>,
  pools: readonly PoolDeclared[],
  routes: readonly string[] = ['shop'],
  hosts: readonly string[] = ['lb-1'],
): BalancerDeclared => ({
  address: edge,
  name: 'edge',
  provider,
  hosts,
  settings,
  routes: routes.map((route) => ({
    route,
    service: shop,
    audience: canonicalAudience(audienceRules({ 'X-Beta': '1' }, { plan: 'pro' }, { beta: 'v1.2' })) ?? [],
    stickyCookie: 'uid',
  })),
  pools,
  origin,
});

export const declaring = (declared: BalancerDeclared): Declared => ({
  environment: 'test',
  folder: '/',
  hosts: [],
  balancers: [declared],
  zones: [],
  services: [],
  policy: { minInServicePercent: 0, freezes: [] },
  hooks: [],
  secrets: {},
  outputs: {},
  state: { backend: 'local', path: '/' },
});

/** Every name is this machine. */
export const localChannels = (hosts: readonly string[] = ['lb-1', 'lb-2']): HostChannels =>
  channelsTo(
    hosts.map((name) => ({
      address: asAddress(`host.${name}`),
      name,
      connection: { kind: 'local' },
      networkAddress: '127.0.0.1',
      labels: {},
      origin,
    })),
  );

export const channelsTo = (hosts: readonly HostDeclared[]): HostChannels =>
  openHostChannels(hosts, { clock: systemClock });

/** The same hosts as if they were far: where what needs many questions is put into one script. */
export const far = (channels: HostChannels): HostChannels => ({
  async to(host, signal) {
    const { isHere: _, isNear: __, ...channel } = await channels.to(host, signal);
    return channel;
  },
  [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
});

/** Once, just before or just after the script that writes what is kept of routes: its content is among the values of that one alone. */
export const aroundWrite = (
  channels: HostChannels,
  when: 'before' | 'after',
  happens: () => Promise<void>,
): HostChannels => ({
  async to(host, signal) {
    const channel = await channels.to(host, signal);
    let isOver = false;
    return {
      ...channel,
      async script(text, values, options) {
        const isIt = !isOver && (values['text'] !== undefined || values['lines'] !== undefined);
        if (!isIt) return channel.script(text, values, options);
        isOver = true;
        if (when === 'before') await happens();
        const done = await channel.script(text, values, options);
        if (when === 'after') await happens();
        return done;
      },
    };
  },
  [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
});

export interface CallCounts {
  scripts: number;
  dials: number;
}

/** Counts what is started on hosts, and the connections that are made from there. */
export const counted = (channels: HostChannels, counts: CallCounts): HostChannels => ({
  async to(host, signal) {
    const channel = await channels.to(host, signal);
    return {
      host: channel.host,
      ...(channel.isHere === undefined ? {} : { isHere: channel.isHere }),
      get isNear() {
        return channel.isNear === true;
      },
      script: (...given) => {
        counts.scripts += 1;
        return channel.script(...given);
      },
      stream: (...given) => channel.stream(...given),
      dial: (...given) => {
        counts.dials += 1;
        return channel.dial(...given);
      },
    };
  },
  [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
});

/** Hosts with none of the programs that can speak to a unix socket for a script. */
export const helpless = (channels: HostChannels): HostChannels => ({
  async to(host, signal) {
    const channel = await channels.to(host, signal);
    return {
      host: channel.host,
      script: (text, values, options) => channel.script(`command() { return 1; }\n${text}`, values, options),
      stream: (...given) => channel.stream(...given),
      dial: (...given) => channel.dial(...given),
    };
  },
  [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
});

const systemClock: Context['clock'] = {
  now: () => asInstant(Date.now()),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
};

export const context = (
  options: {
    readonly lineage?: string;
    readonly run?: number;
    readonly texts?: string[];
    readonly signal?: AbortSignal;
  } = {},
): Context => ({
  signal: options.signal ?? new AbortController().signal,
  clock: systemClock,
  fence: { lineage: options.lineage ?? 'ours', run: options.run ?? 1 },
  step: 'test' as StepId,
  attempt: 0,
  report: (event) => {
    if (event.type === 'step_progress') options.texts?.push(event.text);
  },
});
