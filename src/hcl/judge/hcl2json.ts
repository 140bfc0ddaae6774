import type { Block, Body, Expression } from '../syntax/ast.ts';
import type { SourceText } from '../syntax/source.ts';

/**
 * Our tree in the conventions of hcl2json 0.3.3, which is what hcl2-parser answers with: so that two parsers
 * can be compared that share nothing. Expressions that are no literal are their source text in `${}`.
 * Undefined when hcl2json cannot express the file, or is known to lose a part of it.
 */
export function toHcl2Json(body: Body, source: SourceText): Record<string, unknown> | undefined {
  return new Converter(source.text).body(body);
}

type JsonObject = Record<string, unknown>;

class Converter {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  body(body: Body): JsonObject | undefined {
    const out: JsonObject = Object.create(null);
    for (const attribute of body.attributes) out[attribute.name] = this.#value(attribute.value);
    const names = new Set(Object.keys(out));
    for (const block of body.blocks) {
      // hcl2json puts a block into an argument of the same name, or forgets it.
      if (names.has(block.type) || !this.#addBlock(block, out)) return undefined;
    }
    return out;
  }

  #addBlock(block: Block, into: JsonObject): boolean {
    const content = this.body(block.body);
    if (content === undefined) return false;
    let out = into;
    let key = block.type;
    for (const label of block.labels) {
      out[key] ??= Object.create(null);
      const inner = out[key];
      if (!isObject(inner)) return false;
      out = inner;
      key = label.text.normalize('NFC');
    }
    out[key] ??= [];
    const list = out[key];
    if (!Array.isArray(list)) return false;
    list.push(content);
    return true;
  }

  #value(node: Expression): unknown {
    switch (node.kind) {
      case 'number':
        return Number(node.text);
      case 'boolean':
        return node.value;
      case 'null':
        return null;
      case 'string':
      case 'template':
        return this.#string(node);
      case 'templateWrap':
        return this.#value(node.inner);
      case 'unary':
        if (node.operand.kind === 'number' && node.operator === '-') return -Number(node.operand.text);
        if (node.operand.kind === 'boolean' && node.operator === '!') return !node.operand.value;
        return this.#source(node);
      case 'tuple':
        return node.items.map((item) => this.#value(item));
      case 'object': {
        const out: JsonObject = Object.create(null);
        for (const item of node.items) out[this.#key(item.key)] = this.#value(item.value);
        return out;
      }
      default:
        return this.#source(node);
    }
  }

  #key(node: Expression): string {
    return node.kind === 'traversal' ? this.#slice(node) : this.#string(node);
  }

  /** A part of a template, or a whole one. */
  #string(node: Expression): string {
    switch (node.kind) {
      case 'string':
        return node.value.normalize('NFC');
      case 'number':
        return decimal(node.text);
      case 'boolean':
        return String(node.value);
      case 'template':
        return node.parts.map((part) => this.#string(part)).join('');
      case 'templateWrap':
        return this.#string(node.inner);
      case 'conditional':
      case 'templateIf': {
        const whenFalse = this.#string(node.whenFalse);
        const otherwise = whenFalse === '' ? '' : `%{else}${whenFalse}`;
        return `%{if ${this.#slice(node.condition)}}${this.#string(node.whenTrue)}${otherwise}%{endif}`;
      }
      case 'templateFor': {
        const key = node.keyName === undefined ? '' : `${node.keyName}, `;
        const names = `${key}${node.valueName}`;
        return `%{for ${names} in ${this.#slice(node.collection)}}${this.#string(node.body)}%{endfor}`;
      }
      default:
        return this.#source(node);
    }
  }

  #source(node: Expression): string {
    return `\${${this.#slice(node)}}`;
  }

  #slice(node: Expression): string {
    return this.#text.slice(node.start, node.end);
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number literal without an exponent and superfluous zeros, as a template would show it. */
function decimal(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const left = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const right = padded.slice(at).replace(/0+$/, '');
  return right === '' ? left : `${left}.${right}`;
}
