/** A text out of bytes, or the first place where they are not UTF-8. */
export type Decoded =
  | { readonly ok: true; readonly text: string; readonly skippedBytes: number }
  | {
      readonly ok: false;
      readonly text: string;
      readonly skippedBytes: number;
      readonly at: number;
      readonly utf16: boolean;
    };

const BOM = '\ufeff';
const REPLACEMENT = '\ufffd';

/** A byte order mark at the start is dropped, and counted in `skippedBytes`. */
export function decodeText(bytes: Uint8Array | string): Decoded {
  if (typeof bytes === 'string') return bytes.isWellFormed() ? withoutMark(bytes) : illFormed(bytes);
  try {
    return withoutMark(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undecodable(bytes);
  }
}

/** Half of a surrogate pair cannot be written to any file. */
function illFormed(given: string): Decoded {
  const { text, skippedBytes } = withoutMark(given);
  const whole = text.toWellFormed();
  let at = 0;
  while (text[at] === whole[at]) at++;
  return { ok: false, text: whole, skippedBytes, at, utf16: false };
}

function withoutMark(text: string): Decoded {
  return text.startsWith(BOM)
    ? { ok: true, text: text.slice(1), skippedBytes: 3 }
    : { ok: true, text, skippedBytes: 0 };
}

/** The text with replacement characters, so that the line can be shown, and the offset of the first of them. */
function undecodable(bytes: Uint8Array): Decoded {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const { text, skippedBytes } = withoutMark(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  // A replacement character may also have been written by somebody; that one encodes back to what was there.
  let offset = skippedBytes;
  let from = 0;
  for (let at = text.indexOf(REPLACEMENT); at >= 0; at = text.indexOf(REPLACEMENT, at + 1)) {
    offset += Buffer.byteLength(text.slice(from, at));
    from = at;
    const written = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd;
    if (!written) return { ok: false, text, skippedBytes, at, utf16 };
  }
  return { ok: false, text, skippedBytes, at: 0, utf16 };
}
