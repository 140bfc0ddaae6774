import type { Attribute, Block, Body } from './ast.ts';
import type { Gathering } from './gathering.ts';
import { BodyNode } from './nodes.ts';

/** From this many arguments on, a map finds a duplicate faster than a look at all of them. */
const INDEX_FROM = 12;

/** The items of a body while it is read; bodies nest, so several of them are begun at a time. */
export class ItemsBeingRead {
  readonly #attributes: Gathering<Attribute>;
  readonly #blocks: Gathering<Block>;
  readonly #firstAttribute: number;
  readonly #firstBlock: number;
  #byName: Map<string, Attribute> | undefined;

  constructor(attributes: Gathering<Attribute>, blocks: Gathering<Block>) {
    this.#attributes = attributes;
    this.#blocks = blocks;
    this.#firstAttribute = attributes.mark();
    this.#firstBlock = blocks.mark();
  }

  /** Adds an argument; when there is one of that name already, gives that one and adds nothing. */
  addAttribute(attribute: Attribute): Attribute | undefined {
    const existing = this.#find(attribute.name);
    if (existing !== undefined) return existing;
    this.#attributes.add(attribute);
    this.#byName?.set(attribute.name, attribute);
    return undefined;
  }

  /** The body of these items, which runs from `start` to `end`. */
  end(start: number, end: number): Body {
    const attributes = this.#attributes.cut(this.#firstAttribute);
    return new BodyNode(start, end, attributes, this.#blocks.cut(this.#firstBlock));
  }

  #find(name: string): Attribute | undefined {
    const count = this.#attributes.count - this.#firstAttribute;
    if (count > INDEX_FROM) return this.#index().get(name);
    for (let index = this.#firstAttribute; index < this.#attributes.count; index++) {
      const attribute = this.#attributes.at(index);
      if (attribute?.name === name) return attribute;
    }
    return undefined;
  }

  #index(): Map<string, Attribute> {
    if (this.#byName !== undefined) return this.#byName;
    const byName = new Map<string, Attribute>();
    for (let index = this.#firstAttribute; index < this.#attributes.count; index++) {
      const attribute = this.#attributes.at(index);
      if (attribute !== undefined) byName.set(attribute.name, attribute);
    }
    this.#byName = byName;
    return byName;
  }
}
