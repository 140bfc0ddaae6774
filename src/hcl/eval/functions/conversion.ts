import { ConversionFailure, canConvert, convert } from '../conversion.ts';
import { SENSITIVE } from '../marks.ts';
import { mismatch } from '../mismatch.ts';
import { quote } from '../quote.ts';
import type { Type } from '../types.ts';
import {
  BOOL,
  DYNAMIC,
  friendlyConstraint,
  friendlyName,
  listType,
  mapType,
  NUMBER,
  STRING,
  sameType,
  setType,
} from '../types.ts';
import type { Value } from '../values.ts';
import {
  bool,
  FALSE,
  isWhollyKnown,
  marksWithin,
  sensitive,
  setMarks,
  TRUE,
  UNKNOWN,
  unknown,
} from '../values.ts';
import { argument, rawParameter } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

/** `tostring`, `tolist` and so on: the conversions that also happen by themselves, asked for by name. */
const to = (name: string, summary: string, wanted: Type): FunctionDefinition => ({
  name,
  family: 'conversion',
  summary,
  parameters: [{ name: 'v', type: DYNAMIC, takesNull: true, takesMarked: true, takesDynamic: true }],
  mayBeNull: true,
  returns: (args) => {
    const { type } = argument(args, 0);
    if (!sameType(type, wanted) && !canConvert(type, wanted, true)) throw refusal(type, wanted);
    return wanted;
  },
  call: (args) => {
    const value = argument(args, 0);
    try {
      return convert(value, wanted);
    } catch (failure) {
      if (!(failure instanceof ConversionFailure)) throw failure;
      if (marksWithin(value).size > 0) {
        throw discreet(
          `cannot convert this sensitive ${friendlyName(value.type)} to ${friendlyConstraint(wanted)}`,
          0,
        );
      }
      if (value.kind === 'string' && wanted.kind === 'bool') {
        throw new FunctionFailure(
          `cannot convert ${quote(value.text)} to bool; only the strings "true" or "false" are allowed`,
          0,
        );
      }
      if (value.kind === 'string' && wanted.kind === 'number') {
        throw new FunctionFailure(
          `cannot convert ${quote(value.text)} to number; given string must be a decimal representation of a number`,
          0,
        );
      }
      throw refusal(value.type, wanted);
    }
  },
});

function refusal(type: Type, wanted: Type): FunctionFailure {
  if (type.kind === wanted.kind && (type.kind === 'object' || type.kind === 'tuple')) {
    return new FunctionFailure(`incompatible ${type.kind} type for conversion: ${mismatch(type, wanted)}`, 0);
  }
  return discreet(`cannot convert ${friendlyName(type)} to ${friendlyConstraint(wanted)}`, 0);
}

const typeOfFirst = (args: readonly Value[]): Type => argument(args, 0).type;

const onAny = (
  name: string,
  summary: string,
  call: (value: Value) => Value,
  returns: FunctionDefinition['returns'] = typeOfFirst,
): FunctionDefinition => ({
  name,
  family: 'conversion',
  summary,
  parameters: [rawParameter('value')],
  mayBeNull: true,
  returns,
  call: (args) => call(argument(args, 0)),
});

/** Takes off what `sensitive` put on; where a value comes from (a secret) stays with it. */
const nonsensitive = (value: Value): Value =>
  setMarks(value, new Set([...value.marks].filter((mark) => mark !== SENSITIVE)));

const issensitive = (value: Value): Value => {
  if (value.marks.size > 0) return TRUE;
  return value.kind === 'unknown' ? unknown(BOOL) : FALSE;
};

const tryFunction: FunctionDefinition = {
  name: 'try',
  family: 'conversion',
  summary: 'The value of the first expression that has no errors.',
  parameters: [],
  variadic: rawParameter('expressions'),
  mayBeNull: true,
  returns: DYNAMIC,
  call: () => UNKNOWN,
  attempt: (args) => {
    if (args.length === 0) throw discreet('at least one argument is required');
    const failures: string[] = [];
    for (const attempt of args) {
      const result = attempt();
      failures.push(...result.failures);
      if (result.failures.length > 0) continue;
      // It may still fail once it is known, and then the next one would be taken.
      return isWhollyKnown(result.value) ? result.value : setMarks(UNKNOWN, marksWithin(result.value));
    }
    const lines = failures.map((failure) => `- ${failure}\n`).join('');
    throw discreet(
      `no expression succeeded:\n${lines}\nAt least one expression must produce a successful result`,
    );
  },
};

const can: FunctionDefinition = {
  name: 'can',
  family: 'conversion',
  summary: 'Whether an expression can be evaluated without errors.',
  parameters: [rawParameter('expression')],
  returns: BOOL,
  call: () => UNKNOWN,
  attempt: ([attempt]) => {
    const result = attempt?.();
    if (result === undefined || result.failures.length > 0) return bool(false);
    return isWhollyKnown(result.value) ? TRUE : unknown(BOOL);
  },
};

/** Functions that Terraform once had; it says what to write instead. */
const retired = (name: string, instead: string): FunctionDefinition => ({
  name,
  family: 'conversion',
  summary: `No longer available: write ${instead}.`,
  parameters: [],
  variadic: rawParameter('vals'),
  returns: DYNAMIC,
  call: () => {
    const noun = name === 'list' ? 'list' : 'map';
    throw discreet(
      `the "${name}" function was deprecated in Terraform v0.12 and is no longer available; use ${instead} syntax to write a literal ${noun}`,
    );
  },
});

export const CONVERSION_FUNCTIONS: readonly FunctionDefinition[] = [
  can,
  onAny('ephemeralasnull', 'The value itself: nothing here is ephemeral.', (value) => value),
  onAny('issensitive', 'Whether a value is sensitive.', issensitive, BOOL),
  retired('list', 'tolist([ ... ])'),
  retired('map', 'tomap({ ... })'),
  onAny('nonsensitive', 'The value, no longer sensitive.', nonsensitive),
  onAny('sensitive', 'The value, marked as sensitive: it is used, but never shown.', sensitive),
  to('tobool', 'The value as a bool.', BOOL),
  to('tolist', 'A set or tuple as a list.', listType(DYNAMIC)),
  to('tomap', 'An object as a map.', mapType(DYNAMIC)),
  to('tonumber', 'The value as a number.', NUMBER),
  to('toset', 'A list or tuple as a set.', setType(DYNAMIC)),
  to('tostring', 'The value as a text.', STRING),
  tryFunction,
];
