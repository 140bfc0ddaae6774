import type {
  Attribute,
  AttributeStep,
  Block,
  Body,
  Call,
  Expression,
  IndexStep,
  Label,
  NumberLiteral,
  ObjectExpression,
  ObjectItem,
  StringLiteral,
  Template,
  Traversal,
  Tuple,
} from './ast.ts';

/*
 * The nodes that a file has thousands of, as classes. Where a tree is longer-lived than the first collections of
 * garbage, V8 makes the objects of a literal (`{ kind: 'block', ... }`) among the old ones from then on. There a tree
 * that nobody needs any more keeps alive whatever it refers to, until the next full collection: of an environment that
 * was read again and again, more than half survived. Instances of a class are always made young. What is rare is
 * written as a literal all the same.
 */

export class BodyNode implements Body {
  readonly kind = 'body';
  readonly start: number;
  readonly end: number;
  readonly attributes: Body['attributes'];
  readonly blocks: Body['blocks'];

  constructor(start: number, end: number, attributes: Body['attributes'], blocks: Body['blocks']) {
    this.start = start;
    this.end = end;
    this.attributes = attributes;
    this.blocks = blocks;
  }
}

export class AttributeNode implements Attribute {
  readonly kind = 'attribute';
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly nameEnd: number;
  readonly value: Expression;

  constructor(start: number, end: number, name: string, nameEnd: number, value: Expression) {
    this.start = start;
    this.end = end;
    this.name = name;
    this.nameEnd = nameEnd;
    this.value = value;
  }
}

export class BlockNode implements Block {
  readonly kind = 'block';
  readonly start: number;
  readonly end: number;
  readonly type: string;
  readonly typeEnd: number;
  readonly labels: Block['labels'];
  readonly headerEnd: number;
  readonly body: Body;

  constructor(
    start: number,
    end: number,
    type: string,
    typeEnd: number,
    labels: Block['labels'],
    headerEnd: number,
    body: Body,
  ) {
    this.start = start;
    this.end = end;
    this.type = type;
    this.typeEnd = typeEnd;
    this.labels = labels;
    this.headerEnd = headerEnd;
    this.body = body;
  }
}

export class LabelNode implements Label {
  readonly kind = 'label';
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly quoted: boolean;

  constructor(start: number, end: number, text: string, quoted: boolean) {
    this.start = start;
    this.end = end;
    this.text = text;
    this.quoted = quoted;
  }
}

export class NumberNode implements NumberLiteral {
  readonly kind = 'number';
  readonly start: number;
  readonly end: number;
  readonly text: string;

  constructor(start: number, end: number, text: string) {
    this.start = start;
    this.end = end;
    this.text = text;
  }
}

export class StringNode implements StringLiteral {
  readonly kind = 'string';
  readonly start: number;
  readonly end: number;
  readonly value: string;
  readonly heredoc: boolean;

  constructor(start: number, end: number, value: string, heredoc: boolean) {
    this.start = start;
    this.end = end;
    this.value = value;
    this.heredoc = heredoc;
  }
}

export class TemplateNode implements Template {
  readonly kind = 'template';
  readonly start: number;
  readonly end: number;
  readonly parts: Template['parts'];
  readonly heredoc: boolean;

  constructor(start: number, end: number, parts: Template['parts'], heredoc: boolean) {
    this.start = start;
    this.end = end;
    this.parts = parts;
    this.heredoc = heredoc;
  }
}

export class TraversalNode implements Traversal {
  readonly kind = 'traversal';
  readonly start: number;
  readonly end: number;
  readonly root: string;
  readonly rootEnd: number;
  readonly steps: Traversal['steps'];

  constructor(start: number, end: number, root: string, rootEnd: number, steps: Traversal['steps']) {
    this.start = start;
    this.end = end;
    this.root = root;
    this.rootEnd = rootEnd;
    this.steps = steps;
  }
}

export class AttributeStepNode implements AttributeStep {
  readonly kind = 'attributeStep';
  readonly start: number;
  readonly end: number;
  readonly name: string;

  constructor(start: number, end: number, name: string) {
    this.start = start;
    this.end = end;
    this.name = name;
  }
}

export class IndexStepNode implements IndexStep {
  readonly kind = 'indexStep';
  readonly start: number;
  readonly end: number;
  readonly key: IndexStep['key'];
  readonly legacy: boolean;

  constructor(start: number, end: number, key: IndexStep['key'], legacy: boolean) {
    this.start = start;
    this.end = end;
    this.key = key;
    this.legacy = legacy;
  }
}

export class CallNode implements Call {
  readonly kind = 'call';
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly nameEnd: number;
  readonly args: Call['args'];
  readonly expand: boolean;

  constructor(
    start: number,
    end: number,
    name: string,
    nameEnd: number,
    args: Call['args'],
    expand: boolean,
  ) {
    this.start = start;
    this.end = end;
    this.name = name;
    this.nameEnd = nameEnd;
    this.args = args;
    this.expand = expand;
  }
}

export class TupleNode implements Tuple {
  readonly kind = 'tuple';
  readonly start: number;
  readonly end: number;
  readonly items: Tuple['items'];

  constructor(start: number, end: number, items: Tuple['items']) {
    this.start = start;
    this.end = end;
    this.items = items;
  }
}

export class ObjectNode implements ObjectExpression {
  readonly kind = 'object';
  readonly start: number;
  readonly end: number;
  readonly items: ObjectExpression['items'];

  constructor(start: number, end: number, items: ObjectExpression['items']) {
    this.start = start;
    this.end = end;
    this.items = items;
  }
}

export class ObjectItemNode implements ObjectItem {
  readonly key: Expression;
  readonly bareKey: string | undefined;
  readonly value: Expression;

  constructor(key: Expression, bareKey: string | undefined, value: Expression) {
    this.key = key;
    this.bareKey = bareKey;
    this.value = value;
  }
}
