/** What a declared thing refers to, found without evaluating anything; and the references that lead nowhere. */

import { didYouMean, nearestName } from '../hcl/eval/suggestion.ts';
import type { Step, Traversal } from '../hcl/syntax/ast.ts';
import { SourceText } from '../hcl/syntax/source.ts';
import type { Diagnostic } from '../model/index.ts';
import { type Context, forEachReferenceOf, outside } from './block-references.ts';
import { aOrAn, type BlockItem, type Item, referable } from './items.ts';
import { own } from './own.ts';
import { Problems, placeOf, type Wording } from './problems.ts';
import { repetitionKind } from './repetition.ts';
import { type BlockShape, hasVariants } from './schema/shape.ts';

/** Something that must be evaluated before. `output` narrows a module down to one of its outputs. */
export interface Dependency {
  readonly item: Item;
  readonly output: string | undefined;
  /** For the words of an error about a cycle. */
  readonly reference: Traversal;
}

/** What `host` and `release` have in process, health and hook blocks, beside what is declared. */
const slotAttributes = ['name', 'port'];
export const instanceAttributes: Readonly<Record<string, readonly string[]>> = {
  slot: slotAttributes,
  host: ['name', 'address', 'labels'],
  release: ['version', 'path'],
};

/** Stands for the place of an expression that is in no file. */
const nowhere = new SourceText('<expression>', '');
const typed: Item = {
  kind: 'local',
  index: -1,
  type: 'local',
  name: '',
  key: '',
  attribute: {
    kind: 'attribute',
    name: '',
    start: 0,
    nameEnd: 0,
    end: 0,
    value: { kind: 'null', start: 0, end: 0 },
  },
  source: nowhere,
};

const blockTypeOfRoot = new Map([...referable].map(([type, root]) => [root, type]));

/** Dependencies in the order in which they were found, each once. Most things have two or three. */
class Found {
  readonly all: Dependency[] = [];
  #ids: Set<string> | undefined;

  add(dependency: Dependency): void {
    if (this.all.length === 16) this.#ids = new Set(this.all.map(idOf));
    if (this.#ids === undefined) {
      const isSame = ({ item, output }: Dependency): boolean =>
        item === dependency.item && output === dependency.output;
      if (!this.all.some(isSame)) this.all.push(dependency);
    } else if (!this.#ids.has(idOf(dependency))) {
      this.#ids.add(idOf(dependency));
      this.all.push(dependency);
    }
  }
}

const idOf = ({ item: { key }, output }: Dependency): string =>
  output === undefined ? key : `${key}\n${output}`;

/** Finds the dependencies of the things of one module, and reports each reference to what is not there. */
export class Dependencies {
  readonly #items: ReadonlyMap<string, Item>;
  readonly #shapes: Readonly<Record<string, BlockShape>>;
  #problems: Problems;
  /** "the root module", or the module's path. */
  readonly #where: string;
  /** Items that were referred to, by root and name. */
  readonly #named = new Map<string, Map<string, Item>>();
  readonly #outputsOf: (module: string) => ReadonlySet<string> | undefined;
  /** The module may have many instances. */
  readonly #isReused: boolean;
  readonly #known = new Map<Item, readonly Dependency[]>();
  /** What {@link every} is asked at the moment. */
  #asked: { readonly item: Item; readonly is: (target: Item) => boolean; holds: boolean } = {
    item: typed,
    is: () => false,
    holds: true,
  };

  constructor(
    items: ReadonlyMap<string, Item>,
    shapes: Readonly<Record<string, BlockShape>>,
    outputsOf: (module: string) => ReadonlySet<string> | undefined,
    where: string,
    isReused: boolean,
    problems: Problems,
  ) {
    this.#isReused = isReused;
    this.#items = items;
    this.#shapes = shapes;
    this.#outputsOf = outputsOf;
    this.#where = where;
    this.#problems = problems;
  }

  /** Whether `is` holds of all that an item refers to. */
  every(item: Item, is: (target: Item) => boolean): boolean {
    if (this.#isReused) return this.of(item).every((dependency) => is(dependency.item));
    // The environment itself is evaluated once: a list for each of its thousands of hosts would be for nothing.
    this.#asked = { item, is, holds: true };
    forEachReferenceOf(item, this.#shapes, undefined, this.#ask);
    return this.#asked.holds;
  }

  /** Asks it of one reference. One function for all items, for the same reason. */
  readonly #ask = (reference: Traversal, context: Context): void => {
    const asked = this.#asked;
    const target = this.#targetOf(reference, context, asked.item);
    if (target !== undefined && asked.holds && !asked.is(target)) asked.holds = false;
  };

  of(item: Item): readonly Dependency[] {
    const known = this.#known.get(item);
    if (known !== undefined) return known;
    const found = this.#list(item);
    this.#known.set(item, found);
    return found;
  }

  /** What is wrong with a reference that is typed rather than read from a file; undefined: nothing. */
  explain(reference: Traversal): Diagnostic | undefined {
    const own = this.#problems;
    this.#problems = new Problems();
    try {
      this.#classify(reference, outside, typed);
      return this.#problems.sorted()[0];
    } finally {
      this.#problems = own;
    }
  }

  /** What one argument of a module's block refers to. The others need not be known for it. */
  ofCallArgument(call: BlockItem, argument: string): readonly Dependency[] {
    return this.#list(call, argument);
  }

  #list(item: Item, argument?: string): readonly Dependency[] {
    const found = new Found();
    forEachReferenceOf(item, this.#shapes, argument, (reference, context) => {
      const target = this.#targetOf(reference, context, item);
      if (target === undefined) return;
      const output = target.type === 'module' ? this.#outputOf(reference, target) : undefined;
      found.add({ item: target, output, reference });
    });
    return found.all;
  }

  /** What a reference of an item waits for; undefined where that is nothing. */
  #targetOf(reference: Traversal, context: Context, item: Item): Item | undefined {
    if (context.bound.includes(reference.root)) return undefined;
    const target = this.#classify(reference, context, item);
    return target === item && item.type === 'variable' ? undefined : target;
  }

  /** What a reference leads to; undefined where that is nothing that is declared, which is reported if it is wrong. */
  #classify(reference: Traversal, context: Context, item: Item): Item | undefined {
    const { root } = reference;
    const name = nameOf(reference.steps[0]);
    switch (root) {
      case 'each':
        if (!context.each) this.#withoutRepetition(reference, item, 'each', 'for_each');
        else this.#checkAttribute(reference, name, ['key', 'value'], item);
        return undefined;
      case 'count':
        if (!context.count) this.#withoutRepetition(reference, item, 'count', 'count');
        else this.#checkAttribute(reference, name, ['index'], item);
        return undefined;
      case 'path':
        this.#checkAttribute(reference, name, ['module', 'root', 'cwd'], item);
        return undefined;
      case 'slot':
        if (!context.instance) return this.#unknownRoot(reference, item);
        this.#checkAttribute(reference, name, slotAttributes, item);
        return undefined;
    }
    if (context.instance && name !== undefined && own(instanceAttributes, root)?.includes(name))
      return undefined;
    const type = root === 'local' ? 'local' : blockTypeOfRoot.get(root);
    if (type === undefined || type === 'output') return this.#unknownRoot(reference, item);
    if (name === undefined) {
      this.#report(reference, item, {
        code: 'invalid-reference',
        summary: 'Invalid reference',
        detail: `"${root}" cannot be used as a whole: it must be followed by a dot and the name of ${describe(type)}.`,
        hint: this.#namesHint(root, item),
      });
      return undefined;
    }
    const target = this.named(root, name);
    if (target === undefined) this.#undeclared(reference, type, root, name, context, item);
    else if (type === 'module') this.#checkOutput(reference, target, item);
    return target;
  }

  /** The item `var.network`; undefined when there is none. Its key is put together once, not for each of a thousand hosts. */
  named(root: string, name: string): Item | undefined {
    let ofRoot = this.#named.get(root);
    const known = ofRoot?.get(name);
    if (known !== undefined) return known;
    const item = this.#items.get(`${root}.${name}`);
    if (item === undefined) return undefined;
    if (ofRoot === undefined) {
      ofRoot = new Map();
      this.#named.set(root, ofRoot);
    }
    ofRoot.set(name, item);
    return item;
  }

  /** The output that a reference asks a module for; undefined when it asks for all, or for one that there is not. */
  #outputOf(reference: Traversal, call: Item): string | undefined {
    const output = outputStep(reference, call);
    return output !== undefined && this.#outputsOf(call.name)?.has(output) ? output : undefined;
  }

  #checkOutput(reference: Traversal, call: Item, item: Item): void {
    const outputs = this.#outputsOf(call.name);
    const output = outputStep(reference, call);
    if (output === undefined || outputs === undefined || outputs.has(output)) return;
    this.#report(reference, item, {
      code: 'unsupported-attribute',
      summary: 'Unsupported attribute',
      detail: `Module "${call.name}" has no output named "${output}".${maybe(didYouMean(output, outputs))}`,
      hint: outputs.size === 0 ? 'The module declares no outputs at all.' : undefined,
    });
  }

  #undeclared(
    reference: Traversal,
    type: string,
    root: string,
    name: string,
    context: Context,
    item: Item,
  ): void {
    const meant = maybe(didYouMean(name, this.#names(root, item)));
    this.#report(reference, item, this.#undeclaredWording(reference, type, root, name, meant, context, item));
  }

  #undeclaredWording(
    reference: Traversal,
    type: string,
    root: string,
    name: string,
    meant: string,
    context: Context,
    item: Item,
  ): Omit<Wording, 'context'> {
    const sameName = (other: string, what: string): string | undefined =>
      this.#items.has(`${other}.${name}`) ? `There is ${what} of this name: ${other}.${name}` : undefined;
    switch (type) {
      case 'variable':
        return {
          code: 'undeclared-variable',
          summary: 'Reference to undeclared input variable',
          detail: `An input variable with the name "${name}" has not been declared.${
            meant || ` This variable can be declared with a variable "${name}" {} block.`
          }`,
          hint: sameName('local', 'a local value'),
        };
      case 'local':
        return {
          code: 'undeclared-local',
          summary: 'Reference to undeclared local value',
          detail: `A local value with the name "${name}" has not been declared.${meant}`,
          hint: sameName('var', 'a variable'),
        };
      case 'module':
        return {
          code: 'undeclared-module',
          summary: 'Reference to undeclared module',
          detail: `No module call named "${name}" is declared in ${this.#where}.${meant}`,
        };
    }
    const inInstance = context.instance ? own(instanceAttributes, root) : undefined;
    const attribute = inInstance === undefined ? undefined : nearestName(name, inInstance);
    const otherwise = attribute === undefined ? '' : ` Did you mean "${root}.${attribute}"?`;
    const hint =
      this.#labelHint(reference, type, name) ??
      this.#instanceHint(root, name, context) ??
      this.#namesHint(root, item);
    return {
      code: 'undeclared-reference',
      summary: `Reference to undeclared ${type}`,
      detail: `${aOrAn(type)} named "${name}" has not been declared in ${this.#where}.${meant || otherwise}`,
      hint: meant === '' ? hint : undefined,
    };
  }

  /** `load_balancer.haproxy.edge`: the provider's label is not part of a reference. */
  #labelHint(reference: Traversal, type: string, name: string): string | undefined {
    const shape = this.#shapes[type];
    if (shape === undefined || !hasVariants(shape) || !Object.hasOwn(shape.variants, name)) return undefined;
    const next = nameOf(reference.steps[1]);
    return next === undefined
      ? undefined
      : `References go by type and name, without the provider: ${type}.${next}`;
  }

  #instanceHint(root: string, name: string, context: Context): string | undefined {
    if (context.instance || !own(instanceAttributes, root)?.includes(name)) return undefined;
    return `${root}.${name} is known only in process, health and hook blocks, which are evaluated for each host of each slot.`;
  }

  /** Without the item itself: nobody means that. */
  #names(root: string, item: Item): string[] {
    const prefix = `${root}.`;
    const keys = [...this.#items.keys()].filter((key) => key.startsWith(prefix) && key !== item.key);
    return keys.map((key) => key.slice(prefix.length));
  }

  #namesHint(root: string, item: Item): string | undefined {
    const names = this.#names(root, item);
    const type = root === 'local' ? 'local value' : (blockTypeOfRoot.get(root) ?? root);
    if (names.length === 0) return item.type === type ? undefined : `No ${type} is declared.`;
    const shown = names.slice(0, 6).map((name) => `${root}.${name}`);
    return `Declared: ${shown.join(', ')}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}.`;
  }

  #unknownRoot(reference: Traversal, item: Item): undefined {
    const { root } = reference;
    const roots = ['var', 'local', 'path', 'each', 'count', ...blockTypeOfRoot.keys()].filter(
      (name) => name !== 'output',
    );
    const same = ['local', 'var'].find((known) => this.#items.has(`${known}.${root}`));
    const bare = reference.steps.length === 0;
    let hint: string | undefined;
    if (same !== undefined) hint = `Did you mean ${same}.${root}?`;
    else if (root === 'slot')
      hint =
        'slot is known only in process, health and hook blocks, which are evaluated for each host of each slot.';
    else if (root === 'self') hint = 'Name the block itself instead of self.';
    else if (root === 'terraform')
      hint = 'There are no workspaces: an environment is a folder. path.root is that folder.';
    else if (root === 'data') hint = 'There are no data sources in deployctl.';
    else if (bare && nearestName(root, roots) === undefined)
      hint = `If it is meant as text, put it in quotes: "${root}".`;
    this.#report(reference, item, {
      code: 'invalid-reference',
      summary: 'Invalid reference',
      detail: `There is nothing called "${root}" to refer to.${hint === undefined ? maybe(didYouMean(root, roots)) : ''}`,
      hint,
    });
    return undefined;
  }

  #withoutRepetition(reference: Traversal, item: Item, root: string, argument: string): void {
    const other = root === 'each' ? 'count' : 'for_each';
    const hasOther =
      item.kind === 'block' && item.block.body.attributes.some((attribute) => attribute.name === other);
    this.#report(reference, item, {
      code: `reference-to-${root}`,
      summary:
        root === 'each'
          ? 'Reference to "each" in context without for_each'
          : 'Reference to "count" in non-counted context',
      detail: `The "${root}" object can be used only in blocks where the "${argument}" argument is set.`,
      hint: hasOther
        ? `This block has ${other}: use ${root === 'each' ? 'count.index' : 'each.key'}.`
        : item.kind === 'local'
          ? 'It is known only inside of blocks that repeat; use a for expression.'
          : undefined,
    });
  }

  #checkAttribute(
    reference: Traversal,
    name: string | undefined,
    known: readonly string[],
    item: Item,
  ): void {
    if (name === undefined || known.includes(name)) return;
    const { root } = reference;
    this.#report(reference, item, {
      code: 'invalid-attribute',
      summary: `Invalid "${root}" attribute`,
      detail: `The "${root}" object does not have an attribute named "${name}". The supported attributes are ${known
        .map((each) => `${root}.${each}`)
        .join(', ')}.`,
    });
  }

  #report(reference: Traversal, item: Item, wording: Omit<Wording, 'context'>): void {
    const last = reference.steps[Math.min(reference.steps.length, 2) - 1];
    this.#problems.error(
      placeOf(item.source, { start: reference.start, end: last?.end ?? reference.rootEnd }),
      wording,
    );
  }
}

/** What stands where `module.x` is followed by the name of an output. */
function outputStep(reference: Traversal, call: Item): string | undefined {
  const repeats = call.kind === 'block' && repetitionKind(call.block) !== 'single';
  const step = reference.steps[repeats ? 2 : 1];
  return step?.kind === 'attributeStep' ? step.name : undefined;
}

const maybe = (sentence: string | undefined): string => (sentence === undefined ? '' : ` ${sentence}`);

const describe = (type: string): string => {
  if (type === 'local') return 'a local value';
  return type === 'variable' ? 'a variable' : aOrAn(type).toLowerCase();
};

/** The name that a step gives: `.x`, and `["x"]` too. */
export const nameOf = (step: Step | undefined): string | undefined => {
  if (step?.kind === 'attributeStep') return step.name;
  return step?.key.kind === 'string' ? step.key.value : undefined;
};
