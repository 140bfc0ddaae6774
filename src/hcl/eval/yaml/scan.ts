import { scanBlockScalar, scanPlain, scanQuoted } from './scan-scalar.ts';
import { TextReader } from './text-reader.ts';
import type { Token } from './token.ts';

/** A place where a key without `?` may have begun: whether it is one shows only at the colon. */
interface SimpleKey {
  isPossible: boolean;
  isRequired: boolean;
  /** Index of the token that begins it. */
  token: number;
  line: number;
  at: number;
  column: number;
}

const LONGEST_KEY = 1024;
const MAX_DEPTH = 500;

/**
 * Takes a YAML 1.1 text apart as libyaml does, indentation turned into start and end tokens. Throws YamlFailure
 * with libyaml's words.
 */
export function scan(text: string): Token[] {
  return new Scanner(text).all();
}

const isBlank = (c: string): boolean => c === '' || c === ' ' || c === '\t' || c === '\n' || c === '\r';

class Scanner {
  readonly #in: TextReader;
  readonly #tokens: Token[] = [];
  /** The column of the innermost block collection; -1 outside of all. */
  #indent = -1;
  readonly #indents: number[] = [];
  /** One for each flow collection around, and one for the block. */
  readonly #keys: SimpleKey[] = [noKey()];
  #keyAllowed = true;

  constructor(text: string) {
    this.#in = new TextReader(text);
  }

  all(): Token[] {
    do this.#fetch();
    while (this.#tokens.at(-1)?.type !== 'stream end');
    return this.#tokens;
  }

  get #isFlow(): boolean {
    return this.#keys.length > 1;
  }

  #fetch(): void {
    this.#skipToToken();
    this.#dropStaleKeys();
    this.#unroll(this.#in.column);
    const read = this.#documentToken() ?? this.#flowToken() ?? this.#blockToken() ?? (() => this.#plain());
    read();
  }

  /** How to read what stands at the beginning of a line or at the end of the text; undefined for anything else. */
  #documentToken(): (() => void) | undefined {
    const reader = this.#in;
    if (reader.peek() === '') return () => this.#endStream();
    if (reader.column === 0 && reader.peek() === '%') return () => this.#directive();
    const marker = reader.documentMarker();
    return marker === undefined ? undefined : () => this.#document(marker);
  }

  /** How to read what one character tells, in blocks and outside of them. */
  #flowToken(): (() => void) | undefined {
    const c = this.#in.peek();
    switch (c) {
      case '[':
        return () => this.#startFlow('flow sequence start');
      case '{':
        return () => this.#startFlow('flow mapping start');
      case ']':
        return () => this.#endFlow('flow sequence end');
      case '}':
        return () => this.#endFlow('flow mapping end');
      case ',':
        return () => this.#flowEntry();
      case '*':
        return () => this.#anchor('alias');
      case '&':
        return () => this.#anchor('anchor');
      case '!':
        return () => this.#tag();
      case "'":
      case '"':
        return () => this.#quoted(c === "'");
      default:
        return undefined;
    }
  }

  /** How to read what depends on the character after it or on where it stands. */
  #blockToken(): (() => void) | undefined {
    const c = this.#in.peek();
    const stands = isBlank(this.#in.peek(1));
    if (c === '-' && stands) return () => this.#blockEntry();
    if (c === '?' && (this.#isFlow || stands)) return () => this.#key();
    if (c === ':' && (this.#isFlow || stands)) return () => this.#value();
    return (c === '|' || c === '>') && !this.#isFlow ? () => this.#blockScalar() : undefined;
  }

  #plain(): void {
    const reader = this.#in;
    const c = reader.peek();
    const next = reader.peek(1);
    const isPlain =
      !/[-?:,[\]{}#&*!|>'"%@`\t]/.test(c) ||
      (c === '-' && next !== ' ' && next !== '\t') ||
      (!this.#isFlow && (c === '?' || c === ':') && !isBlank(next));
    if (!isPlain) throw reader.failure('found character that cannot start any token');
    this.#saveKey();
    const { token, endsLine } = scanPlain(reader, this.#indent, this.#isFlow);
    this.#keyAllowed = endsLine;
    this.#tokens.push(token);
  }

  #quoted(isSingle: boolean): void {
    this.#saveKey();
    this.#keyAllowed = false;
    this.#tokens.push(scanQuoted(this.#in, isSingle));
  }

  #blockScalar(): void {
    this.#dropKey();
    this.#keyAllowed = true;
    this.#tokens.push(scanBlockScalar(this.#in, this.#indent));
  }

  #flowEntry(): void {
    this.#dropKey();
    this.#keyAllowed = true;
    this.#mark('flow entry', 1);
  }

  #skipToToken(): void {
    const reader = this.#in;
    for (;;) {
      while (reader.peek() === ' ' || ((this.#isFlow || !this.#keyAllowed) && reader.peek() === '\t'))
        reader.skip();
      if (reader.peek() === '#') reader.skipToLineEnd();
      if (!reader.isBreak()) return;
      reader.readBreak();
      if (!this.#isFlow) this.#keyAllowed = true;
    }
  }

  #mark(type: Extract<Token, { readonly at: number }>['type'], length: number): void {
    // The types with more in them have functions of their own.
    this.#tokens.push({ type, at: this.#in.at } as Token);
    for (let i = 0; i < length; i++) this.#in.skip();
  }

  // --------------------------------------------------------------------------------------- simple keys

  #top(): SimpleKey {
    const key = this.#keys.at(-1);
    if (key === undefined) throw this.#in.failure('did not find expected node content');
    return key;
  }

  #dropStaleKeys(): void {
    for (const key of this.#keys) {
      if (key.isPossible && (key.line < this.#in.line || key.at + LONGEST_KEY < this.#in.at)) {
        if (key.isRequired) throw this.#in.failure("could not find expected ':'");
        key.isPossible = false;
      }
    }
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    this.#dropKey();
    const { line, at, column } = this.#in;
    const isRequired = !this.#isFlow && this.#indent === column;
    const token = this.#tokens.length;
    this.#keys[this.#keys.length - 1] = { isPossible: true, isRequired, token, line, at, column };
  }

  #dropKey(): void {
    const key = this.#top();
    if (key.isPossible && key.isRequired) throw this.#in.failure("could not find expected ':'");
    key.isPossible = false;
  }

  // --------------------------------------------------------------------------------------- indentation

  #roll(
    column: number,
    before: number | undefined,
    type: 'block sequence start' | 'block mapping start',
  ): void {
    if (this.#isFlow || this.#indent >= column) return;
    if (this.#indents.length >= MAX_DEPTH) throw this.#in.failure('exceeded max depth');
    this.#indents.push(this.#indent);
    this.#indent = column;
    this.#tokens.splice(before ?? this.#tokens.length, 0, { type, at: this.#in.at });
  }

  #unroll(column: number): void {
    if (this.#isFlow) return;
    while (this.#indent > column) {
      this.#tokens.push({ type: 'block end', at: this.#in.at });
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  // -------------------------------------------------------------------------------------------- tokens

  #endStream(): void {
    this.#unroll(-1);
    this.#dropKey();
    this.#mark('stream end', 0);
  }

  #document(type: 'document start' | 'document end'): void {
    this.#unroll(-1);
    this.#dropKey();
    this.#keyAllowed = false;
    this.#mark(type, 3);
  }

  #directive(): void {
    this.#unroll(-1);
    this.#dropKey();
    this.#keyAllowed = false;
    const { at } = this.#in;
    const line = this.#in.restOfLine();
    const tag = /^%TAG[ \t]+(!(?:[\w-]*!)?)[ \t]+(\S+)[ \t]*(?:#.*)?$/.exec(line);
    if (tag !== null) {
      const [, handle = '', prefix = ''] = tag;
      this.#tokens.push({ type: 'tag directive', handle, prefix, at });
    } else if (/^%YAML[ \t]+\d+\.\d+[ \t]*(?:#.*)?$/.test(line)) {
      if (!/^%YAML[ \t]+0*1\.0*1\b/.test(line)) throw this.#in.failure('found incompatible YAML document');
      this.#tokens.push({ type: 'version directive', at });
    } else throw this.#in.failure('found unknown directive name');
    this.#in.skipToLineEnd();
  }

  #startFlow(type: 'flow sequence start' | 'flow mapping start'): void {
    this.#saveKey();
    if (this.#keys.length > MAX_DEPTH) throw this.#in.failure('exceeded max depth');
    this.#keys.push(noKey());
    this.#keyAllowed = true;
    this.#mark(type, 1);
  }

  #endFlow(type: 'flow sequence end' | 'flow mapping end'): void {
    this.#dropKey();
    if (this.#isFlow) this.#keys.pop();
    this.#keyAllowed = false;
    this.#mark(type, 1);
  }

  #blockEntry(): void {
    if (!this.#isFlow) {
      if (!this.#keyAllowed) {
        throw this.#in.failure('block sequence entries are not allowed in this context');
      }
      this.#roll(this.#in.column, undefined, 'block sequence start');
    }
    this.#dropKey();
    this.#keyAllowed = true;
    this.#mark('block entry', 1);
  }

  #key(): void {
    if (!this.#isFlow) {
      if (!this.#keyAllowed) throw this.#in.failure('mapping keys are not allowed in this context');
      this.#roll(this.#in.column, undefined, 'block mapping start');
    }
    this.#dropKey();
    this.#keyAllowed = !this.#isFlow;
    this.#mark('key', 1);
  }

  #value(): void {
    const key = this.#top();
    if (key.isPossible) {
      this.#tokens.splice(key.token, 0, { type: 'key', at: key.at });
      this.#roll(key.column, key.token, 'block mapping start');
      key.isPossible = false;
      this.#keyAllowed = false;
    } else {
      if (!this.#isFlow) {
        if (!this.#keyAllowed) throw this.#in.failure('mapping values are not allowed in this context');
        this.#roll(this.#in.column, undefined, 'block mapping start');
      }
      this.#keyAllowed = !this.#isFlow;
    }
    this.#mark('value', 1);
  }

  #anchor(type: 'alias' | 'anchor'): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { at } = this.#in;
    this.#in.skip();
    const name = this.#in.take(/[\w-]+/y);
    if (name === '' || !/^[\s?:,\]}%@`]?$/.test(this.#in.peek())) {
      throw this.#in.failure('did not find expected alphabetic or numeric character');
    }
    this.#tokens.push({ type, name, at });
  }

  #tag(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { at } = this.#in;
    const verbatim = this.#in.take(/!<[^\s<>]+>/y);
    if (verbatim !== '') {
      this.#tokens.push({ type: 'tag', handle: '', suffix: verbatim.slice(2, -1), at });
    } else {
      const handle = this.#in.take(/![\w-]*!|!/y);
      const suffix = this.#in.take(/[\w\-;/?:@&=+$.!~*'()%]*/y);
      if (handle !== '!' && suffix === '') throw this.#in.failure('did not find expected tag URI');
      this.#tokens.push({ type: 'tag', handle, suffix, at });
    }
    if (!isBlank(this.#in.peek()) && !(this.#isFlow && /[,\]}]/.test(this.#in.peek()))) {
      throw this.#in.failure('did not find expected whitespace or line break');
    }
  }
}

function noKey(): SimpleKey {
  return { isPossible: false, isRequired: false, token: 0, line: 0, at: 0, column: 0 };
}
