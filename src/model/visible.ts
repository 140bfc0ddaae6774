/**
 * The one escaper for text that comes from outside: hosts, load balancers, hooks, files. What it returns changes no
 * terminal's state and cannot pretend to be something that it is not.
 *
 * - C0 controls and DEL become their Unicode pictures (ESC is shown as `␛`), C1 controls `<U+009B>`.
 * - Escape sequences that only colour (`ESC [ ... m`) are dropped; all others stay, made visible, so that a person
 *   sees that somebody tried.
 * - Characters that reorder, hide or join text (bidi controls, zero-width characters, line separators, tags) and
 *   lone surrogates are marked `<U+202E>`.
 */

// The zero-width joiner U+200D is left alone: emoji and several scripts need it and it moves nothing.
const unsafe = (): RegExp =>
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\p{Cs}]/gu;

/** Nearly all texts: nothing in them is unsafe, and the expression above is not even built (0.3 ms of a start). */
const plain = /^[\x20-\x7e]*$/;

// Colours and text styles: the one kind of sequence that honest programs print even when nobody asked.
const styling = /\u001b\[[0-9;:]*m/g;

/** How much of its layout a text may keep. */
export interface VisibleOptions {
  /** Newlines stay; else they become `␊`. */
  readonly newlines?: boolean;
  /** Tabs stay; else they become `␉`. */
  readonly tabs?: boolean;
}

/** Makes remote text safe for a terminal, a log and a report. Pure; a second pass changes nothing. */
export function visible(text: string, keep: VisibleOptions = {}): string {
  if (plain.test(text)) return text;
  return text.replace(styling, '').replace(unsafe(), (character) => {
    if (character === '\n' && keep.newlines === true) return character;
    if (character === '\t' && keep.tabs === true) return character;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}

/** The lines of a text, each safe, without an empty last one; a carriage return before the newline is dropped. */
export function visibleLines(text: string): string[] {
  const lines = text.split('\n').map((line) => visible(line.replace(/\r$/, ''), { tabs: true }));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
