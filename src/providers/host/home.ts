/**
 * Install roots below the home folder of whoever logs in: `~/srv/shop`. What that is differs from host to host, so it is
 * asked once for each host, and only where a root begins with `~`. Everything behind this works with absolute paths.
 */
import {
  type Declared,
  type Diagnostic,
  type InstallDeclared,
  inventoryAddress,
  type Observation,
  type Observed,
  type Operation,
  type Place,
  type Provider,
  ProviderFailure,
  type ServiceDeclared,
} from '../../model/index.ts';
import type { HostChannels } from '../../transport/index.ts';
import { diagnosticOf } from './session.ts';

const askTimeoutMs = 20_000;
const isBelowHome = (path: string): boolean => path === '~' || path.startsWith('~/');

export function withHomes(inner: Provider, channels: HostChannels): Provider {
  const homes = new Map<string, Promise<string>>();
  const homeOf = (host: string, signal: AbortSignal): Promise<string> => {
    const known = homes.get(host);
    if (known !== undefined) return known;
    const asked = askHome(channels, host, signal);
    homes.set(host, asked);
    // A host that did not answer may answer the next time.
    asked.catch(() => homes.delete(host));
    return asked;
  };
  const resolve = async (operation: Operation, signal: AbortSignal): Promise<Operation> => {
    const place = 'place' in operation ? operation.place : undefined;
    if (place === undefined || !isBelowHome(place.install.root)) return operation;
    return atHome(operation, place, await homeOf(place.host, signal));
  };
  return {
    name: inner.name,
    traits: inner.traits,
    observe: (declared, signal) => observeAtHomes(inner, declared, homeOf, signal),
    // It asks each host for its home by itself: it has to say what is wrong where there is none.
    ...(inner.check === undefined ? {} : { check: inner.check.bind(inner) }),
    look: async (operation, cx) => {
      try {
        return await inner.look(await resolve(operation, cx.signal), cx);
      } catch (error) {
        if (error instanceof ProviderFailure) return { at: 'unknown', why: error.diagnostic };
        throw error;
      }
    },
    perform: async (operation, cx, looks) => inner.perform(await resolve(operation, cx.signal), cx, looks),
    seen: async (operation, cx) => inner.seen(await resolve(operation, cx.signal), cx),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

async function askHome(channels: HostChannels, host: string, signal: AbortSignal): Promise<string> {
  const channel = await channels.to(host, signal);
  const { code, stdout } = await channel.script('printf %s "$HOME"', {}, { timeoutMs: askTimeoutMs, signal });
  if (code === 0 && /^\/[^\0\n]*$/.test(stdout)) return stdout.replace(/\/+$/, '');
  throw new ProviderFailure(
    {
      code: 'host-home-unknown',
      severity: 'error',
      summary: 'The home folder on a host is not known',
      detail: `${host} did not say where the home folder of the login user is, and an install root begins with ~.`,
      hint: 'Give the install root as an absolute path.',
    },
    'none',
  );
}

const below = (path: string, home: string): string => (isBelowHome(path) ? `${home}${path.slice(1)}` : path);

const installBelow = (install: InstallDeclared, home: string): InstallDeclared =>
  isBelowHome(install.root)
    ? { ...install, root: below(install.root, home), rootAsWritten: install.root }
    : install;

function atHome(operation: Operation, place: Place, home: string): Operation {
  const resolved = { ...place, install: installBelow(place.install, home) };
  if (operation.op === 'hook.run')
    return { ...operation, place: resolved, folder: below(operation.folder, home) };
  return { ...operation, place: resolved } as Operation;
}

/** Hosts with different homes are looked at apart, each with the roots as they are there. */
async function observeAtHomes(
  inner: Provider,
  declared: Declared,
  homeOf: (host: string, signal: AbortSignal) => Promise<string>,
  signal: AbortSignal,
): Promise<Observed> {
  if (!declared.services.some((service) => isBelowHome(service.install.root)))
    return inner.observe(declared, signal);
  const hosts = [...new Set(declared.services.flatMap(hostsOf))];
  const homes = await Promise.all(
    hosts.map(async (host) => ({ host, home: await homeOf(host, signal).catch(diagnosticOf) })),
  );
  const byHome = Map.groupBy(homes, ({ home }) => (typeof home === 'string' ? home : undefined));
  const parts = await Promise.all(
    [...byHome].map(([home, group]) => {
      const here = new Set(group.map(({ host }) => host));
      // Where the home is not known, only what stands elsewhere can be looked at.
      const services = declared.services.filter(
        ({ install }) => home !== undefined || !isBelowHome(install.root),
      );
      const onThese = services.map((each) => onlyOn(each, here, home ?? ''));
      return inner.observe({ ...declared, services: onThese }, signal);
    }),
  );
  const homeless = declared.services.filter(({ install }) => isBelowHome(install.root));
  return {
    observations: [
      ...parts.flatMap((part) => part.observations),
      ...homes.flatMap(({ host, home }) =>
        typeof home === 'string' ? [] : homeless.flatMap((service) => unseenOn(service, host, home)),
      ),
    ],
    notes: parts.flatMap((part) => part.notes),
  };
}

/** Not seen is not gone: nothing is said of what stands below a home that is not known. */
function unseenOn(service: ServiceDeclared, host: string, why: Diagnostic): readonly Observation[] {
  const instances = service.slots.flatMap((slot) => slot.instances.filter((each) => each.host === host));
  if (instances.length === 0) return [];
  return [
    { status: 'unknown', kind: 'inventory', address: inventoryAddress(service.address, host), why },
    ...instances.map(({ address }): Observation => ({ status: 'unknown', kind: 'instance', address, why })),
  ];
}

const hostsOf = (service: ServiceDeclared): readonly string[] =>
  service.slots.flatMap((slot) => slot.instances.map((instance) => instance.host));

const onlyOn = (service: ServiceDeclared, hosts: ReadonlySet<string>, home: string): ServiceDeclared => ({
  ...service,
  install: installBelow(service.install, home),
  slots: service.slots.map((slot) => ({
    ...slot,
    instances: slot.instances.filter((instance) => hosts.has(instance.host)),
  })),
});
