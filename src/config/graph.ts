/** Evaluates declared things in the order of their references, and finds the references that go round in circles. */
import type { Traversal } from '../hcl/syntax/ast.ts';
import { type Item, nameSpan } from './items.ts';
import type { ModuleInstance } from './modules.ts';
import { type Problems, placeOf } from './problems.ts';

/** One item in one use of its module. */
export interface GraphNode {
  readonly instance: ModuleInstance;
  readonly item: Item;
}

/** A node that is needed, and the reference that needs it. */
export interface Need extends GraphNode {
  readonly reference: Traversal | undefined;
}

export interface GraphRules {
  /**
   * What a node needs; undefined is nothing. An item of the same instance that `isEvaluated` may be left out, for it
   * brings nothing more to need. Asked step by step: when it goes on, what it asked for has been evaluated.
   */
  needsOf(node: GraphNode, isEvaluated: (item: Item) => boolean): Iterator<Need, void> | undefined;
  /** Evaluates a node all of whose needs have been. */
  evaluate(node: GraphNode): Promise<void> | undefined;
}

/** How far an item is: {@link OPEN} while what it needs is looked for. */
const UNTOUCHED = 0;
const OPEN = 1;
const DONE = 2;

/** How far the items of one use of a module are. */
class Progress {
  readonly #states: Uint8Array;

  constructor({ module }: ModuleInstance) {
    this.#states = new Uint8Array(module.items.size);
  }

  of(item: Item): number | undefined {
    return this.#states[item.index];
  }

  set(item: Item, state: number): void {
    this.#states[item.index] = state;
  }

  /** A module has been only when its outputs have been as well, each of which is an item of its own. */
  readonly isEvaluated = (item: Item): boolean => item.type !== 'module' && this.of(item) === DONE;
}

interface Frame {
  readonly node: GraphNode;
  readonly needs: Iterator<Need, void> | undefined;
  /** The reference that the frame is waiting for. */
  waiting: Traversal | undefined;
}

/**
 * Walks depth first, with a stack of its own: a chain of references may be as long as memory allows. A cycle is
 * reported once, and what closes it counts as evaluated, without a value.
 */
export class Graph {
  readonly #rules: GraphRules;
  readonly #problems: Problems;
  readonly #progress = new Map<ModuleInstance, Progress>();

  constructor(rules: GraphRules, problems: Problems) {
    this.#rules = rules;
    this.#problems = problems;
  }

  /** A promise only where something had to be waited for. */
  evaluate(first: GraphNode): Promise<void> | undefined {
    const progress = this.#progressOf(first.instance);
    if (progress.of(first.item) !== UNTOUCHED) return undefined;
    const needs = this.#rules.needsOf(first, progress.isEvaluated);
    if (needs !== undefined) return this.#goOn([this.#open(first, needs, progress)]);
    progress.set(first.item, DONE);
    return this.#rules.evaluate(first);
  }

  #goOn(stack: Frame[]): Promise<void> | undefined {
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const next = frame.needs?.next();
      if (next?.done === false) {
        const node = next.value;
        const progress = this.#progressOf(node.instance);
        const state = progress.of(node.item);
        frame.waiting = node.reference;
        if (state === OPEN) this.#reportCycle(stack, node);
        if (state !== UNTOUCHED) continue;
        stack.push(this.#open(node, this.#rules.needsOf(node, progress.isEvaluated), progress));
        continue;
      }
      const pending = this.#rules.evaluate(frame.node);
      this.#progressOf(frame.node.instance).set(frame.node.item, DONE);
      stack.pop();
      if (pending !== undefined) return pending.then(() => this.#goOn(stack));
    }
    return undefined;
  }

  #open(node: GraphNode, needs: Iterator<Need, void> | undefined, progress: Progress): Frame {
    progress.set(node.item, OPEN);
    return { node, needs, waiting: undefined };
  }

  #progressOf(instance: ModuleInstance): Progress {
    let progress = this.#progress.get(instance);
    if (progress === undefined) {
      progress = new Progress(instance);
      this.#progress.set(instance, progress);
    }
    return progress;
  }

  #reportCycle(stack: readonly Frame[], back: GraphNode): void {
    const from = stack.findIndex(({ node }) => node.instance === back.instance && node.item === back.item);
    const cycle = stack.slice(from);
    const first = cycle[0];
    if (first === undefined) return;
    const names = cycle.map(({ node }) => node.instance.address(node.item.key));
    const itself = names.length === 1;
    this.#problems.error(placeOf(first.node.item.source, first.waiting ?? nameSpan(first.node.item)), {
      code: 'reference-cycle',
      summary: 'Cycle',
      detail: itself
        ? `${names[0]} refers to itself.`
        : `These refer to each other in a circle, so none of them can be worked out first: ${shortened([...names, names[0] ?? '']).join(' -> ')}.`,
      hint: cycle.every(({ node }) => node.item.type === 'service')
        ? 'Services wait for those they depend on: take one of the depends_on out.'
        : undefined,
    });
  }
}

/** A long circle by its beginning and its end: where it closes is what matters. */
const shortened = (names: readonly string[]): readonly string[] =>
  names.length <= 12 ? names : [...names.slice(0, 6), `(${names.length - 11} more)`, ...names.slice(-5)];
