/** `load_balancer` blocks: the types come from the providers. */

import type { BalancerDeclared, Diagnostic, Json } from '../../model/index.ts';
import { preconditionShape } from './assertions.ts';
import { nameLabel } from './reaching.ts';
import {
  type Argument,
  type Arguments,
  type ArgumentType,
  any,
  defaulted,
  optional,
  required,
  type Variant,
  type VariantShape,
} from './shape.ts';
import { lines } from './types/collections.ts';
import { bool, duration, whole } from './types/numbers.ts';
import { hostPath } from './types/places.ts';
import { hosts } from './types/references.ts';
import { line } from './types/text.ts';

/** One argument of a type of load balancer, as its provider describes it. */
export interface BalancerSetting {
  readonly name: string;
  /** `path`: absolute, on the hosts. `duration`: written as "30s", given as milliseconds. */
  readonly type: 'string' | 'path' | 'duration' | 'number' | 'bool' | 'strings';
  readonly description: string;
  readonly required?: boolean;
  readonly default?: Json;
}

/** A type of load balancer that a provider drives. */
export interface BalancerKind {
  readonly name: string;
  readonly description: string;
  readonly settings: readonly BalancerSetting[];
  /** Whether it can find the servers of a pool by a DNS record, and be seen to use them. */
  readonly resolvesNames?: boolean;
  /** What settings, names and pools get wrong that a schema cannot say. */
  check?(balancer: BalancerDeclared): readonly Diagnostic[];
}

const settingTypes: Readonly<Record<BalancerSetting['type'], ArgumentType<unknown>>> = {
  string: line,
  path: hostPath,
  duration,
  number: whole(0, Number.MAX_SAFE_INTEGER),
  bool,
  strings: lines,
};

function settingArgument(setting: BalancerSetting): Argument<unknown> {
  const type = settingTypes[setting.type];
  if (setting.required) return required(type, setting.description);
  const { default: written } = setting;
  if (typeof written !== 'string' && typeof written !== 'number' && typeof written !== 'boolean') {
    return optional(type, setting.description);
  }
  return defaulted(type, written, setting.description);
}

/** Arguments of every type; what is left are the settings of the provider. */
export const commonBalancerArguments = {
  hosts: required(
    hosts,
    'The hosts that run it, in the order in which they are told. A pair behind keepalived names both.',
  ),
} as const;

/** The shape of `load_balancer` blocks, with the types that the given providers drive. */
export function balancerShape(kinds: readonly BalancerKind[]) {
  const variants: Record<
    string,
    Variant & { readonly arguments: Arguments & typeof commonBalancerArguments }
  > = {};
  const add = (kind: BalancerKind): void => {
    if (Object.hasOwn(variants, kind.name)) return;
    variants[kind.name] = {
      description: kind.description,
      arguments: {
        ...commonBalancerArguments,
        ...Object.fromEntries(kind.settings.map((setting) => [setting.name, settingArgument(setting)])),
      },
      blocks: { precondition: any(preconditionShape) },
    };
  };
  for (const kind of kinds) add(kind);
  return {
    description: 'Something that spreads requests over the members of pools, and lets a route be moved.',
    kindLabel: 'type',
    labels: [nameLabel],
    repeatable: true,
    variants,
  } satisfies VariantShape;
}
