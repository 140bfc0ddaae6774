import { checkLength } from '../limits.ts';
import { type Match, Regex } from '../regexp/regex.ts';
import { PatternFailure } from '../regexp/syntax.ts';
import type { Type } from '../types.ts';
import { DYNAMIC, elementType, listType, objectType, STRING, tupleType } from '../types.ts';
import type { Value } from '../values.ts';
import { list, nullOf, object, string, tuple } from '../values.ts';
import { argument, textOf, textParameter } from './arguments.ts';
import type { CallContext, FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';
import { replaceAll } from './string.ts';

const compiled = new Map<string, Regex>();
const MOST_COMPILED = 200;

/** Compiles a pattern, or takes it from the last few that were. Throws PatternFailure. */
function regexOf(pattern: string): Regex {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const regex = new Regex(pattern);
  const [oldest] = compiled.keys();
  if (compiled.size >= MOST_COMPILED && oldest !== undefined) compiled.delete(oldest);
  compiled.set(pattern, regex);
  return regex;
}

/** Without groups the text that matched, with groups a tuple of theirs, with named ones an object. */
function resultType(pattern: string): Type {
  const { groups } = compileOrBlame(pattern);
  const names = groups.filter((name) => name !== undefined);
  if (groups.length === 0) return STRING;
  if (names.length > 0 && names.length < groups.length) {
    throw discreet('invalid regexp pattern: cannot mix both named and unnamed capture groups', 0);
  }
  if (names.length === 0) return tupleType(groups.map(() => STRING));
  return objectType(new Map(names.map((name) => [name, STRING])));
}

function compileOrBlame(pattern: string): Regex {
  try {
    return regexOf(pattern);
  } catch (failure) {
    if (!(failure instanceof PatternFailure)) throw failure;
    throw new FunctionFailure(`invalid regexp pattern: ${failure.code} in ${failure.excerpt}`, 0);
  }
}

function matchValue(match: Match, text: string, regex: Regex): Value {
  const part = (index: number): Value => {
    const [start = -1, end = -1] = match.slice(index * 2, index * 2 + 2);
    return start < 0 || end < 0 ? nullOf(STRING) : string(text.slice(start, end));
  };
  if (regex.groups.length === 0) return part(0);
  const parts = regex.groups.map((_, i) => part(i + 1));
  if (regex.groups[0] === undefined) return tuple(parts);
  return object(new Map(parts.map((value, i) => [regex.groups[i] ?? '', value])));
}

const tickOf = (cx: CallContext) => (steps: number) => cx.budget.spend(steps / 8);

const regex: FunctionDefinition = {
  name: 'regex',
  family: 'string',
  summary: 'What a pattern matches in a text; an error when nothing.',
  parameters: [textParameter('pattern'), textParameter('string')],
  returns: (args) => (argument(args, 0).kind === 'string' ? resultType(textOf(args, 0)) : DYNAMIC),
  call: (args, cx) => {
    const pattern = regexOf(textOf(args, 0));
    const text = textOf(args, 1);
    const match = pattern.find(text, 0, tickOf(cx));
    if (match === undefined) throw discreet('pattern did not match any part of the given string');
    return matchValue(match, text, pattern);
  },
};

const regexall: FunctionDefinition = {
  name: 'regexall',
  family: 'string',
  summary: 'Everything that a pattern matches in a text.',
  parameters: [textParameter('pattern'), textParameter('string')],
  returns: (args) => listType(argument(args, 0).kind === 'string' ? resultType(textOf(args, 0)) : DYNAMIC),
  call: (args, cx, returns) => {
    const pattern = regexOf(textOf(args, 0));
    const text = textOf(args, 1);
    const matches: Value[] = [];
    for (const match of pattern.findAll(text, tickOf(cx))) matches.push(matchValue(match, text, pattern));
    return list(matches, elementType(returns));
  },
};

/** `$1`, `${name}` and `$name` in a replacement; `$$` is a dollar. A name is as long as it can be. */
const PLACEHOLDER = /\$(?:\$|\{(\w+)\}|(\w+))/g;

function expand(template: string, match: Match, text: string, pattern: Regex): string {
  return template.replace(PLACEHOLDER, (whole, braced?: string, bare?: string) => {
    if (whole === '$$') return '$';
    const name = braced ?? bare ?? '';
    const part = (index: number): string | undefined => {
      const [start = -1, end = -1] = match.slice(index * 2, index * 2 + 2);
      return start < 0 || end < 0 ? undefined : text.slice(start, end);
    };
    if (/^\d+$/.test(name)) return part(Number(name)) ?? '';
    // Several groups may have one name: the first one in the match counts.
    for (const [i, group] of pattern.groups.entries()) {
      const found = group === name ? part(i + 1) : undefined;
      if (found !== undefined) return found;
    }
    return '';
  });
}

function replacePattern(text: string, pattern: Regex, template: string, cx: CallContext): string {
  const tick = tickOf(cx);
  let result = '';
  let last = 0;
  for (let at = 0; at <= text.length; ) {
    const match = pattern.find(text, at, tick);
    if (match === undefined) break;
    const [start = 0, end = 0] = match;
    result += text.slice(last, start);
    // Nothing matched right after a match is not replaced again.
    if (end > last || start === 0) result += expand(template, match, text, pattern);
    checkLength(result.length);
    last = end;
    const width = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    at = Math.max(at + width, end);
  }
  return result + text.slice(last);
}

const replace: FunctionDefinition = {
  name: 'replace',
  family: 'string',
  summary: 'Replaces every occurrence of a text, or of a pattern between slashes.',
  parameters: [textParameter('str'), textParameter('substr'), textParameter('replace')],
  returns: STRING,
  call: (args, cx) => {
    const [text, sought, replacement] = [textOf(args, 0), textOf(args, 1), textOf(args, 2)];
    if (sought.length < 2 || !sought.startsWith('/') || !sought.endsWith('/')) {
      return string(replaceAll(text, sought, replacement));
    }
    try {
      return string(replacePattern(text, regexOf(sought.slice(1, -1)), replacement, cx));
    } catch (failure) {
      if (!(failure instanceof PatternFailure)) throw failure;
      throw new FunctionFailure(`error parsing regexp: ${failure.message}`);
    }
  },
};

export const REGEX_FUNCTIONS: readonly FunctionDefinition[] = [regex, regexall, replace];
