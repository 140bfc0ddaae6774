import type { Tokens } from '../syntax/token.ts';

/**
 * The tokens of a text with the blanks before each of them, in parallel arrays. Formatting sets `spaces` and
 * nothing else. The rewrites have put in tokens that the text does not have, so that texts are kept too.
 */
export interface Pieces {
  readonly types: number[];
  readonly texts: string[];
  readonly spaces: number[];
}

export const noPieces = (): Pieces => ({ types: [], texts: [], spaces: [] });

export function addPiece(pieces: Pieces, type: number, text: string, spaces: number): void {
  pieces.types.push(type);
  pieces.texts.push(text);
  pieces.spaces.push(spaces);
}

/** Adds the tokens from `from` up to, not including, `to`. A tab before a token counts as one blank. */
export function addTokens(pieces: Pieces, tokens: Tokens, text: string, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const start = tokens.start(index);
    const previousEnd = index === 0 ? 0 : tokens.end(index - 1);
    addPiece(pieces, tokens.type(index), text.slice(start, tokens.end(index)), start - previousEnd);
  }
}
