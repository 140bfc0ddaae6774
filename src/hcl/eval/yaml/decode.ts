import { tryConvert } from '../conversion.ts';
import { quote } from '../quote.ts';
import { friendlyName, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { MappingValue, NULL, object, tuple } from '../values.ts';
import { YamlFailure } from './failure.ts';
import { resolveScalar } from './resolve.ts';
import { scan } from './scan.ts';
import type { Token } from './token.ts';

/**
 * The value of a YAML text with one document, as Terraform reads it: YAML 1.1, so that `yes` is true and `y: 1`
 * has the key "true"; mappings become objects with texts as keys, sequences tuples. Throws YamlFailure.
 */
export function decodeYaml(text: string): Value {
  return new Parser(scan(text)).document();
}

const MAP = 'tag:yaml.org,2002:map';
const SEQUENCE = 'tag:yaml.org,2002:seq';
const MERGE = 'tag:yaml.org,2002:merge';

/** What may stand before a node. */
interface Properties {
  readonly anchor: string | undefined;
  readonly tag: string;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  readonly #handles = new Map([
    ['!', '!'],
    ['!!', 'tag:yaml.org,2002:'],
  ]);
  readonly #anchors = new Map<string, Value>();
  /** Anchors whose nodes are being read, which must not be referred to yet. */
  readonly #pending = new Set<string>();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  document(): Value {
    if (this.#is('stream end')) throw new YamlFailure('missing start of document');
    const isExplicit = this.#is('tag directive', 'version directive', 'document start');
    for (let token = this.#peek(); this.#is('tag directive', 'version directive'); token = this.#peek()) {
      if (token.type === 'tag directive') this.#handles.set(token.handle, token.prefix);
      this.#at++;
    }
    if (isExplicit && !this.#accept('document start')) {
      throw new YamlFailure('did not find expected <document start>');
    }
    const isEmpty = isExplicit && this.#is('document start', 'document end', 'stream end');
    const value = isEmpty ? NULL : this.#node(true, false);
    while (this.#accept('document end'));
    if (this.#is('stream end')) return value;
    if (this.#is('document start', 'tag directive', 'version directive')) {
      throw new YamlFailure('unexpected extra content after value');
    }
    throw new YamlFailure('did not find expected <document start>');
  }

  /** `isBlock`: block collections may begin here. `isIndentless`: also a sequence that is not indented. */
  #node(isBlock: boolean, isIndentless: boolean): Value {
    const token = this.#peek();
    if (token.type === 'alias') {
      this.#at++;
      return this.#alias(token.name);
    }
    const properties = this.#properties();
    const { anchor } = properties;
    if (anchor !== undefined) this.#pending.add(anchor);
    const value = this.#content(properties, isBlock, isIndentless);
    if (anchor !== undefined) {
      this.#pending.delete(anchor);
      this.#anchors.set(anchor, value);
    }
    return value;
  }

  #alias(name: string): Value {
    if (this.#pending.has(name)) {
      throw new YamlFailure(`cannot refer to anchor ${quote(name)} from inside its own definition`);
    }
    const value = this.#anchors.get(name);
    if (value === undefined) throw new YamlFailure(`reference to undefined anchor ${quote(name)}`);
    return value;
  }

  #properties(): Properties {
    let anchor: string | undefined;
    let tag: string | undefined;
    for (let token = this.#peek(); ; token = this.#peek()) {
      if (token.type === 'anchor' && anchor === undefined) anchor = token.name;
      else if (token.type === 'tag' && tag === undefined) tag = this.#resolveTag(token.handle, token.suffix);
      else return { anchor, tag: tag ?? '' };
      this.#at++;
    }
  }

  #resolveTag(handle: string, suffix: string): string {
    if (handle === '') return suffix;
    const prefix = this.#handles.get(handle);
    if (prefix === undefined) throw new YamlFailure('found undefined tag handle');
    return prefix + suffix;
  }

  #content({ anchor, tag }: Properties, isBlock: boolean, isIndentless: boolean): Value {
    const token = this.#peek();
    if (isIndentless && token.type === 'block entry')
      return this.#sequence(tag, () => this.#indentlessItems());
    switch (token.type) {
      case 'scalar':
        this.#at++;
        return resolveScalar(tag, token.text, token.style);
      case 'flow sequence start':
        this.#at++;
        return this.#sequence(tag, () => this.#flowItems());
      case 'flow mapping start':
        this.#at++;
        return this.#mapping(tag, (add) => this.#flowEntries(add));
      case 'block sequence start':
        if (!isBlock) break;
        this.#at++;
        return this.#sequence(tag, () => this.#blockItems());
      case 'block mapping start':
        if (!isBlock) break;
        this.#at++;
        return this.#mapping(tag, (add) => this.#blockEntries(add));
    }
    if (anchor !== undefined || tag !== '') return resolveScalar(tag, '', 'plain');
    throw new YamlFailure('did not find expected node content');
  }

  // ----------------------------------------------------------------------------------------- sequences

  #sequence(tag: string, items: () => Value[]): Value {
    if (tag !== '' && tag !== SEQUENCE) throw new YamlFailure(`can't interpret sequence as ${tag}`);
    return tuple(items());
  }

  #blockItems(): Value[] {
    const items: Value[] = [];
    while (this.#accept('block entry')) {
      items.push(this.#is('block entry', 'block end') ? NULL : this.#node(true, false));
    }
    if (!this.#accept('block end')) throw new YamlFailure("did not find expected '-' indicator");
    return items;
  }

  #indentlessItems(): Value[] {
    const items: Value[] = [];
    while (this.#accept('block entry')) {
      const isEmpty = this.#is('block entry', 'key', 'value', 'block end');
      items.push(isEmpty ? NULL : this.#node(true, false));
    }
    return items;
  }

  #flowItems(): Value[] {
    const items: Value[] = [];
    while (!this.#accept('flow sequence end')) {
      if (items.length > 0) {
        if (!this.#accept('flow entry')) throw new YamlFailure("did not find expected ',' or ']'");
        if (this.#accept('flow sequence end')) break;
      }
      items.push(this.#is('key') ? this.#pair() : this.#node(false, false));
    }
    return items;
  }

  /** `[a: 1]`: a mapping of one entry without braces. */
  #pair(): Value {
    return this.#mapping('', (add) => {
      this.#at++;
      this.#entry(add, ['value', 'flow entry', 'flow sequence end'], false);
    });
  }

  // ------------------------------------------------------------------------------------------ mappings

  #mapping(tag: string, read: (add: AddEntry) => void): Value {
    if (tag !== '' && tag !== MAP) throw new YamlFailure(`can't interpret mapping as ${tag}`);
    const entries = new Map<string, Value>();
    read((key, value) => {
      if (key !== undefined) {
        entries.set(key, value);
        return;
      }
      if (!(value instanceof MappingValue)) {
        throw new YamlFailure(`cannot merge ${friendlyName(value.type)} into mapping`);
      }
      for (const [name, part] of value.entries) entries.set(name, part);
    });
    return object(entries);
  }

  #blockEntries(add: AddEntry): void {
    while (this.#accept('key')) this.#entry(add, ['key', 'value', 'block end'], true);
    if (!this.#accept('block end')) throw new YamlFailure('did not find expected key');
  }

  #flowEntries(add: AddEntry): void {
    for (let isFirst = true; !this.#accept('flow mapping end'); isFirst = false) {
      if (!isFirst) {
        if (!this.#accept('flow entry')) throw new YamlFailure("did not find expected ',' or '}'");
        if (this.#accept('flow mapping end')) return;
      }
      if (this.#accept('key')) this.#entry(add, ['value', 'flow entry', 'flow mapping end'], false);
      else add(this.#keyNode(false), NULL);
    }
  }

  /** After `key`: the key, and the value if there is one. `ends` are the tokens that leave either of them out. */
  #entry(add: AddEntry, ends: readonly Token['type'][], isBlock: boolean): void {
    const key = this.#is(...ends) ? keyText(NULL) : this.#keyNode(isBlock);
    const hasValue = this.#accept('value') && !this.#is(...ends);
    add(key, hasValue ? this.#node(isBlock, isBlock) : NULL);
  }

  /** The text of a key; undefined for `<<`, which merges. Only scalars can be keys, and their anchors count for nothing. */
  #keyNode(isBlock: boolean): string | undefined {
    const properties = this.#properties();
    const { tag } = properties;
    const token = this.#peek();
    if (token.type === 'alias') throw new YamlFailure('only strings are allowed as mapping keys');
    if (token.type === 'scalar') {
      const isMerge = tag === MERGE || (tag === '' && token.style === 'plain' && token.text === '<<');
      if (isMerge) {
        this.#at++;
        return undefined;
      }
    } else if (!this.#is('value', 'key', 'flow entry', 'block end', 'flow mapping end')) {
      throw new YamlFailure('only strings are allowed as mapping keys');
    }
    return keyText(this.#content(properties, isBlock, isBlock));
  }

  // -------------------------------------------------------------------------------------------- tokens

  #peek(): Token {
    return this.#tokens[this.#at] ?? { type: 'stream end', at: 0 };
  }

  #is(...types: readonly Token['type'][]): boolean {
    return types.includes(this.#peek().type);
  }

  #accept(type: Token['type']): boolean {
    if (this.#peek().type !== type) return false;
    this.#at++;
    return true;
  }
}

/** Without a key, the entries of the value are added instead. */
type AddEntry = (key: string | undefined, value: Value) => void;

function keyText(key: Value): string {
  const text = tryConvert(key, STRING);
  if (text?.kind === 'null') throw new YamlFailure('mapping key cannot be null');
  if (text?.kind !== 'string') throw new YamlFailure('only strings are allowed as mapping keys');
  return text.text;
}
