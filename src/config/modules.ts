/** The modules of a configuration: what their folders declare, and their instances while they are evaluated. */
import { posix } from 'node:path';
import type { Resolution, Roots } from '../hcl/eval/scope.ts';
import { object, objectOf, string, tuple, UNKNOWN, type Value } from '../hcl/eval/values.ts';
import type { Traversal } from '../hcl/syntax/ast.ts';
import { type Dependencies, instanceAttributes, nameOf } from './dependencies.ts';
import type { BlockItem, Item } from './items.ts';
import { keyText, type Repetition, type RepetitionKind } from './repetition.ts';

/** One folder of configuration, used once or more often. */
export interface Module {
  /** Names of the calls that lead to it; empty for the environment itself. */
  readonly path: readonly string[];
  /** Absolute folder. */
  readonly folder: string;
  readonly items: ReadonlyMap<string, Item>;
  readonly dependencies: Dependencies;
  readonly children: ReadonlyMap<string, Module>;
}

/** What evaluating an item gave. UNKNOWN where it failed or is not known. */
export interface ItemResult {
  readonly value: Value;
}

/** One use of a module, with the values that its items have there. */
export class ModuleInstance {
  readonly module: Module;
  /** `module.web["a"].`, or nothing for the environment itself. */
  readonly prefix: string;
  /** What is added to names inside, so that the uses of a module do not collide: `-a`. */
  readonly suffix: string;
  readonly caller:
    | { readonly instance: ModuleInstance; readonly call: BlockItem; readonly repetition: Repetition }
    | undefined;
  readonly values = new Map<string, Value>();
  readonly calls = new Map<
    string,
    { readonly kind: RepetitionKind; readonly instances: readonly ModuleInstance[] }
  >();
  readonly rootFolder: string;
  readonly workingFolder: string;

  constructor(
    module: Module,
    folders: { readonly root: string; readonly working: string },
    caller?: { readonly instance: ModuleInstance; readonly call: BlockItem; readonly repetition: Repetition },
  ) {
    this.module = module;
    this.caller = caller;
    this.rootFolder = folders.root;
    this.workingFolder = folders.working;
    const key = caller?.repetition.key;
    this.prefix =
      caller === undefined ? '' : `${caller.instance.prefix}module.${caller.call.name}${keyText(key)}.`;
    this.suffix =
      caller === undefined ? '' : `${key === undefined ? '' : `-${key}`}${caller.instance.suffix}`;
  }

  /** The address of something in it: `module.web["a"].service.shop`. */
  address(item: string, repetition: Repetition = { key: undefined }): string {
    return `${this.prefix}${item}${keyText(repetition.key)}`;
  }

  /** What `module.x` is: its outputs, as far as they were asked for. */
  callValue(name: string): Value {
    const call = this.calls.get(name);
    if (call === undefined) return UNKNOWN;
    const outputsOf = (instance: ModuleInstance): Value => {
      const outputs = new Map<string, Value>();
      for (const item of instance.module.items.values()) {
        if (item.type === 'output') outputs.set(item.name, instance.values.get(item.key) ?? UNKNOWN);
      }
      return object(outputs);
    };
    return collect(
      call.kind,
      call.instances.map((instance) => [instance.caller?.repetition.key, outputsOf(instance)]),
    );
  }
}

/** The value of a block that may repeat: the object itself, a tuple with `count`, an object by key with `for_each`. */
export function collect(
  kind: RepetitionKind,
  values: readonly (readonly [string | number | undefined, Value])[],
): Value {
  if (kind === 'single') return values[0]?.[1] ?? UNKNOWN;
  if (kind === 'count') return tuple(values.map(([, value]) => value));
  return object(new Map(values.map(([key, value]) => [String(key), value])));
}

/** What an instance of a service is, for its process, health and hook blocks. */
export interface InstanceObjects {
  readonly slot: Readonly<Record<string, Value>>;
  readonly host: Readonly<Record<string, Value>>;
  readonly release: Readonly<Record<string, Value>>;
}

/** The names that the expressions of one item may use. Nothing is evaluated here: what is needed is there already. */
export class ItemRoots implements Roots {
  readonly #instance: ModuleInstance;
  readonly #repetition: Repetition | undefined;
  readonly #objects: InstanceObjects | undefined;

  constructor(instance: ModuleInstance, repetition?: Repetition, objects?: InstanceObjects) {
    this.#instance = instance;
    this.#repetition = repetition;
    this.#objects = objects;
  }

  resolve(root: string, reference: Traversal): Resolution | undefined {
    const name = nameOf(reference.steps[0]);
    const objects = this.#objects;
    if (objects !== undefined && name !== undefined && instanceAttributes[root]?.includes(name)) {
      if (root === 'slot' || root === 'host' || root === 'release') {
        return { value: objects[root][name] ?? UNKNOWN, stepsTaken: 1 };
      }
    }
    switch (root) {
      case 'each':
        return { value: this.#repetition?.each ?? UNKNOWN };
      case 'count':
        return { value: this.#repetition?.count ?? UNKNOWN };
      case 'path':
        return { value: this.#paths() };
      case 'module':
        if (name === undefined) return { value: UNKNOWN };
        return { value: this.#instance.callValue(name), stepsTaken: 1 };
    }
    if (name === undefined) return { value: UNKNOWN };
    // What is not declared was reported when the references were collected.
    return { value: this.#instance.values.get(`${root}.${name}`) ?? UNKNOWN, stepsTaken: 1 };
  }

  names(): Iterable<string> {
    return ['var', 'local', 'path', 'module', 'host', 'load_balancer', 'release', 'service', 'secret', 'ssh'];
  }

  #paths(): Value {
    const { module, rootFolder, workingFolder } = this.#instance;
    const from = (folder: string): Value => string(posix.relative(workingFolder, folder) || '.');
    return objectOf({ module: from(module.folder), root: from(rootFolder), cwd: string(workingFolder) });
  }
}
