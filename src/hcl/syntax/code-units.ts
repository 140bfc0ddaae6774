/**
 * The UTF-16 units of a text as an array. Asking a string for each of its characters goes through what kind of string it
 * is every time; an array is simply read.
 */
export type CodeUnits = Uint8Array | Uint16Array;

/** `bytes`: what the text was decoded from, if it was. Those of ASCII, which most files are, are the units already. */
export function codeUnitsOf(text: string, bytes?: Uint8Array): CodeUnits {
  // Any other character has more bytes in UTF-8 than units; so has a byte order mark.
  if (bytes?.length === text.length) return bytes;
  const units = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at++) units[at] = text.charCodeAt(at);
  return units;
}

/** 0 outside of the text: a character that nothing begins or goes on with. */
export const unitAt = (units: CodeUnits, at: number): number => units[at] ?? 0;
