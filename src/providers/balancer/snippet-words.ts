/** What the snippets of all proxies write alike. Pure. */
import { type AudienceRule, audienceToken, type BalancerDeclared } from '../../model/index.ts';

/** For names of variables, which have letters, digits and `_`. */
export const variableWord = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, '_');

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
