import type { Assertion, CharacterTest, Pattern } from './syntax.ts';
import { PatternFailure } from './syntax.ts';

/** One step of a compiled pattern. Targets are indexes into the program. */
export type Instruction =
  | { readonly op: 'character'; readonly fits: CharacterTest; readonly next: number }
  /** Both ways, the first one preferred. */
  | { op: 'split'; first: number; second: number }
  | { readonly op: 'save'; readonly slot: number; readonly next: number }
  | { readonly op: 'assert'; readonly assertion: Assertion; readonly next: number }
  | { readonly op: 'match' };

const MAX_INSTRUCTIONS = 100_000;

/**
 * Thompson's construction, built from the end, so that each part knows where to go on. The program begins at its
 * last instruction.
 */
export function compile(pattern: Pattern): readonly Instruction[] {
  const program: Instruction[] = [{ op: 'match' }];
  const emit = (instruction: Instruction): number => {
    if (program.length >= MAX_INSTRUCTIONS) throw new PatternFailure('expression too large', '');
    return program.push(instruction) - 1;
  };

  const build = (node: Pattern, next: number): number => {
    switch (node.kind) {
      case 'empty':
        return next;
      case 'character':
        return emit({ op: 'character', fits: node.fits, next });
      case 'assertion':
        return emit({ op: 'assert', assertion: node.assertion, next });
      case 'group': {
        const close = emit({ op: 'save', slot: node.index * 2 + 1, next });
        return emit({ op: 'save', slot: node.index * 2, next: build(node.inner, close) });
      }
      case 'sequence':
        return node.parts.reduceRight((target, part) => build(part, target), next);
      case 'choice': {
        const targets = node.options.map((option) => build(option, next));
        return targets.reduceRight((second, first) => emit({ op: 'split', first, second }));
      }
      case 'repeat':
        return repeat(node, next);
    }
  };

  const split = (isGreedy: boolean, into: number, past: number): Instruction =>
    isGreedy ? { op: 'split', first: into, second: past } : { op: 'split', first: past, second: into };

  const plus = (inner: Pattern, isGreedy: boolean, next: number): number => {
    const loop: Instruction = { op: 'split', first: next, second: next };
    const at = emit(loop);
    const start = build(inner, at);
    Object.assign(loop, split(isGreedy, start, next));
    return start;
  };

  const star = (inner: Pattern, isGreedy: boolean, next: number): number => {
    // What can match nothing must be tried once before the loop, or its preference would be lost.
    if (canBeEmpty(inner)) return emit(split(isGreedy, plus(inner, isGreedy, next), next));
    const loop: Instruction = { op: 'split', first: next, second: next };
    const at = emit(loop);
    Object.assign(loop, split(isGreedy, build(inner, at), next));
    return at;
  };

  const repeat = (node: Extract<Pattern, { kind: 'repeat' }>, next: number): number => {
    const { inner, min, max, isGreedy } = node;
    let target = next;
    let copies = min;
    if (max === Number.POSITIVE_INFINITY) {
      if (min === 0) return star(inner, isGreedy, next);
      target = plus(inner, isGreedy, next);
      copies--;
    } else {
      for (let i = min; i < max; i++) target = emit(split(isGreedy, build(inner, target), next));
    }
    for (let i = 0; i < copies; i++) target = build(inner, target);
    return target;
  };

  const close = emit({ op: 'save', slot: 1, next: 0 });
  emit({ op: 'save', slot: 0, next: build(pattern, close) });
  return program;
}

function canBeEmpty(pattern: Pattern): boolean {
  switch (pattern.kind) {
    case 'character':
      return false;
    case 'group':
      return canBeEmpty(pattern.inner);
    case 'sequence':
      return pattern.parts.every(canBeEmpty);
    case 'choice':
      return pattern.options.some(canBeEmpty);
    case 'repeat':
      return pattern.min === 0 || canBeEmpty(pattern.inner);
    default:
      return true;
  }
}
