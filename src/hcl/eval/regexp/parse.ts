import type { ClassItem } from './characters.ts';
import {
  anyTest,
  classTest,
  complement,
  literalTest,
  notNewlineTest,
  PERL_CLASSES,
  POSIX_CLASSES,
  propertyOf,
} from './characters.ts';
import type { ParsedPattern, Pattern } from './syntax.ts';
import { PatternFailure } from './syntax.ts';

const MAX_DEPTH = 1000;
const MAX_REPEAT = 1000;

interface Flags {
  readonly ignoresCase: boolean;
  readonly isMultiline: boolean;
  readonly dotMatchesNewline: boolean;
  readonly isUngreedy: boolean;
}

const NO_FLAGS: Flags = {
  ignoresCase: false,
  isMultiline: false,
  dotMatchesNewline: false,
  isUngreedy: false,
};

const FLAGS: Readonly<Record<string, keyof Flags>> = {
  i: 'ignoresCase',
  m: 'isMultiline',
  s: 'dotMatchesNewline',
  U: 'isUngreedy',
};

/** Reads a pattern in RE2's syntax, as Go's regexp package takes it. Throws PatternFailure. */
export function parsePattern(source: string): ParsedPattern {
  const parser = new Parser(source);
  return { pattern: parser.parse(), groups: parser.groups };
}

class Parser {
  readonly #source: string;
  readonly groups: (string | undefined)[] = [];
  #at = 0;
  #flags = NO_FLAGS;
  readonly #copies = new WeakMap<Pattern, number>();

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Pattern {
    const pattern = this.#choice(0);
    if (this.#at < this.#source.length) throw new PatternFailure('unexpected )', this.#source);
    return pattern;
  }

  /** Up to the end or a closing parenthesis. Flags set inside hold until then. */
  #choice(depth: number): Pattern {
    if (depth > MAX_DEPTH) throw new PatternFailure('expression nests too deeply', this.#source);
    const outside = this.#flags;
    const options: Pattern[] = [];
    do {
      options.push(this.#sequence(depth));
    } while (this.#accept('|'));
    this.#flags = outside;
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    let repeated: string | undefined;
    for (let c = this.#peek(); c !== '' && c !== '|' && c !== ')'; c = this.#peek()) {
      const start = this.#at;
      const bounds = this.#repetition();
      if (bounds === undefined) {
        const part = this.#atom(depth);
        if (part !== undefined) parts.push(part);
        repeated = undefined;
        continue;
      }
      const isGreedy = this.#accept('?') === this.#flags.isUngreedy;
      const operator = this.#source.slice(start, this.#at);
      if (repeated !== undefined) {
        throw new PatternFailure('invalid nested repetition operator', repeated + operator);
      }
      const inner = parts.pop();
      if (inner === undefined) throw new PatternFailure('missing argument to repetition operator', operator);
      const repeat: Pattern = { kind: 'repeat', inner, ...bounds, isGreedy };
      if (this.#copiesIn(repeat) > MAX_REPEAT) throw new PatternFailure('invalid repeat count', operator);
      parts.push(repeat);
      repeated = operator;
    }
    const [only] = parts;
    if (only === undefined) return { kind: 'empty' };
    return parts.length === 1 ? only : { kind: 'sequence', parts };
  }

  /** `*`, `+`, `?` or `{2,5}` at this place. Braces around anything else are ordinary characters. */
  #repetition(): { min: number; max: number } | undefined {
    if (this.#accept('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#accept('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#accept('?')) return { min: 0, max: 1 };
    const match = /^\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}/.exec(this.#source.slice(this.#at, this.#at + 32));
    if (match === null) return undefined;
    const [text, low, comma, high] = match;
    this.#at += text.length;
    const min = Number(low);
    const max = high === undefined ? (comma === undefined ? min : Number.POSITIVE_INFINITY) : Number(high);
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT) || min > max) {
      throw new PatternFailure('invalid repeat count', text);
    }
    return { min, max };
  }

  #atom(depth: number): Pattern | undefined {
    const { ignoresCase, isMultiline, dotMatchesNewline } = this.#flags;
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#class();
      case '.':
        return { kind: 'character', fits: dotMatchesNewline ? anyTest : notNewlineTest };
      case '^':
        return { kind: 'assertion', assertion: isMultiline ? 'line-start' : 'text-start' };
      case '$':
        return { kind: 'assertion', assertion: isMultiline ? 'line-end' : 'text-end' };
      case '\\':
        return this.#escape();
      default:
        return { kind: 'character', fits: literalTest(character.codePointAt(0) ?? 0, ignoresCase) };
    }
  }

  /** After the opening parenthesis. Undefined for flags alone, which match nothing themselves. */
  #group(depth: number): Pattern | undefined {
    const start = this.#at - 1;
    if (!this.#accept('?')) return this.#capture(undefined, depth);
    const name = /^P?</.exec(this.#source.slice(this.#at));
    if (name !== null) {
      const end = this.#source.indexOf('>', this.#at);
      if (end < 0) throw new PatternFailure('invalid named capture', this.#source.slice(start));
      const text = this.#source.slice(this.#at + name[0].length, end);
      if (!/^\w+$/.test(text)) {
        throw new PatternFailure('invalid named capture', this.#source.slice(start, end + 1));
      }
      this.#at = end + 1;
      return this.#capture(text, depth);
    }
    const outside = this.#flags;
    this.#readFlags(start);
    if (this.#accept(')')) return undefined;
    this.#at++;
    const inner = this.#choice(depth + 1);
    this.#flags = outside;
    this.#close();
    return inner;
  }

  /** `i-s` up to a colon or the closing parenthesis, which are left where they are. */
  #readFlags(start: number): void {
    let flags = this.#flags;
    let value = true;
    let isComplete = true;
    for (let c = this.#peek(); c !== ':' && c !== ')'; c = this.#peek()) {
      const flag = FLAGS[c];
      if (c === '-' && value) {
        value = false;
        isComplete = false;
      } else if (flag === undefined) {
        throw this.#perl(start, c.length);
      } else {
        flags = { ...flags, [flag]: value };
        isComplete = true;
      }
      this.#at++;
    }
    if (!isComplete) throw this.#perl(start, 1);
    this.#flags = flags;
  }

  #perl(start: number, more: number): PatternFailure {
    return new PatternFailure(
      'invalid or unsupported Perl syntax',
      this.#source.slice(start, this.#at + more),
    );
  }

  #capture(name: string | undefined, depth: number): Pattern {
    this.groups.push(name);
    const index = this.groups.length;
    const inner = this.#choice(depth + 1);
    this.#close();
    return { kind: 'group', index, inner };
  }

  #close(): void {
    if (!this.#accept(')')) throw new PatternFailure('missing closing )', this.#source);
  }

  /** After a backslash outside of a class. */
  #escape(): Pattern {
    const letter = this.#peek();
    const assertion = { A: 'text-start', z: 'text-end', b: 'word-boundary', B: 'no-word-boundary' } as const;
    if (letter === 'A' || letter === 'z' || letter === 'b' || letter === 'B') {
      this.#at++;
      return { kind: 'assertion', assertion: assertion[letter] };
    }
    if (letter === 'Q') return this.#quoted();
    const { ignoresCase } = this.#flags;
    const items = this.#escapedClass();
    if (items !== undefined) return { kind: 'character', fits: classTest(items, false, ignoresCase) };
    return { kind: 'character', fits: literalTest(this.#escapedCharacter(), ignoresCase) };
  }

  /** `\Q...\E`: everything in between as it is. */
  #quoted(): Pattern {
    const from = this.#at + 1;
    const end = this.#source.indexOf('\\E', from);
    const text = this.#source.slice(from, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#source.length : end + 2;
    const parts = Array.from(text, (c): Pattern => {
      return { kind: 'character', fits: literalTest(c.codePointAt(0) ?? 0, this.#flags.ignoresCase) };
    });
    return parts.length === 0 ? { kind: 'empty' } : { kind: 'sequence', parts };
  }

  /** `\d`, `\pN` and `\p{Greek}` after the backslash, with their negations; undefined for anything else. */
  #escapedClass(): ClassItem[] | undefined {
    const letter = this.#peek();
    const perl = PERL_CLASSES[letter.toLowerCase()];
    if (perl !== undefined) {
      this.#at++;
      return letter === letter.toLowerCase() ? [...perl] : complement(perl);
    }
    if (letter !== 'p' && letter !== 'P') return undefined;
    const start = this.#at - 1;
    const match = /^[pP](?:\{(\^?)([^}]*)\}|([^{]))/u.exec(this.#source.slice(this.#at));
    if (match === null) {
      throw new PatternFailure('invalid character class range', this.#source.slice(start));
    }
    const [text, caret = '', braced, single] = match;
    this.#at += text.length;
    const property = propertyOf(braced ?? single ?? '');
    if (property === undefined) {
      throw new PatternFailure('invalid character class range', this.#source.slice(start, this.#at));
    }
    return [{ property, isNegated: (letter === 'P') !== (caret === '^') }];
  }

  /** A single character after a backslash. */
  #escapedCharacter(): number {
    const start = this.#at - 1;
    const rest = this.#source.slice(this.#at);
    if (rest === '') throw new PatternFailure('trailing backslash at end of expression', '');
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[0], 8);
    }
    const hex = /^x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]+)\})/.exec(rest);
    const code = hex === null ? Number.NaN : Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
    if (hex !== null && code <= 0x10ffff) {
      this.#at += hex[0].length;
      return code;
    }
    if (rest.startsWith('x')) {
      // The excerpt ends with the digit that is too much or no digit.
      const wrong = /^x(?:\{(?:[0-9a-fA-F]{6,}|[0-9a-fA-F]*.?)|..?)?/u.exec(rest)?.[0] ?? '';
      throw new PatternFailure('invalid escape sequence', this.#source.slice(start, this.#at + wrong.length));
    }
    const character = this.#next();
    const control = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }[character];
    if (control !== undefined) return control;
    if (/^[\0-\x7f]$/.test(character) && !/^[0-9A-Za-z]$/.test(character)) return character.charCodeAt(0);
    throw new PatternFailure('invalid escape sequence', this.#source.slice(start, this.#at));
  }

  /** After the opening bracket. */
  #class(): Pattern {
    const start = this.#at - 1;
    const isNegated = this.#accept('^');
    const items: ClassItem[] = [];
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      if (this.#peek() === '') {
        throw new PatternFailure('missing closing ]', this.#source.slice(start));
      }
      items.push(...(this.#posixClass() ?? this.#classEscape() ?? [this.#classRange(start)]));
    }
    this.#at++;
    return { kind: 'character', fits: classTest(items, isNegated, this.#flags.ignoresCase) };
  }

  #posixClass(): readonly ClassItem[] | undefined {
    const match = /^\[:(\^?)([^\]]*?):\]/.exec(this.#source.slice(this.#at, this.#at + 64));
    if (match === null) return undefined;
    const [text, caret, name = ''] = match;
    const items = Object.hasOwn(POSIX_CLASSES, name) ? POSIX_CLASSES[name] : undefined;
    if (items === undefined) throw new PatternFailure('invalid character class range', text);
    this.#at += text.length;
    return caret === '^' ? complement(items) : items;
  }

  #classEscape(): readonly ClassItem[] | undefined {
    if (this.#peek() !== '\\') return undefined;
    this.#at++;
    const items = this.#escapedClass();
    if (items === undefined) this.#at--;
    return items;
  }

  #classRange(start: number): ClassItem {
    const begin = this.#at;
    const from = this.#classCharacter(start);
    const next = this.#source[this.#at + 1];
    if (this.#peek() !== '-' || next === ']' || next === undefined) return { from, to: from };
    this.#at++;
    const to = this.#classCharacter(start);
    if (to < from) {
      throw new PatternFailure('invalid character class range', this.#source.slice(begin, this.#at));
    }
    return { from, to };
  }

  #classCharacter(start: number): number {
    const character = this.#next();
    if (character === '') throw new PatternFailure('missing closing ]', this.#source.slice(start));
    return character === '\\' ? this.#escapedCharacter() : (character.codePointAt(0) ?? 0);
  }

  /** How many copies of something the repetitions in a pattern ask for, one inside of the other. */
  #copiesIn(pattern: Pattern): number {
    const known = this.#copies.get(pattern);
    if (known !== undefined) return known;
    let copies = 1;
    if (pattern.kind === 'repeat') {
      const own = pattern.max === Number.POSITIVE_INFINITY ? pattern.min : pattern.max;
      copies = Math.max(own, 1) * this.#copiesIn(pattern.inner);
    } else if (pattern.kind === 'group') copies = this.#copiesIn(pattern.inner);
    else if (pattern.kind === 'sequence' || pattern.kind === 'choice') {
      const parts = pattern.kind === 'sequence' ? pattern.parts : pattern.options;
      for (const part of parts) copies = Math.max(copies, this.#copiesIn(part));
    }
    this.#copies.set(pattern, copies);
    return copies;
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  /** The next whole character, surrogates together. */
  #next(): string {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) return '';
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #accept(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
