/** Every kind of load balancer that exists. A new one is a folder and a line here. */
import { apache } from './apache/index.ts';
import { caddy } from './caddy/index.ts';
import { haproxy } from './haproxy/index.ts';
import { lab } from './lab/index.ts';
import { nginx } from './nginx/index.ts';
import type { BalancerKind } from './registry-entry.ts';

export type { BalancerKind, SettingSchema, SnippetOptions } from './registry-entry.ts';

export const balancerKinds: readonly BalancerKind[] = [haproxy, nginx, caddy, apache, lab];

/** undefined: there is no such provider. */
export const balancerKind = (name: string): BalancerKind | undefined =>
  balancerKinds.find((kind) => kind.name === name);
