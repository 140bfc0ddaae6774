/** One part of a glob pattern between slashes. */
export type GlobStep =
  | { readonly kind: 'plain'; readonly text: string }
  /** `**`: any number of folders. */
  | { readonly kind: 'any-depth' }
  | { readonly kind: 'pattern'; readonly fits: (name: string) => boolean };

/**
 * Takes a glob pattern apart: `*`, `?`, `[a-z]`, `[^a]`, `{a,b}`, and `**` for any depth. Undefined when it is
 * not closed properly. Names are matched by trying, with no more work than length of pattern times name.
 */
export function parseGlob(pattern: string): readonly GlobStep[] | undefined {
  const steps: GlobStep[] = [];
  for (const part of pattern.split('/')) {
    if (part === '**') {
      if (steps.at(-1)?.kind !== 'any-depth') steps.push({ kind: 'any-depth' });
    } else if (!/[*?[{\\]/.test(part)) steps.push({ kind: 'plain', text: part });
    else {
      const alternatives = expandBraces(part)?.map(parseName);
      if (alternatives === undefined || alternatives.includes(undefined)) return undefined;
      const known = alternatives.filter((tokens) => tokens !== undefined);
      steps.push({ kind: 'pattern', fits: (name) => known.some((tokens) => matches(tokens, [...name])) });
    }
  }
  return steps;
}

const MAX_ALTERNATIVES = 1000;

/** `a{b,c}d` as `abd` and `acd`. */
function expandBraces(pattern: string): string[] | undefined {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  let depth = 0;
  let start = open + 1;
  const parts: string[] = [];
  for (let at = open; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '\\') at++;
    else if (character === '{') depth++;
    else if ((character === ',' && depth === 1) || (character === '}' && --depth === 0)) {
      parts.push(pattern.slice(start, at));
      start = at + 1;
      if (character === ',') continue;
      const rest = pattern.slice(at + 1);
      const all: string[] = [];
      for (const part of parts) {
        const expanded = expandBraces(pattern.slice(0, open) + part + rest);
        if (expanded === undefined || all.length + expanded.length > MAX_ALTERNATIVES) return undefined;
        all.push(...expanded);
      }
      return all;
    }
  }
  return undefined;
}

/** `undefined` is a star, otherwise a test for one character. */
type Token = ((character: string) => boolean) | undefined;

function parseName(pattern: string): Token[] | undefined {
  const tokens: Token[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at];
    if (character === '*') tokens.push(undefined);
    else if (character === '?') tokens.push(() => true);
    else if (character === '[') {
      const end = characters.indexOf(']', at + 2);
      if (end < 0) return undefined;
      const fits = parseClass(characters.slice(at + 1, end));
      tokens.push(fits);
      at = end;
    } else {
      const literal = character === '\\' ? characters[++at] : character;
      if (literal === undefined) return undefined;
      tokens.push((other) => other === literal);
    }
  }
  return tokens;
}

function parseClass(body: readonly string[]): (character: string) => boolean {
  const isNegated = body[0] === '^' || body[0] === '!';
  const members = isNegated ? body.slice(1) : body;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? '';
    const to = members[at + 1] === '-' ? members[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) !== isNegated;
}

/** Stars take as little as they can, and more when what follows does not fit: only the last one ever needs to. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let [at, token] = [0, 0];
  let [starAt, starToken] = [-1, -1];
  while (at < name.length) {
    const test = tokens[token];
    if (token < tokens.length && test === undefined) {
      [starAt, starToken] = [at, token];
      token++;
    } else if (test?.(name[at] ?? '') === true) {
      at++;
      token++;
    } else if (starToken >= 0) {
      starAt++;
      at = starAt;
      token = starToken + 1;
    } else return false;
  }
  while (token < tokens.length && tokens[token] === undefined) token++;
  return token === tokens.length;
}
