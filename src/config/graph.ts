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
  readonly #state = new Map<ModuleInstance, Map<string, 'open' | 'done'>>();

  constructor(rules: GraphRules, problems: Problems) {
    this.#rules = rules;
    this.#problems = problems;
  }

  /** A promise only where something had to be waited for. */
  evaluate(first: GraphNode): Promise<void> | undefined {
    const state = this.#stateOf(first.instance);
    if (state.has(first.item.key)) return undefined;
    const needs = this.#rules.needsOf(first, this.#isEvaluated);
    if (needs !== undefined) return this.#goOn([this.#open(first, needs)]);
    state.set(first.item.key, 'done');
    return this.#rules.evaluate(first);
  }

  #goOn(stack: Frame[]): Promise<void> | undefined {
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const next = frame.needs?.next();
      if (next?.done === false) {
        const node = next.value;
        const state = this.#stateOf(node.instance).get(node.item.key);
        frame.waiting = node.reference;
        if (state === undefined) stack.push(this.#open(node, this.#rules.needsOf(node, this.#isEvaluated)));
        else if (state === 'open') this.#reportCycle(stack, node);
        continue;
      }
      const pending = this.#rules.evaluate(frame.node);
      this.#stateOf(frame.node.instance).set(frame.node.item.key, 'done');
      stack.pop();
      if (pending !== undefined) return pending.then(() => this.#goOn(stack));
    }
    return undefined;
  }

  #open(node: GraphNode, needs: Iterator<Need, void> | undefined): Frame {
    this.#stateOf(node.instance).set(node.item.key, 'open');
    return { node, needs, waiting: undefined };
  }

  readonly #isEvaluated: IsEvaluated = (instance, { key }) => this.#state.get(instance)?.get(key) === 'done';

  #stateOf(instance: ModuleInstance): Map<string, 'open' | 'done'> {
    let state = this.#state.get(instance);
    if (state === undefined) {
      state = new Map();
      this.#state.set(instance, state);
    }
    return state;
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
