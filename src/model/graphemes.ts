let segmenter: Intl.Segmenter | undefined;

/**
 * What a person calls a character: columns count these, and texts are cut between them. Made when it is first asked
 * for, because its tables take 8 ms to load and most texts are ASCII.
 */
export const graphemesOf = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
};
