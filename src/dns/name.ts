/**
 * Domain names in one canonical text and as bytes. Canonical: lower case, A-labels ("xn--"), a dot at the end, and
 * whatever is not a letter, a digit, "-" or "_" escaped as in zone files (`\.`, `\032`), so that equal names are equal
 * texts (RFC 1035 section 5.1, RFC 4343).
 */
import { domainToASCII } from 'node:url';
import { Malformed } from './malformed.ts';

const longestLabel = 63;
/** With the length bytes and the root (RFC 1035 section 3.1). */
const longestName = 255;

export type NameReading = { readonly name: string } | { readonly refused: string; readonly hint?: string };

/**
 * Reads a name as people write it. Labels that are not ASCII become A-labels, each by itself: `url.domainToASCII` is a
 * URL host parser, and a whole name that looks like a number or a path would come out as something else.
 */
export function readName(text: string): NameReading {
  if (text === '.') return { name: '.' };
  const labels: string[] = [];
  for (const written of text.replace(/\.$/, '').split('.')) {
    if (written === '')
      return { refused: `"${text}" has an empty label: two dots, or a dot at its beginning.` };
    const label = asciiLabel(written);
    if (label === undefined) {
      return {
        refused: `"${written}" cannot be a label of a name: it may have letters, digits, "-" and "_", and not begin or end with "-".`,
      };
    }
    if (label.length > longestLabel) {
      return {
        refused: `The label "${label}" has ${label.length} bytes, and a label at most ${longestLabel}.`,
      };
    }
    labels.push(label);
  }
  const name = `${labels.join('.')}.`;
  // Each label has a length byte where the text has its dot; the root adds one.
  if (name.length + 1 > longestName) {
    return { refused: `The name has ${name.length + 1} bytes, and a name at most ${longestName}.` };
  }
  return { name };
}

function asciiLabel(written: string): string | undefined {
  const label = /^[\x00-\x7f]*$/.test(written)
    ? written.toLowerCase()
    : domainToASCII(`${written}.invalid`).replace(/\.invalid$/, '');
  return /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(label) ? label : undefined;
}

/** The bytes of a canonical name, without compression. Throws {@link Malformed} for what {@link readName} refuses. */
export function encodeName(name: string): Uint8Array {
  const bytes: number[] = [];
  for (const label of labelsOf(name)) {
    if (label.length === 0 || label.length > longestLabel)
      throw new Malformed(`a label of ${label.length} bytes`);
    bytes.push(label.length, ...label);
  }
  bytes.push(0);
  if (bytes.length > longestName) throw new Malformed(`a name of ${bytes.length} bytes`);
  return Uint8Array.from(bytes);
}

function labelsOf(name: string): readonly (readonly number[])[] {
  if (name === '.') return [];
  const labels: number[][] = [[]];
  for (const [token] of name.matchAll(/\\\d{3}|\\.|./gs)) {
    if (token === '.') labels.push([]);
    else
      labels.at(-1)?.push(/^\\\d/.test(token) ? Number(token.slice(1)) : token.charCodeAt(token.length - 1));
  }
  if (labels.pop()?.length !== 0) throw new Malformed(`the name ${name} has no dot at its end`);
  return labels;
}

/** A name in a message, where it may go on elsewhere (RFC 1035 section 4.1.4); pointers lead backwards only. */
export function decodeName(bytes: Uint8Array, at: number): { readonly name: string; readonly next: number } {
  let text = '';
  let offset = at;
  let next: number | undefined;
  let lowest = at;
  let length = 1;
  for (;;) {
    const size = bytes[offset];
    if (size === undefined) throw new Malformed('a name runs over the end');
    if (size === 0) break;
    if (size >= 0xc0) {
      const low = bytes[offset + 1];
      if (low === undefined) throw new Malformed('a name runs over the end');
      const target = ((size & 0x3f) << 8) | low;
      if (target >= lowest) throw new Malformed('a name points forwards');
      next ??= offset + 2;
      lowest = target;
      offset = target;
      continue;
    }
    if (size > longestLabel) throw new Malformed('a label of an unknown kind');
    length += size + 1;
    if (length > longestName) throw new Malformed('a name is too long');
    if (offset + 1 + size > bytes.length) throw new Malformed('a name runs over the end');
    text += `${labelText(bytes.subarray(offset + 1, offset + 1 + size))}.`;
    offset += size + 1;
  }
  return { name: text === '' ? '.' : text, next: next ?? offset + 1 };
}

function labelText(label: Uint8Array): string {
  let text = '';
  for (const byte of label) {
    const character = String.fromCharCode(byte).toLowerCase();
    if (/^[a-z0-9_-]$/.test(character) || character === '*') text += character;
    else if (byte > 0x20 && byte < 0x7f) text += `\\${character}`;
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/** Whether a canonical name is the zone's or lies below it. */
export const isWithin = (name: string, zone: string): boolean =>
  zone === '.' || name === zone || name.endsWith(`.${zone}`);

/** `shop` of `shop.internal.test.` in `internal.test.`; `@` for the zone itself. */
export const relativeName = (name: string, zone: string): string =>
  name === zone ? '@' : zone === '.' ? name.slice(0, -1) : name.slice(0, -zone.length - 1);

/** A name in a zone as people write it: `shop`, `@`, or whole with a dot at the end. */
export function readNameIn(text: string, zone: string): NameReading {
  if (text === '@') return { name: zone };
  if (text.endsWith('.')) return readName(text);
  if (isWithin(`${text.toLowerCase()}.`, zone) && zone !== '.') {
    return {
      refused: `"${text}" has the zone's name in it and no dot at its end, so it would mean ${text}.${zone}`,
      hint: `Write "${text}." for the whole name, or "${relativeName(`${text.toLowerCase()}.`, zone)}" for the name in the zone.`,
    };
  }
  return readName(zone === '.' ? `${text}.` : `${text}.${zone}`);
}

/**
 * The name of a record in a zone: as {@link readNameIn}, and `*` may be its first label, for all names that are not there
 * themselves (RFC 4592).
 */
export function readOwnerIn(text: string, zone: string): NameReading {
  if (!/^\*(\.|$)/.test(text)) return readNameIn(text, zone);
  const below = text === '*' ? { name: zone } : readNameIn(text.slice(2), zone);
  if ('refused' in below) return below;
  const name = below.name === '.' ? '*.' : `*.${below.name}`;
  return name.length + 1 > longestName
    ? { refused: `The name has ${name.length + 1} bytes, and a name at most ${longestName}.` }
    : { name };
}
