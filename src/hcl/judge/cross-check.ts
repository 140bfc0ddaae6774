import { isDeepStrictEqual } from 'node:util';
import type { Diagnostic, SourceRange } from '../../model/diagnostic.ts';
import type { ParsedFile } from '../syntax/parser.ts';
import type { Document, Opinion } from './hashicorp.ts';
import { toHcl2Json } from './hcl2json.ts';
import type { SecondJudge } from './judge.ts';

/** Whether two parsers that share nothing read a file in the same way. */
export type CrossCheck =
  | { readonly result: 'agree' }
  /** An error that says where they differ; do not go on with such a file. */
  | { readonly result: 'differ'; readonly diagnostic: Diagnostic }
  | { readonly result: 'no_opinion'; readonly reason: string };

/**
 * Compares what we make of a file with what HashiCorp's parser makes of it: whether it is valid, and the whole
 * structure of blocks, labels, arguments and expressions. For `validate --cross-check`. Never rejects.
 */
export async function crossCheck(parsed: ParsedFile, second: SecondJudge): Promise<CrossCheck> {
  return compare(parsed, await second.ask(parsed.source.text));
}

/** `provider::name::f(`, which came into HCL with Terraform 1.8. */
const NAMESPACED_CALL = /[\p{ID_Continue}-]\s*::\s*\p{ID_Start}[\p{ID_Continue}-]*\s*(?:::|\()/u;

/** {@link crossCheck} for an answer that is at hand. */
export function compare(parsed: ParsedFile, opinion: Opinion): CrossCheck {
  const { body, source, diagnostics } = parsed;
  if (opinion.verdict === 'no_opinion') return { result: 'no_opinion', reason: opinion.reason };
  const weAccept = diagnostics.length === 0;
  if (weAccept && opinion.verdict === 'objects' && NAMESPACED_CALL.test(source.text)) {
    return { result: 'no_opinion', reason: 'a function of a namespace is newer than that parser' };
  }
  if (weAccept !== (opinion.verdict === 'accepts')) {
    const theirs = opinion.verdict === 'objects' ? opinion.objections[0] : undefined;
    const detail =
      theirs === undefined
        ? "HashiCorp's parser accepts this file, and the parser of deployctl objects to it."
        : `The parser of deployctl accepts this file. HashiCorp's says, at line ${theirs.start.line}: ${theirs.summary}. ${theirs.detail}`;
    return differ(detail, diagnostics[0]?.subject ?? source.range(0, 0));
  }
  if (opinion.verdict === 'objects') return { result: 'agree' };
  const ours = toHcl2Json(body, source);
  if (ours === undefined) {
    return {
      result: 'no_opinion',
      reason: 'a block and an argument, or blocks with and without labels, share a name',
    };
  }
  const place = firstDifference(ours, opinion.document, '');
  if (place === undefined) return { result: 'agree' };
  return differ(`They read ${place} differently.`, source.range(0, 0));
}

function differ(detail: string, subject: SourceRange): CrossCheck {
  return {
    result: 'differ',
    diagnostic: {
      code: 'hcl-parsers-differ',
      severity: 'error',
      summary: 'Two parsers read this file in different ways',
      detail,
      hint: 'One of them is wrong. Please report it with the file; until then, write that part in another way.',
      subject,
    },
  };
}

/** Where two documents differ first, as `service.shop[0].port: 1 and 2`; undefined when they do not. */
function firstDifference(ours: unknown, theirs: unknown, path: string): string | undefined {
  if (isDeepStrictEqual(ours, theirs)) return undefined;
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
      const found = firstDifference(ours[index], theirs[index], `${path}[${index}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isDocument(ours) && isDocument(theirs)) {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const found = firstDifference(ours[key], theirs[key], path === '' ? key : `${path}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  // JSON knows one zero.
  if (ours === 0 && theirs === 0) return undefined;
  return `${path || 'the file'} (${show(ours)} and ${show(theirs)})`;
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/**
 * Our errors of syntax with HashiCorp's word on them: the first one says whether their parser objects as well,
 * and to what if it is something else. A file without errors is given back as it is, and nobody is asked.
 */
export async function withSecondOpinion(
  parsed: ParsedFile,
  second: SecondJudge,
): Promise<readonly Diagnostic[]> {
  const [first, ...others] = parsed.diagnostics;
  if (first === undefined) return [];
  const judgement = await second.judge(parsed.source.text, parsed.source.file);
  const add = (sentence: string): Diagnostic[] => [
    { ...first, detail: `${first.detail}\n\n${sentence}` },
    ...others,
  ];
  switch (judgement.verdict) {
    case 'accepts':
      return add("HashiCorp's parser accepts this file: please report the difference.");
    case 'no_opinion':
      return add(`HashiCorp's parser has no opinion: ${judgement.message}.`);
    case 'objects': {
      const { summary, detail, range } = judgement;
      const same = parsed.diagnostics.some(
        (ours) => ours.summary === summary && ours.subject?.start.line === range.start.line,
      );
      if (same) return add("HashiCorp's parser says the same.");
      return add(`HashiCorp's parser says, at line ${range.start.line}: ${summary}. ${detail}`);
    }
  }
}
