import { isWordCharacter } from './characters.ts';
import { parsePattern } from './parse.ts';
import type { Instruction } from './program.ts';
import { compile } from './program.ts';
import type { Assertion } from './syntax.ts';

/** Where a match and each of its groups begin and end, in UTF-16 units: [start, end, start of 1, ...]; -1: not in it. */
export type Match = readonly number[];

/** Told how much work was done since the last time, so that a budget can end it. */
export type Tick = (steps: number) => void;

/**
 * A pattern in RE2's syntax, with Go's leftmost-first matches. All alternatives are followed side by side (Pike's
 * construction), so that the time is proportional to the length of pattern times text, whatever they are; a
 * JavaScript pattern could take for ever.
 */
export class Regex {
  /** The names of the groups from 1 on; undefined for those without. */
  readonly groups: readonly (string | undefined)[];
  readonly #program: readonly Instruction[];
  readonly #slots: number;

  /** Throws PatternFailure. */
  constructor(pattern: string) {
    const parsed = parsePattern(pattern);
    this.groups = parsed.groups;
    this.#program = compile(parsed.pattern);
    this.#slots = (parsed.groups.length + 1) * 2;
  }

  /** The leftmost match that begins at `from` or later. */
  find(text: string, from: number, tick: Tick): Match | undefined {
    let current = new Threads(this.#program.length);
    let next = new Threads(this.#program.length);
    let found: Match | undefined;
    for (let at = from; ; ) {
      if (found === undefined) this.#add(current, this.#program.length - 1, text, at, noSlots(this.#slots));
      tick(1 + current.list.length);
      if (current.list.length === 0 && found !== undefined) return found;
      const codePoint = text.codePointAt(at);
      const after = at + (codePoint === undefined ? 1 : codePoint > 0xffff ? 2 : 1);
      for (const { at: address, slots } of current.list) {
        const instruction = this.#program[address];
        if (instruction?.op === 'match') {
          // Whatever comes later in the list is less preferred.
          found = slots;
          break;
        }
        if (instruction?.op === 'character' && codePoint !== undefined && instruction.fits(codePoint)) {
          this.#add(next, instruction.next, text, after, slots);
        }
      }
      if (codePoint === undefined) return found;
      [current, next] = [next, current];
      next.clear();
      at = after;
    }
  }

  /** Follows everything that needs no character, in order of preference. */
  #add(threads: Threads, start: number, text: string, at: number, initial: Match): void {
    const stack: Thread[] = [{ at: start, slots: initial }];
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      if (!threads.enter(thread.at)) continue;
      const instruction = this.#program[thread.at];
      switch (instruction?.op) {
        case 'split':
          stack.push(
            { at: instruction.second, slots: thread.slots },
            { at: instruction.first, slots: thread.slots },
          );
          break;
        case 'save':
          stack.push({ at: instruction.next, slots: thread.slots.with(instruction.slot, at) });
          break;
        case 'assert':
          if (holds(instruction.assertion, text, at))
            stack.push({ at: instruction.next, slots: thread.slots });
          break;
        default:
          threads.list.push(thread);
      }
    }
  }

  /** All matches, one after the other. None is empty right after another one. */
  *findAll(text: string, tick: Tick): Generator<Match> {
    let previousEnd = -1;
    for (let at = 0; at <= text.length; ) {
      const match = this.find(text, at, tick);
      if (match === undefined) return;
      const [start = 0, end = 0] = match;
      const isRepeated = end === at && start === previousEnd;
      at = end === at ? end + widthAt(text, end) : end;
      previousEnd = end;
      if (!isRepeated) yield match;
    }
  }
}

interface Thread {
  readonly at: number;
  readonly slots: Match;
}

/** The places in the program that are reached, each once, the preferred ones first. */
class Threads {
  readonly list: Thread[] = [];
  readonly #entered: Uint32Array;
  #generation = 1;

  constructor(size: number) {
    this.#entered = new Uint32Array(size);
  }

  enter(address: number): boolean {
    if (this.#entered[address] === this.#generation) return false;
    this.#entered[address] = this.#generation;
    return true;
  }

  clear(): void {
    this.list.length = 0;
    this.#generation++;
  }
}

const noSlots = (count: number): Match => Array<number>(count).fill(-1);

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

function holds(assertion: Assertion, text: string, at: number): boolean {
  switch (assertion) {
    case 'text-start':
      return at === 0;
    case 'text-end':
      return at === text.length;
    case 'line-start':
      return at === 0 || text[at - 1] === '\n';
    case 'line-end':
      return at === text.length || text[at] === '\n';
    default: {
      const before = at > 0 && isWordCharacter(text.charCodeAt(at - 1));
      const after = at < text.length && isWordCharacter(text.charCodeAt(at));
      return (before !== after) === (assertion === 'word-boundary');
    }
  }
}
