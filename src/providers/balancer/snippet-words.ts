/** What the snippets of all proxies write alike. Pure. */
import { type AudienceRule, audienceToken, type BalancerDeclared } from '../../model/index.ts';

/** For names of variables, which have letters, digits and `_`. */
export const variableWord = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, '_');

/**
 * A word for each of the names, by the name: names that differ in nothing but `-` and `.` are told apart by a number. Those
 * that are words already keep them, the others get theirs in the order of the names.
 */
export function distinctWords(names: readonly string[]): (name: string) => string {
  const words = new Map<string, string>();
  const taken = new Set<string>();
  const isWord = (name: string): boolean => variableWord(name) === name;
  for (const name of new Set([...names.filter(isWord), ...names.filter((each) => !isWord(each))])) {
    const word = variableWord(name);
    let free = word;
    for (let number = 2; taken.has(free); number += 1) free = `${word}_${number}`;
    taken.add(free);
    words.set(name, free);
  }
  return (name) => words.get(name) ?? variableWord(name);
}

export const poolWords = ({ pools }: BalancerDeclared): ((name: string) => string) =>
  distinctWords(pools.map(({ name }) => name));

export const routeWords = ({ routes }: BalancerDeclared): ((name: string) => string) =>
  distinctWords(routes.map(({ route }) => route));

/** What the names of a balancer's own variables begin with. */
export const variablePrefix = ({ name }: BalancerDeclared): string => `dc_${variableWord(name)}`;

/** The text itself in a regular expression, of PCRE, RE2 and POSIX alike. */
export const escaped = (text: string): string => text.replaceAll(/[.+*?^$()[\]{}|\\/]/g, '\\$&');

/** Each rule once, whichever routes name it. */
export const allRules = ({ routes }: BalancerDeclared): readonly AudienceRule[] => [
  ...new Map(
    routes.flatMap(({ audience = [] }) => audience.map((rule) => [audienceToken(rule), rule] as const)),
  ).values(),
];

/** Lines one step further in; empty ones stay empty. */
export const indented = (lines: readonly string[], step = '    '): readonly string[] =>
  lines.map((line) => (line === '' ? '' : `${step}${line}`));
