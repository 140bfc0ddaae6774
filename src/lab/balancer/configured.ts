/** The pools that deployctl writes into the lab's balancer, beside those that it was started with. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { writeKeptText } from '../kept-file.ts';
import { type LabPool, Pool } from './pools.ts';

/** `{"pools": […]}`. Throws where it is anything else: half a configuration must not be loaded. */
export function parseConfigured(text: string): readonly LabPool[] {
  const { pools } = JSON.parse(text) as { readonly pools?: unknown };
  if (!Array.isArray(pools) || !pools.every(isPool)) throw new Error('it is not a list of pools');
  return pools;
}

function isPool(value: unknown): value is LabPool {
  const { name, members, health } = value as Partial<Record<keyof LabPool, unknown>>;
  const isMember = (each: unknown): boolean => {
    const { name: called, address, port } = each as Record<string, unknown>;
    return typeof called === 'string' && typeof address === 'string' && typeof port === 'number';
  };
  return (
    typeof name === 'string' &&
    Array.isArray(members) &&
    members.every(isMember) &&
    (health === undefined || typeof (health as Record<string, unknown>).path === 'string')
  );
}

/** All pools of a balancer by name. A pool that stays as it was keeps its members' checks, sessions and counts. */
export class PoolTable {
  readonly pools = new Map<string, Pool>();
  /** The text that is in effect; undefined: none. */
  configured: string | undefined;
  readonly #ownPools: readonly LabPool[];
  #runs = false;

  constructor(ownPools: readonly LabPool[]) {
    this.#ownPools = ownPools;
    this.configure(undefined);
  }

  /** Puts the pools of this text in the place of those of the last one. Throws, with nothing changed, where it is none. */
  configure(text: string | undefined): void {
    const wanted = new Map(this.#ownPools.map((pool) => [pool.name, pool]));
    for (const pool of text === undefined ? [] : parseConfigured(text)) wanted.set(pool.name, pool);
    for (const [name, pool] of this.pools) {
      const next = wanted.get(name);
      if (next !== undefined && pool.is(next)) continue;
      this.pools.delete(name);
      pool.stopChecks();
    }
    for (const [name, declared] of wanted) {
      if (this.pools.has(name)) continue;
      const pool = new Pool(declared);
      this.pools.set(name, pool);
      if (this.#runs) pool.startChecks();
    }
    this.configured = text;
  }

  startChecks(): void {
    this.#runs = true;
    for (const pool of this.pools.values()) pool.startChecks();
  }

  stopChecks(): void {
    this.#runs = false;
    for (const pool of this.pools.values()) pool.stopChecks();
  }
}

export const readConfigured = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined;

/** On the disk when it returns; undefined: the file is gone. */
export function writeConfigured(path: string, text: string | undefined): void {
  if (text === undefined) rmSync(path, { force: true });
  else writeKeptText(path, text);
}
