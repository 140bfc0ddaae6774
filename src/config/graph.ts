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
   * What a node needs; what has been evaluated may be left out, and undefined is nothing. Asked step by step: when it
   * goes on, what it asked for has been evaluated.
   */
  needsOf(node: GraphNode, isEvaluated: IsEvaluated): Iterator<Need, void> | undefined;
  /** Evaluates a node all of whose needs have been. */
  evaluate(node: GraphNode): Promise<void> | undefined;
}

export type IsEvaluated = (instance: ModuleInstance, item: Item) => boolean;

/** How far an item is: {@link OPEN} while what it needs is looked for. */
const UNTOUCHED = 0;
const OPEN = 1;
const DONE = 2;

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
  /** For each use of a module, how far each of its items is, by their indexes. */
  readonly #states = new Map<ModuleInstance, Uint8Array>();

  constructor(rules: GraphRules, problems: Problems) {
    this.#rules = rules;
    this.#problems = problems;
  }

  /** A promise only where something had to be waited for. */
  evaluate(first: GraphNode): Promise<void> | undefined {
    const states = this.#statesOf(first.instance);
    if (states[first.item.index] !== UNTOUCHED) return undefined;
    const needs = this.#rules.needsOf(first, this.#isEvaluated);
    if (needs !== undefined) return this.#goOn([this.#open(first, needs)]);
    states[first.item.index] = DONE;
    return this.#rules.evaluate(first);
  }

  #goOn(stack: Frame[]): Promise<void> | undefined {
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const next = frame.needs?.next();
      if (next?.done === false) {
        const node = next.value;
        const state = this.#statesOf(node.instance)[node.item.index];
        frame.waiting = node.reference;
        if (state === UNTOUCHED) stack.push(this.#open(node, this.#rules.needsOf(node, this.#isEvaluated)));
        else if (state === OPEN) this.#reportCycle(stack, node);
        continue;
      }
      const pending = this.#rules.evaluate(frame.node);
      this.#statesOf(frame.node.instance)[frame.node.item.index] = DONE;
      stack.pop();
      if (pending !== undefined) return pending.then(() => this.#goOn(stack));
    }
    return undefined;
  }

  #open(node: GraphNode, needs: Iterator<Need, void> | undefined): Frame {
    this.#statesOf(node.instance)[node.item.index] = OPEN;
    return { node, needs, waiting: undefined };
  }

  readonly #isEvaluated: IsEvaluated = (instance, { index }) => this.#states.get(instance)?.[index] === DONE;

  #statesOf(instance: ModuleInstance): Uint8Array {
    let states = this.#states.get(instance);
    if (states === undefined) {
      states = new Uint8Array(instance.module.items.size);
      this.#states.set(instance, states);
    }
    return states;
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
