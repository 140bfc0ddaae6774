import { createRequire } from 'node:module';

/** What HashiCorp's own parser (compiled to JavaScript) makes of a text. */
export type Opinion =
  | { readonly verdict: 'accepts'; readonly document: Document }
  | { readonly verdict: 'objects'; readonly objections: readonly Objection[] }
  /** It gave up on something that is no matter of syntax: it panics on `{ null = 1 }`, for one. */
  | { readonly verdict: 'no_opinion'; readonly reason: string };

/** A document in hcl2json's conventions: blocks as lists under their type and labels, expressions as text. */
export type Document = { readonly [key: string]: unknown };

/** One of its diagnostics; lines and columns start at 1, columns count grapheme clusters. */
export interface Objection {
  readonly summary: string;
  readonly detail: string;
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

interface Hcl2Parser {
  parseToObject(text: string): unknown;
}

let loaded: Hcl2Parser | undefined;

function load(): Hcl2Parser {
  if (loaded !== undefined) return loaded;
  // Loading it sets this for the whole process: every error would carry a stack of any length.
  const limit = Error.stackTraceLimit;
  const require = createRequire(import.meta.url);
  loaded = require('hcl2-parser') as Hcl2Parser;
  Error.stackTraceLimit = limit;
  return loaded;
}

/**
 * Parses `text` with hcl2-parser, synchronously, and never throws. It takes a second of processor time for a
 * thousand blocks and a lot of stack for nested brackets: call it in a worker, or in tests.
 */
export function askHashicorp(text: string): Opinion {
  const parser = load();
  const { result, strings, failure } = listen(() => parser.parseToObject(text));
  if (failure !== undefined) return { verdict: 'no_opinion', reason: describe(failure) };
  const document = Array.isArray(result) ? (result[0] as unknown) : undefined;
  if (isDocument(document)) return { verdict: 'accepts', document };
  if (!strings.some((string) => string.startsWith('parse config'))) {
    return { verdict: 'no_opinion', reason: strings.at(-1) ?? 'it failed without a reason' };
  }
  const objections = strings.map(readObjection).filter((objection) => objection !== undefined);
  return { verdict: 'objects', objections };
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null;
}

/**
 * Runs `call` and collects the strings that are made meanwhile. hcl2-parser's errors come back as an empty
 * object, because GopherJS drops what Go does not export; but their text was put together on the way, and
 * GopherJS makes strings with `String.fromCharCode.apply`. The call is synchronous, so nobody else is heard.
 */
function listen(call: () => unknown): { result?: unknown; strings: string[]; failure?: unknown } {
  const strings: string[] = [];
  const make = String.fromCharCode;
  Object.defineProperty(make, 'apply', {
    configurable: true,
    value: (self: unknown, codes: number[]) => {
      const string = Reflect.apply(make, self, codes);
      if (string.startsWith(':') || string.startsWith('parse config') || string.startsWith('convert')) {
        strings.push(string);
      }
      return string;
    },
  });
  try {
    return { result: call(), strings };
  } catch (failure) {
    return { strings, failure };
  } finally {
    Reflect.deleteProperty(make, 'apply');
  }
}

const objection = /^:(\d+),(\d+)-(?:(\d+),)?(\d+): ([^;]+); ([\s\S]*)$/;

function readObjection(text: string): Objection | undefined {
  const match = objection.exec(text);
  if (match === null) return undefined;
  const [, line = '', column = '', endLine, endColumn = '', summary = '', detail = ''] = match;
  return {
    summary,
    detail,
    start: { line: Number(line), column: Number(column) },
    end: { line: Number(endLine ?? line), column: Number(endColumn) },
  };
}

function describe(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
