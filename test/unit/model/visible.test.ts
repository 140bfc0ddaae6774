import { describe, expect, test } from 'vitest';
import { visible, visibleLines } from '../../../src/model/visible.ts';

describe('text from outside', () => {
  test.for([
    ['plain text stays', 'listening on :8081 ✓ ü 日本', 'listening on :8081 ✓ ü 日本'],
    ['colours are dropped', '\x1b[1;31mERROR\x1b[0m done', 'ERROR done'],
    ['other escape sequences are shown, not obeyed', '\x1b[2J\x1b]0;title\x07', '␛[2J␛]0;title␇'],
    ['a link is shown as what it is', '\x1b]8;;http://x\x1b\\here', '␛]8;;http://x␛\\here'],
    ['a carriage return cannot overwrite the line', 'safe\rEVIL', 'safe␍EVIL'],
    ['a backspace cannot delete', 'abc\b\b', 'abc␈␈'],
    ['newlines are shown', 'a\nb', 'a␊b'],
    ['a C1 control is marked', '\x9b31m', '<U+009B>31m'],
    ['text that turns its direction is marked', 'a\u202eb', 'a<U+202E>b'],
    ['an invisible space is marked', 'root\u200b', 'root<U+200B>'],
    ['a line separator is marked', 'a\u2028b', 'a<U+2028>b'],
    ['half a surrogate pair is marked', 'a\ud800b', 'a<U+D800>b'],
    ['hidden tag characters are marked', 'a\u{e0041}', 'a<U+E0041>'],
    ['NUL and DEL have pictures', '\0\x7f', '␀␡'],
    ['a family of emoji stays together', '👩‍👩‍👧', '👩‍👩‍👧'],
  ] as const)('%s', ([, text, shown]) => {
    expect(visible(text)).toBe(shown);
  });

  test('newlines and tabs stay where they are wanted', () => {
    expect(visible('a\tb\n\x1bc', { newlines: true, tabs: true })).toBe('a\tb\n␛c');
  });

  test('nothing that a terminal obeys is left of any character, and a second pass changes nothing', () => {
    const every = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).join(' ');
    const shown = visible(every);
    expect(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(shown)).toBe(false);
    expect(shown.isWellFormed()).toBe(true);
    expect(visible(shown) === shown).toBe(true);
  });

  test('sequences that arise when colours are dropped are not obeyed either', () => {
    expect(visible('\x1b\x1b[0m[2J')).toBe('␛[2J');
  });

  test('lines lose their ends and the empty last one', () => {
    expect(visibleLines('one\r\ntwo\x07\n')).toEqual(['one', 'two␇']);
    expect(visibleLines('')).toEqual([]);
  });
});
