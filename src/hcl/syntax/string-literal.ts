/** Something wrong inside a quoted string; offsets are relative to the text that was given. */
export interface EscapeProblem {
  readonly detail: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The value of a stretch of a heredoc or a bare template: only `$${` and `%%{` are escapes there.
 */
export function decodePlain(text: string): string {
  if (!text.includes('$${') && !text.includes('%%{')) return text;
  let value = '';
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isDoubledSigil(text, at)) continue;
    value += text.slice(from, at);
    from = at + 1; // the second sigil and the brace stay
    at += 2;
  }
  return value + text.slice(from);
}

/**
 * The value of a stretch between quotes that may have escapes in it. Wrong ones are given to `object`; the value is then
 * as good as it can be.
 */
export function decodeQuoted(text: string, object: (problem: EscapeProblem) => void): string {
  let value = '';
  let from = 0;
  let at = 0;
  while (at < text.length) {
    if (isDoubledSigil(text, at)) {
      value += text.slice(from, at);
      from = at + 1;
      at += 3;
    } else if (text.charCodeAt(at) === 0x5c) {
      value += text.slice(from, at);
      const found = readEscape(text, at);
      if (found.problem !== undefined) object({ detail: found.problem, start: at, end: found.end });
      value += found.value;
      at = from = found.end;
    } else {
      at++;
    }
  }
  return value + text.slice(from);
}

function isDoubledSigil(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (
    (code === 0x24 || code === 0x25) && text.charCodeAt(at + 1) === code && text.charCodeAt(at + 2) === 0x7b
  );
}

interface Escape {
  readonly value: string;
  readonly end: number;
  readonly problem?: string;
}

function readEscape(text: string, at: number): Escape {
  const selector = text.charAt(at + 1);
  switch (selector) {
    case 'n':
      return { value: '\n', end: at + 2 };
    case 'r':
      return { value: '\r', end: at + 2 };
    case 't':
      return { value: '\t', end: at + 2 };
    case '"':
    case '\\':
      return { value: selector, end: at + 2 };
    case 'u':
      return readUnicode(text, at, 4, 'The \\u escape sequence must be followed by four hexadecimal digits.');
    case 'U':
      return readUnicode(
        text,
        at,
        8,
        'The \\U escape sequence must be followed by eight hexadecimal digits.',
      );
    case '':
      return {
        value: '',
        end: at + 1,
        problem: 'Backslash must be followed by an escape sequence selector character.',
      };
    default: {
      const character = String.fromCodePoint(text.codePointAt(at + 1) ?? 0);
      return {
        value: character,
        end: at + 1 + character.length,
        problem: `The symbol ${JSON.stringify(character)} is not a valid escape sequence selector.`,
      };
    }
  }
}

function readUnicode(text: string, at: number, digits: number, problem: string): Escape {
  const hex = /^[0-9a-fA-F]*/.exec(text.slice(at + 2, at + 2 + digits))?.[0] ?? '';
  const end = at + 2 + hex.length;
  if (hex.length !== digits) return { value: text.slice(at, end), end, problem };
  const point = Number.parseInt(hex, 16);
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
    const name = point.toString(16).padStart(4, '0');
    return { value: text.slice(at, end), end, problem: `Cannot encode character U+${name} in UTF-8.` };
  }
  return { value: String.fromCodePoint(point), end };
}
