import { checkLength, LimitFailure, MAX_DEPTH } from './limits.ts';
import { numberText } from './number-text.ts';
import { parseNumber } from './numbers.ts';
import { quoteCharacter } from './quote.ts';
import type { Value } from './values.ts';
import { bool, NULL, number, object, SequenceValue, string, tuple } from './values.ts';

/** A text that is not JSON, in the words of Go's decoder where it has short ones. */
export class JsonFailure extends Error {
  override readonly name = 'JsonFailure';
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** A JSON string as Go writes it: also `<`, `>` and `&` are escaped, so that it can stand in HTML. */
const jsonString = (text: string): string =>
  JSON.stringify(text).replace(ESCAPED, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A known value as compact JSON, numbers with all their digits. Throws JsonFailure for an infinity. */
export function encodeJson(value: Value): string {
  switch (value.kind) {
    case 'null':
    case 'unknown':
      return 'null';
    case 'string':
      return jsonString(value.text);
    case 'bool':
      return String(value.isTrue);
    case 'number':
      if (typeof value.number === 'number' && !Number.isFinite(value.number)) {
        throw new JsonFailure('cannot serialize infinity as JSON');
      }
      return numberText(value.number);
  }
  const parts: string[] = [];
  let length = 2;
  const push = (part: string): void => {
    length += part.length + 1;
    checkLength(length);
    parts.push(part);
  };
  if (value instanceof SequenceValue) {
    for (const element of value.elements) push(encodeJson(element));
    return `[${parts.join(',')}]`;
  }
  for (const [key, part] of value.entries) push(`${jsonString(key)}:${encodeJson(part)}`);
  return `{${parts.join(',')}}`;
}

/**
 * JSON as a value: arrays become tuples, objects objects, numbers keep every digit.
 *
 * @throws JsonFailure
 */
export function decodeJson(text: string): Value {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PLAIN = /[^"\\\x00-\x1f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const A_VALUE = ' looking for beginning of value';

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new LimitFailure(`JSON is nested more than ${MAX_DEPTH} levels deep.`);
    this.#take(SPACE);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return string(this.#string());
      case 't':
        return this.#word('true', bool(true));
      case 'f':
        return this.#word('false', bool(false));
      case 'n':
        return this.#word('null', NULL);
      default:
        return this.#number();
    }
  }

  end(): void {
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw new JsonFailure('extraneous data after JSON object');
  }

  #object(depth: number): Value {
    const entries = new Map<string, Value>();
    this.#at++;
    if (this.#accept('}')) return object(entries);
    do {
      this.#take(SPACE);
      const where = entries.size === 0 ? '' : ' looking for beginning of object key string';
      if (this.#text[this.#at] !== '"') throw this.#unexpected(where);
      const key = this.#string().normalize('NFC');
      if (!this.#accept(':')) throw this.#unexpected(' after object key');
      entries.set(key, this.value(depth + 1));
    } while (this.#accept(','));
    if (!this.#accept('}')) throw this.#unexpected(' after object key:value pair');
    return object(entries);
  }

  #array(depth: number): Value {
    const elements: Value[] = [];
    this.#at++;
    if (this.#accept(']')) return tuple(elements);
    do elements.push(this.value(depth + 1));
    while (this.#accept(','));
    if (!this.#accept(']')) throw this.#unexpected(' after array element');
    return tuple(elements);
  }

  #string(): string {
    this.#at++;
    let text = '';
    for (;;) {
      text += this.#take(PLAIN);
      const character = this.#text[this.#at];
      if (character === '"') break;
      if (character !== '\\') throw this.#cut(' in string literal');
      this.#at++;
      text += this.#escape();
    }
    this.#at++;
    // A surrogate without its other half is no character.
    return text.toWellFormed();
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    const simple = ESCAPES[letter];
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    if (letter !== 'u') throw this.#cut(' in string escape code');
    this.#at++;
    for (let i = 0; i < 4; i++) {
      if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) {
        throw this.#cut(' in \\u hexadecimal character escape');
      }
      this.#at++;
    }
    return String.fromCharCode(Number.parseInt(this.#text.slice(this.#at - 4, this.#at), 16));
  }

  #number(): Value {
    const text = this.#take(NUMBER);
    if (text === '') {
      const isSigned = this.#text[this.#at] === '-';
      if (isSigned) this.#at++;
      throw isSigned ? this.#cut(' in numeric literal') : this.#unexpected(A_VALUE);
    }
    if (this.#text[this.#at] === '.' && !/[.eE]/.test(text)) {
      this.#at++;
      throw this.#cut(' after decimal point in numeric literal');
    }
    const parsed = parseNumber(text);
    if (parsed === undefined) throw new JsonFailure('the number is too large or too small to work with');
    return number(parsed);
  }

  #word(word: string, value: Value): Value {
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) {
        throw this.#cut(` in literal ${word} (expecting ${quoteCharacter(letter)})`);
      }
      this.#at++;
    }
    return value;
  }

  #accept(character: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  /** Something else than what may stand between two values. */
  #unexpected(where: string): JsonFailure {
    return this.#refusal(where, 'EOF');
  }

  /** Something that does not belong into the value at hand. */
  #cut(where: string): JsonFailure {
    return this.#refusal(where, 'unexpected EOF');
  }

  #refusal(where: string, atEnd: string): JsonFailure {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return new JsonFailure(atEnd);
    return new JsonFailure(`invalid character ${quoteCharacter(String.fromCodePoint(code))}${where}`);
  }
}
