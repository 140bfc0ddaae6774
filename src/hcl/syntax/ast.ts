/**
 * The tree of HCL's native syntax, with everything that evaluation, references, diagnostics and `fmt` need.
 *
 * Every node has `start` and `end`: UTF-16 offsets into the text it was parsed from, `end` exclusive. They are
 * turned into lines, columns and bytes by `SourceText`, and only when somebody asks. Nodes are frozen by type,
 * not at run time. Shapes follow HashiCorp's tree where error ranges depend on it: names followed by constant
 * steps are one `traversal`, `a[b]` with a computed key is an `index`, and `[*]` owns the steps that follow it.
 *
 *     Body ── attributes ── Attribute ── value ── Expression
 *          └─ blocks ────── Block ───── labels, body ── Body
 *
 *     Expression
 *       literals      number boolean null string
 *       templates     template templateWrap templateIf templateFor
 *       references    traversal relative index splat splatItem
 *       operations    call unary binary conditional parentheses
 *       collections   tuple object for
 *       after errors  invalid
 */

export interface Node {
  /** Offset of the first UTF-16 unit. */
  readonly start: number;
  /** Offset after the last UTF-16 unit. */
  readonly end: number;
}

// ---------------------------------------------------------------------------------------------- bodies

/** What stands in a file or between the braces of a block. Both lists are in source order. */
export interface Body extends Node {
  readonly kind: 'body';
  /** At most one of each name: the parser reports a second one and leaves it out. */
  readonly attributes: readonly Attribute[];
  readonly blocks: readonly Block[];
}

/** `name = value` in a body. */
export interface Attribute extends Node {
  readonly kind: 'attribute';
  readonly name: string;
  /** The name runs from `start` to `nameEnd`. */
  readonly nameEnd: number;
  readonly value: Expression;
}

/** `type "label" { ... }`. */
export interface Block extends Node {
  readonly kind: 'block';
  readonly type: string;
  /** The type runs from `start` to `typeEnd`. */
  readonly typeEnd: number;
  readonly labels: readonly Label[];
  /** Where the header ends: offset after the last label, or after the type. */
  readonly headerEnd: number;
  readonly body: Body;
}

/** A label of a block. Quotes belong to the range; a quoted label has its escapes resolved. */
export interface Label extends Node {
  readonly kind: 'label';
  readonly text: string;
  readonly quoted: boolean;
}

// --------------------------------------------------------------------------------------- expressions

export type Expression =
  | NumberLiteral
  | BooleanLiteral
  | NullLiteral
  | StringLiteral
  | Template
  | TemplateWrap
  | TemplateIf
  | TemplateFor
  | Traversal
  | RelativeTraversal
  | Index
  | Splat
  | SplatItem
  | Call
  | Unary
  | Binary
  | Conditional
  | Parentheses
  | Tuple
  | ObjectExpression
  | For
  | Invalid;

/** A number as it is written: `1.50`, `007`, `1e3`. Never signed. Syntax is checked, size is not. */
export interface NumberLiteral extends Node {
  readonly kind: 'number';
  readonly text: string;
}

export interface BooleanLiteral extends Node {
  readonly kind: 'boolean';
  readonly value: boolean;
}

export interface NullLiteral extends Node {
  readonly kind: 'null';
}

/**
 * Fixed text: a whole quoted string or heredoc without `${}` and `%{}`, or such a stretch inside a template.
 * Escapes are resolved, strip markers and the indentation of `<<-` are applied. A whole string's range has its
 * quotes or heredoc markers, a stretch's has not. Not yet NFC: that is the evaluator's.
 */
export interface StringLiteral extends Node {
  readonly kind: 'string';
  readonly value: string;
  readonly heredoc: boolean;
}

/** Text with `${}` or `%{}` in it; evaluates to a string. Parts are expressions; see {@link TemplateIf}. */
export interface Template extends Node {
  readonly kind: 'template';
  readonly parts: readonly Expression[];
  readonly heredoc: boolean;
}

/** `"${x}"` and nothing else: the value of `x` with its type kept. */
export interface TemplateWrap extends Node {
  readonly kind: 'templateWrap';
  readonly inner: Expression;
  readonly heredoc: boolean;
}

/**
 * `%{ if }..%{ else }..%{ endif }`. Only as a part of a template. A branch is a `string` or a `template`, and
 * a missing or empty one is an empty `string`. It evaluates like a conditional.
 */
export interface TemplateIf extends Node {
  readonly kind: 'templateIf';
  readonly condition: Expression;
  readonly whenTrue: Expression;
  readonly whenFalse: Expression;
}

/** `%{ for k, v in c }..%{ endfor }`. Only as a part of a template. The body is a `string` or a `template`. */
export interface TemplateFor extends Node {
  readonly kind: 'templateFor';
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
  readonly body: Expression;
}

/** A name with constant steps: `var.hosts[0].name`. `host.web["web-1"]` too. No steps: a bare name. */
export interface Traversal extends Node {
  readonly kind: 'traversal';
  readonly root: string;
  /** The root runs from `start` to `rootEnd`. */
  readonly rootEnd: number;
  readonly steps: readonly Step[];
}

/** Constant steps after something that is not a name: `f(x).a`, `a[b].c`, `(a).b`, a splat's item. */
export interface RelativeTraversal extends Node {
  readonly kind: 'relative';
  readonly source: Expression;
  /** At least one. */
  readonly steps: readonly Step[];
}

export type Step = AttributeStep | IndexStep;

/** `.name`; the range starts with the dot. */
export interface AttributeStep extends Node {
  readonly kind: 'attributeStep';
  readonly name: string;
}

/** `[0]`, `["key"]`, or the legacy `.0`; the range has the brackets or the dot. */
export interface IndexStep extends Node {
  readonly kind: 'indexStep';
  readonly key: NumberLiteral | BooleanLiteral | NullLiteral | StringLiteral | Invalid;
  readonly legacy: boolean;
}

/** `a[b]` with a key that is computed. */
export interface Index extends Node {
  readonly kind: 'index';
  readonly collection: Expression;
  readonly key: Expression;
  /** Offset of the opening bracket; `end` is after the closing one. */
  readonly open: number;
}

/**
 * `a[*]` (`full`) or `a.*`. `each` is evaluated once for every item, and holds one {@link SplatItem} that
 * stands for it: `a[*].b` has `each` = relative(splatItem, .b), `a[*]` alone has `each` = splatItem.
 */
export interface Splat extends Node {
  readonly kind: 'splat';
  readonly source: Expression;
  readonly each: Expression;
  readonly full: boolean;
  /** `[*]` or `.*` itself. */
  readonly markerStart: number;
  readonly markerEnd: number;
}

/** The item at hand inside the innermost splat's `each`. */
export interface SplatItem extends Node {
  readonly kind: 'splatItem';
}

/** `name(args)`. */
export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  /** The name runs from `start` to `nameEnd`. */
  readonly nameEnd: number;
  readonly args: readonly Expression[];
  /** `...` after the last argument. */
  readonly expand: boolean;
}

export type UnaryOperator = '-' | '!';
export interface Unary extends Node {
  readonly kind: 'unary';
  readonly operator: UnaryOperator;
  readonly operand: Expression;
}

export type BinaryOperator =
  | '||'
  | '&&'
  | '=='
  | '!='
  | '>'
  | '>='
  | '<'
  | '<='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%';
export interface Binary extends Node {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** `condition ? whenTrue : whenFalse`. */
export interface Conditional extends Node {
  readonly kind: 'conditional';
  readonly condition: Expression;
  readonly whenTrue: Expression;
  readonly whenFalse: Expression;
}

export interface Parentheses extends Node {
  readonly kind: 'parentheses';
  readonly inner: Expression;
}

export interface Tuple extends Node {
  readonly kind: 'tuple';
  readonly items: readonly Expression[];
}

export interface ObjectExpression extends Node {
  readonly kind: 'object';
  readonly items: readonly ObjectItem[];
}

export interface ObjectItem {
  readonly key: Expression;
  /**
   * The key when it is a bare word (`a = 1`, also `true`, `false` and `null`); undefined when the key is to be
   * evaluated. A bare `a.b = 1` is undefined too: evaluation refuses it as ambiguous, `(a.b) = 1` is fine.
   */
  readonly bareKey: string | undefined;
  readonly value: Expression;
}

/** `[for v in c : x if y]` (`key` undefined) and `{for k, v in c : x => y... if z}`. */
export interface For extends Node {
  readonly kind: 'for';
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
  /** Defined for an object, undefined for a tuple. */
  readonly key: Expression | undefined;
  readonly value: Expression;
  readonly condition: Expression | undefined;
  /** `...` after the value: items of equal keys are collected in a list. */
  readonly group: boolean;
}

/** Where an expression could not be read. Only together with an error; evaluate it as unknown. */
export interface Invalid extends Node {
  readonly kind: 'invalid';
}
