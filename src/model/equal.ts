/** Equality of plain values: keys in any order, a key with `undefined` like no key at all. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameValue(item, b[index]))
    );
  }
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined));
  return (
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && sameValue(value, right.get(key)))
  );
}

/** JSON with sorted keys and without `undefined`: equal values give equal texts. For digests. */
export function canonicalJson(value: unknown): string {
  let text = '';
  writeCanonicalJson(value, (part) => {
    text += part;
  });
  return text;
}

/**
 * The same text in parts, for what is too long to be held as one. A list of texts that stands in it many times (what
 * the steps of a large plan wait for) is written out once.
 */
export function writeCanonicalJson(
  value: unknown,
  write: (part: string) => void,
  known = new Map<readonly unknown[], string>(),
): void {
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each === 'string')) {
      const text = known.get(value) ?? JSON.stringify(value);
      if (value.length > 1) known.set(value, text);
      write(text);
      return;
    }
    write('[');
    for (const [index, each] of value.entries()) {
      if (index > 0) write(',');
      writeCanonicalJson(each, write, known);
    }
    write(']');
  } else if (typeof value === 'object' && value !== null) {
    let next = '{';
    const keys = Object.keys(value).sort();
    for (const key of keys) {
      const each = (value as Readonly<Record<string, unknown>>)[key];
      if (each === undefined) continue;
      write(`${next}${JSON.stringify(key)}:`);
      writeCanonicalJson(each, write, known);
      next = ',';
    }
    write(next === '{' ? '{}' : '}');
  } else write(JSON.stringify(value) ?? 'null');
}
