import { checkLength } from '../limits.ts';
import { numberText } from '../number-text.ts';
import type { Value } from '../values.ts';
import { MappingValue, SequenceValue } from '../values.ts';

/**
 * A known value as YAML, as Terraform writes it: texts in double quotes, those of several lines as blocks, keys
 * quoted like texts, two spaces for each level.
 */
export function encodeYaml(value: Value): string {
  const writer = new Writer();
  writer.node(value, -1, 'root');
  // A plain scalar could go on, so its end is said.
  const isPlain = !isCollection(value) && value.kind !== 'string';
  return `${writer.text}\n${isPlain ? '...\n' : ''}`;
}

const BEST_WIDTH = 80;
const LONGEST_KEY = 128;

const isCollection = (value: Value): value is SequenceValue | MappingValue =>
  value instanceof SequenceValue || value instanceof MappingValue;

const isEmpty = (value: SequenceValue | MappingValue): boolean =>
  value instanceof SequenceValue ? value.elements.length === 0 : value.entries.size === 0;

/** Where a node stands: alone, after `- `, or after a key. */
type Place = 'root' | 'sequence' | 'mapping';

class Writer {
  text = '';
  #column = 0;

  /** `indent` is that of the collection around it; -1 at the root. */
  node(value: Value, indent: number, place: Place): void {
    if (!isCollection(value)) {
      this.#scalar(value, indent < 0 ? 2 : indent + 2, false);
      return;
    }
    if (isEmpty(value)) {
      this.#write(value instanceof SequenceValue ? '[]' : '{}');
      return;
    }
    if (value instanceof SequenceValue) {
      // A sequence is not indented below its key.
      const inner = place === 'mapping' ? indent : indent < 0 ? 0 : indent + 2;
      this.#collection(inner, place, value.elements, (element) => {
        this.#write('- ');
        this.node(element, inner, 'sequence');
      });
    } else {
      const inner = indent < 0 ? 0 : indent + 2;
      this.#collection(inner, place, value.entries, ([key, part]) => this.#entry(key, part, inner));
    }
  }

  #collection<T>(indent: number, place: Place, parts: Iterable<T>, write: (part: T) => void): void {
    let isFirst = true;
    for (const part of parts) {
      // The first part goes on the line of a dash.
      if (!isFirst || place === 'mapping') this.#newLine(indent);
      write(part);
      isFirst = false;
    }
  }

  #entry(key: string, value: Value, indent: number): void {
    const isSimple = Buffer.byteLength(key) <= LONGEST_KEY && !/[\n\r\x85\u2028\u2029]/.test(key);
    if (isSimple) {
      this.#quoted(key, indent, true);
      this.#write(':');
      if (!isCollection(value) || isEmpty(value)) this.#write(' ');
      this.node(value, indent, 'mapping');
      return;
    }
    this.#write('? ');
    this.#text(key, indent + 2, false);
    this.#newLine(indent);
    this.#write(': ');
    this.node(value, indent, 'sequence');
  }

  #scalar(value: Value, indent: number, isKey: boolean): void {
    if (value.kind === 'string') this.#text(value.text, indent, isKey);
    else if (value.kind === 'number') this.#write(numberText(value.number));
    else if (value.kind === 'bool') this.#write(String(value.isTrue));
    else this.#write('null');
  }

  #text(text: string, indent: number, isKey: boolean): void {
    // A block cannot hold what is not printable, nor spaces before a line break or at the end.
    const isBlock = text.includes('\n') && !isKey && !/ (?:\n|$)/.test(text) && !notPrintable.test(text);
    if (isBlock) this.#literal(text, indent);
    else this.#quoted(text, indent, isKey);
  }

  #literal(text: string, indent: number): void {
    const indicator = /^[ \n]/.test(text) ? '2' : '';
    const chomping = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-';
    this.#write(`|${indicator}${chomping}`);
    const lines = text.split('\n');
    if (text.endsWith('\n')) lines.pop();
    for (const line of lines) {
      if (line === '') this.#write('\n');
      else this.#newLine(indent);
      this.#write(line);
    }
  }

  /** In double quotes; a text that is not a key may be broken at a space beyond column 80. */
  #quoted(text: string, indent: number, isKey: boolean): void {
    this.#write('"');
    const characters = [...text];
    // libyaml looks for a byte order mark before each character, but always at the beginning of the text.
    const isMarked = text.startsWith('\ufeff');
    let wasSpace = false;
    for (const [i, character] of characters.entries()) {
      const isSpace = character === ' ';
      const isInside = i > 0 && i < characters.length - 1;
      if (isSpace && !isMarked && !isKey && !wasSpace && isInside && this.#column > BEST_WIDTH) {
        this.#newLine(indent);
        if (characters[i + 1] === ' ') this.#write('\\');
      } else this.#write(escaped(character, isMarked));
      wasSpace = isSpace;
    }
    this.#write('"');
  }

  #newLine(indent: number): void {
    this.#write(`\n${' '.repeat(indent)}`);
  }

  #write(text: string): void {
    checkLength(this.text.length + text.length);
    this.text += text;
    const lastBreak = text.lastIndexOf('\n');
    this.#column = lastBreak < 0 ? this.#column + text.length : text.length - lastBreak - 1;
  }
}

/** What libyaml's emitter does not write as it is; it knows nothing beyond the basic plane. */
const notPrintable = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;

const SHORT: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function escaped(character: string, isForced: boolean): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  if (!isForced && !notPrintable.test(character)) return character;
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`;
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
}
