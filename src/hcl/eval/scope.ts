import type { Traversal } from '../syntax/ast.ts';
import type { SourceText } from '../syntax/source.ts';
import type { FunctionDefinition } from './functions/definition.ts';
import type { Budget } from './limits.ts';
import type { Ports } from './ports.ts';
import type { Problem } from './problem.ts';
import type { Value } from './values.ts';

/** What a name at the root of a reference stands for. */
export interface Resolution {
  readonly value: Value;
  /** How many of the reference's steps `value` has already taken: 1 for `local.x` when it is the value of `x`. */
  readonly stepsTaken?: number;
  /** Why there is no such thing; `value` is then unknown. It is an error also inside of `try`. */
  readonly problem?: Pick<Problem, 'summary' | 'detail' | 'hint'>;
}

/** The names that references begin with: `var`, `local`, `each`, `host`. Asked only when a reference is evaluated. */
export interface Roots {
  /**
   * Undefined when there is no such name. The whole reference is given, so that only what it asks for need be
   * worked out.
   */
  resolve(name: string, reference: Traversal): Resolution | undefined;
  /** For "did you mean". */
  names(): Iterable<string>;
}

export type FunctionTable = ReadonlyMap<string, FunctionDefinition>;

export interface ScopeOptions {
  /** The text the expression was parsed from: it turns offsets into lines and columns. */
  readonly source: SourceText;
  readonly functions: FunctionTable;
  readonly roots?: Roots | undefined;
  readonly ports?: Ports | undefined;
  /** Shared by all evaluations that together must not take too long. A new one for each evaluation by default. */
  readonly budget?: Budget | undefined;
}

/** What a scope adds to the one around it. */
interface Added {
  readonly parent: Scope;
  readonly names?: Bindings | undefined;
  readonly valueName?: string | undefined;
  readonly value?: Value | undefined;
  readonly keyName?: string | undefined;
  readonly key?: Value | undefined;
  readonly item?: Value | undefined;
  readonly isHidden?: boolean;
}

/** Where an expression is evaluated: the names it can use. Never changes; its methods make new ones. */
export class Scope {
  readonly source: SourceText;
  readonly functions: FunctionTable;
  readonly roots: Roots | undefined;
  readonly ports: Ports;
  readonly budget: Budget | undefined;
  readonly #added: Added | undefined;
  /** What `[*]` stands for in the innermost splat. */
  readonly item: Value | undefined;
  /** Whether names bound here may hold parts of a sensitive value, so that errors must not show them. */
  readonly isHidden: boolean;

  constructor(options: ScopeOptions, added?: Added) {
    this.source = options.source;
    this.functions = options.functions;
    this.roots = options.roots;
    this.ports = options.ports ?? {};
    this.budget = options.budget;
    this.#added = added;
    this.item = added?.item ?? added?.parent.item;
    this.isHidden = added?.isHidden === true || added?.parent.isHidden === true;
  }

  /** The same names for expressions of another text. */
  at(source: SourceText): Scope {
    if (source === this.source) return this;
    const { functions, roots, ports, budget } = this;
    return new Scope({ source, functions, roots, ports, budget }, { parent: this });
  }

  /** With more names, which take precedence over the same ones outside. */
  bind(names: Bindings): Scope {
    return new Scope(this, { parent: this, names });
  }

  /** The same for what a loop binds, made for many items: one name, or two. */
  bindItem(valueName: string, value: Value, keyName?: string, key?: Value, isHidden = false): Scope {
    return new Scope(this, { parent: this, valueName, value, keyName, key, isHidden });
  }

  /** With a value for the item of a splat. */
  withItem(item: Value, isHidden = false): Scope {
    return new Scope(this, { parent: this, item, isHidden });
  }

  /** A name bound in this scope or around it; not a root. */
  bound(name: string): Value | undefined {
    for (let added = this.#added; added !== undefined; added = added.parent.#added) {
      if (added.valueName === name) return added.value;
      if (added.keyName === name) return added.key;
      const value = added.names?.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  resolve(name: string, reference: Traversal): Resolution | undefined {
    const value = this.bound(name);
    return value === undefined ? this.roots?.resolve(name, reference) : { value };
  }

  /** Every name there is, the innermost first. */
  names(): string[] {
    const names: string[] = [];
    for (let added = this.#added; added !== undefined; added = added.parent.#added) {
      if (added.valueName !== undefined) names.push(added.valueName);
      if (added.keyName !== undefined) names.push(added.keyName);
      names.push(...(added.names?.keys() ?? []));
    }
    return [...names, ...(this.roots?.names() ?? [])];
  }
}

/** Names and their values. */
export type Bindings = ReadonlyMap<string, Value>;

export const bindings = (...pairs: readonly (readonly [string, Value])[]): Bindings => new Map(pairs);

/** Roots with fixed values. */
export const rootsOf = (values: Readonly<Record<string, Value>> | ReadonlyMap<string, Value>): Roots => {
  const known = values instanceof Map ? values : new Map<string, Value>(Object.entries(values));
  return {
    resolve: (name) => {
      const value = known.get(name);
      return value === undefined ? undefined : { value };
    },
    names: () => known.keys(),
  };
};
