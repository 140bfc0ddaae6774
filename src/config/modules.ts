/** The modules of a configuration: what their folders declare, and their instances while they are evaluated. */

import { posix } from 'node:path';
import type { Resolution, Roots } from '../hcl/eval/scope.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import {
  MappingValue,
  object,
  objectOf,
  SequenceValue,
  string,
  tuple,
  UNKNOWN,
  type Value,
} from '../hcl/eval/values.ts';
import type { Step, Traversal } from '../hcl/syntax/ast.ts';
import { type Dependencies, instanceAttributes, nameOf } from './dependencies.ts';
import { aOrAn, type BlockItem, type Item } from './items.ts';
import { own } from './own.ts';
import { keyText, type Repetition, type RepetitionKind, repetitionKind } from './repetition.ts';
import { REFERENCE } from './schema/types/references.ts';

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

/** A value that is made when it is first asked for. */
export abstract class Later {
  abstract make(): Value;
}

/** What a reference to an item finds, once its name is taken: one for all references to it. */
class Found implements Resolution {
  readonly value: Value;
  readonly stepsTaken = 1;

  constructor(value: Value) {
    this.value = value;
  }
}

const NOT_FOUND = new Found(UNKNOWN);

/** The values of the items of one module. One that nobody asks for is not made: most hosts are never read. */
class ItemValues {
  readonly #values: (Value | Later | Found | undefined)[];

  constructor(items: ReadonlyMap<string, Item>) {
    this.#values = new Array<undefined>(items.size).fill(undefined);
  }

  set(item: Item, value: Value | Later): void {
    this.#values[item.index] = value;
  }

  /** UNKNOWN where evaluating it failed, and before it was tried. */
  of(item: Item): Value {
    return this.found(item).value;
  }

  found(item: Item): Found {
    const value = this.#values[item.index];
    if (value instanceof Found) return value;
    if (value === undefined) return NOT_FOUND;
    const found = new Found(value instanceof Later ? value.make() : value);
    this.#values[item.index] = found;
    return found;
  }
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
  readonly values: ItemValues;
  /** The names that items without repetition may use. */
  readonly roots: ItemRoots = new ItemRoots(this);
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
    this.values = new ItemValues(module.items);
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
        if (item.type === 'output') outputs.set(item.name, instance.values.of(item));
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

/**
 * What is wrong with the key that follows a block: missing where the block repeats, there where it does not, or the
 * key of none. undefined: nothing, or nothing that can be told from here.
 */
function keyProblem(item: Item | undefined, value: Value, reference: Traversal): Resolution | undefined {
  if (item?.kind !== 'block' || item.type === 'variable') return undefined;
  const step = reference.steps[1];
  const kind = repetitionKind(item.block);
  if (step === undefined || value.kind === 'unknown') return undefined;
  const wrong = (summary: string, detail: string, hint?: string): Resolution => ({
    value: UNKNOWN,
    problem: { summary, detail, hint },
    stepsTaken: reference.steps.length,
  });
  if (kind === 'single') {
    if (step.kind !== 'indexStep') return attributeProblem(item, value, step, wrong);
    return wrong(
      'Unexpected instance key',
      `${item.key} has neither count nor for_each set, so it is the only one, and is referred to without a key in brackets.`,
      `Write ${item.key}.`,
    );
  }
  const keys = value instanceof MappingValue ? [...value.entries.keys()] : [];
  const example = kind === 'count' ? `${item.key}[0]` : `${item.key}[${JSON.stringify(keys[0] ?? 'key')}]`;
  if (step.kind === 'attributeStep') {
    if (kind === 'for_each' && keys.includes(step.name)) return undefined;
    return wrong(
      'Missing instance key',
      `Because ${item.key} has ${kind} set, its attributes can be taken from one of its instances only.`,
      `For one of them: ${example}.${step.name}. For all: [for each in ${item.key} : each.${step.name}].`,
    );
  }
  const key =
    step.key.kind === 'string' ? step.key.value : step.key.kind === 'number' ? step.key.text : undefined;
  if (key === undefined) return undefined;
  if (kind === 'for_each') {
    const next = reference.steps[2];
    const one = value instanceof MappingValue ? value.entries.get(key) : undefined;
    if (one !== undefined) return attributeProblem(item, one, next, wrong);
    const meant = didYouMean(key, keys);
    return wrong(
      'Invalid index',
      `${item.key} has no instance with the key ${JSON.stringify(key)}.${meant === undefined ? '' : ` ${meant}`}`,
      meant !== undefined || keys.length === 0
        ? undefined
        : `Its keys: ${keys.slice(0, 8).join(', ')}${keys.length > 8 ? ', ...' : ''}.`,
    );
  }
  const length = value instanceof SequenceValue ? value.elements.length : 0;
  if (/^\d+$/.test(key) && Number(key) < length) return undefined;
  return wrong(
    'Invalid index',
    `${item.key} has ${length} ${length === 1 ? 'instance' : 'instances'}, numbered from 0; there is no ${item.key}[${key}].`,
  );
}

/** An attribute that no block of this type has. The evaluator would say so as well, without saying what there is. */
function attributeProblem(
  item: Item,
  value: Value,
  step: Step | undefined,
  wrong: (summary: string, detail: string, hint?: string) => Resolution,
): Resolution | undefined {
  if (step?.kind !== 'attributeStep' || item.type === 'module') return undefined;
  if (!(value instanceof MappingValue) || value.kind !== 'object' || value.entries.has(step.name))
    return undefined;
  const known = [...value.entries.keys()].filter((name) => name !== REFERENCE);
  const meant = didYouMean(step.name, known);
  return wrong(
    'Unsupported attribute',
    `${aOrAn(item.type)} does not have an attribute named "${step.name}".${meant === undefined ? '' : ` ${meant}`}`,
    meant === undefined ? `It has ${known.join(', ')}.` : undefined,
  );
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
    if (objects !== undefined && name !== undefined && own(instanceAttributes, root)?.includes(name)) {
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
        return this.#moduleCall(name, reference);
    }
    if (name === undefined) return { value: UNKNOWN };
    // What is not declared was reported when the references were collected.
    const item = this.#instance.module.dependencies.named(root, name);
    if (item === undefined) return NOT_FOUND;
    const found = this.#instance.values.found(item);
    return keyProblem(item, found.value, reference) ?? found;
  }

  #moduleCall(name: string | undefined, reference: Traversal): Resolution {
    if (name === undefined) return { value: UNKNOWN };
    const item = this.#instance.module.items.get(`module.${name}`);
    const value = this.#instance.callValue(name);
    const problem = keyProblem(item, value, reference);
    if (problem !== undefined) return problem;
    const call = this.#instance.calls.get(name);
    const step = reference.steps[call === undefined || call.kind === 'single' ? 1 : 2];
    const outputs = this.#instance.module.children.get(name)?.items;
    // An output that does not exist was reported as well.
    if (step?.kind === 'attributeStep' && outputs?.has(`output.${step.name}`) === false) {
      return { value: UNKNOWN, stepsTaken: reference.steps.length };
    }
    return { value, stepsTaken: 1 };
  }

  names(): Iterable<string> {
    return ['var', 'local', 'path', 'module', 'host', 'load_balancer', 'release', 'service', 'secret', 'ssh'];
  }

  /** From where paths in expressions and arguments begin, so that `file("${path.module}/x")` finds what it means. */
  #paths(): Value {
    const { module, rootFolder, workingFolder } = this.#instance;
    const from = (folder: string): Value => string(posix.relative(rootFolder, folder) || '.');
    return objectOf({ module: from(module.folder), root: from(rootFolder), cwd: string(workingFolder) });
  }
}

/** The same for expressions that somebody types: what is wrong with a reference was not said before, so it is now. */
export class TypedRoots extends ItemRoots {
  readonly #dependencies: Dependencies;

  constructor(instance: ModuleInstance) {
    super(instance);
    this.#dependencies = instance.module.dependencies;
  }

  override resolve(root: string, reference: Traversal): Resolution | undefined {
    const wrong = this.#dependencies.explain(reference);
    if (wrong === undefined) return super.resolve(root, reference);
    const { summary, detail, hint } = wrong;
    return { value: UNKNOWN, problem: { summary, detail, hint }, stepsTaken: reference.steps.length };
  }
}
