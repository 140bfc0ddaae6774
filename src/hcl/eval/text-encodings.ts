import { EBCDIC, UPPER_HALVES } from './text-encoding-tables.ts';

/** A character encoding by its name in IANA's registry. */
export interface TextEncoding {
  readonly name: string;
  /** Undefined when the text has a character that the encoding has not. */
  encode(text: string): Uint8Array | undefined;
  /** Undefined when the bytes stand for nothing. */
  decode(bytes: Uint8Array): string | undefined;
}

/** IANA's names with the aliases that the registry has for them, and how the bytes are told apart here. */
const REGISTRY: readonly (readonly [name: string, kind: string, aliases: string])[] = [
  ['UTF-8', 'utf-8', 'csUTF8'],
  ['UTF-16', 'utf-16', 'csUTF16'],
  ['UTF-16BE', 'utf-16be', 'csUTF16BE'],
  ['UTF-16LE', 'utf-16le', 'csUTF16LE'],
  [
    'US-ASCII',
    'ascii',
    'iso-ir-6 ANSI_X3.4-1968 ANSI_X3.4-1986 ISO_646.irv:1991 ISO646-US us IBM367 cp367 csASCII',
  ],
  ['ISO_8859-1:1987', 'latin1', 'iso-ir-100 ISO_8859-1 ISO-8859-1 latin1 l1 IBM819 CP819 csISOLatin1'],
  ['ISO_8859-2:1987', 'iso-8859-2', 'iso-ir-101 ISO_8859-2 ISO-8859-2 latin2 l2 csISOLatin2'],
  ['ISO_8859-3:1988', 'iso-8859-3', 'iso-ir-109 ISO_8859-3 ISO-8859-3 latin3 l3 csISOLatin3'],
  ['ISO_8859-4:1988', 'iso-8859-4', 'iso-ir-110 ISO_8859-4 ISO-8859-4 latin4 l4 csISOLatin4'],
  ['ISO_8859-5:1988', 'iso-8859-5', 'iso-ir-144 ISO_8859-5 ISO-8859-5 cyrillic csISOLatinCyrillic'],
  [
    'ISO_8859-6:1987',
    'iso-8859-6',
    'iso-ir-127 ISO_8859-6 ISO-8859-6 ECMA-114 ASMO-708 arabic csISOLatinArabic',
  ],
  ['ISO_8859-6-E', 'iso-8859-6', 'csISO88596E ISO-8859-6-E'],
  ['ISO_8859-6-I', 'iso-8859-6', 'csISO88596I ISO-8859-6-I'],
  [
    'ISO_8859-7:1987',
    'iso-8859-7',
    'iso-ir-126 ISO_8859-7 ISO-8859-7 ELOT_928 ECMA-118 greek greek8 csISOLatinGreek',
  ],
  ['ISO_8859-8:1988', 'iso-8859-8', 'iso-ir-138 ISO_8859-8 ISO-8859-8 hebrew csISOLatinHebrew'],
  ['ISO_8859-8-E', 'iso-8859-8', 'csISO88598E ISO-8859-8-E'],
  ['ISO_8859-8-I', 'iso-8859-8', 'csISO88598I ISO-8859-8-I'],
  ['ISO_8859-9:1989', 'latin5', 'iso-ir-148 ISO_8859-9 ISO-8859-9 latin5 l5 csISOLatin5'],
  ['ISO-8859-10', 'iso-8859-10', 'iso-ir-157 l6 ISO_8859-10:1992 csISOLatin6 latin6'],
  ['ISO-8859-13', 'iso-8859-13', 'csISO885913'],
  ['ISO-8859-14', 'iso-8859-14', 'iso-ir-199 ISO_8859-14:1998 ISO_8859-14 latin8 iso-celtic l8 csISO885914'],
  ['ISO-8859-15', 'iso-8859-15', 'ISO_8859-15 Latin-9 csISO885915'],
  ['ISO-8859-16', 'iso-8859-16', 'iso-ir-226 ISO_8859-16:2001 ISO_8859-16 latin10 l10 csISO885916'],
  ['IBM437', 'IBM437', 'cp437 437 csPC8CodePage437'],
  ['IBM850', 'IBM850', 'cp850 850 csPC850Multilingual'],
  ['IBM852', 'IBM852', 'cp852 852 csPCp852'],
  ['IBM855', 'IBM855', 'cp855 855 csIBM855'],
  ['IBM00858', 'IBM00858', 'CCSID00858 CP00858 PC-Multilingual-850+euro csIBM00858'],
  ['IBM860', 'IBM860', 'cp860 860 csIBM860'],
  ['IBM862', 'IBM862', 'cp862 862 csPC862LatinHebrew'],
  ['IBM863', 'IBM863', 'cp863 863 csIBM863'],
  ['IBM865', 'IBM865', 'cp865 865 csIBM865'],
  ['IBM866', 'ibm866', 'cp866 866 csIBM866'],
  ['IBM037', 'IBM037', 'cp037 ebcdic-cp-us ebcdic-cp-ca ebcdic-cp-wt ebcdic-cp-nl csIBM037'],
  ['IBM1047', 'IBM1047', 'IBM-1047 csIBM1047'],
  ['IBM01140', 'IBM01140', 'CCSID01140 CP01140 ebcdic-us-37+euro csIBM01140'],
  ['KOI8-R', 'koi8-r', 'csKOI8R'],
  ['KOI8-U', 'koi8-u', 'csKOI8U'],
  ['macintosh', 'macintosh', 'mac csMacintosh'],
  ['windows-874', 'windows-874', 'cswindows874'],
  ['windows-1250', 'windows-1250', 'cswindows1250'],
  ['windows-1251', 'windows-1251', 'cswindows1251'],
  ['windows-1252', 'windows-1252', 'cswindows1252'],
  ['windows-1253', 'windows-1253', 'cswindows1253'],
  ['windows-1254', 'windows-1254', 'cswindows1254'],
  ['windows-1255', 'windows-1255', 'cswindows1255'],
  ['windows-1256', 'windows-1256', 'cswindows1256'],
  ['windows-1257', 'windows-1257', 'cswindows1257'],
  ['windows-1258', 'windows-1258', 'cswindows1258'],
  ['Shift_JIS', 'shift_jis', 'MS_Kanji csShiftJIS'],
  ['Extended_UNIX_Code_Packed_Format_for_Japanese', 'euc-jp', 'csEUCPkdFmtJapanese EUC-JP'],
  ['ISO-2022-JP', 'iso-2022-jp', 'csISO2022JP'],
  ['EUC-KR', 'euc-kr', 'csEUCKR'],
  ['GB18030', 'gb18030', 'csGB18030'],
  ['GBK', 'gbk', 'CP936 MS936 windows-936 csGBK'],
  ['Big5', 'big5', 'csBig5'],
];

const kindsByName = new Map<string, readonly [name: string, kind: string]>();
for (const [name, kind, aliases] of REGISTRY) {
  for (const alias of [name, ...aliases.split(' ')]) kindsByName.set(alias.toLowerCase(), [name, kind]);
}
const encodings = new Map<string, TextEncoding>();

/** The encoding of a name or an alias, in any case; undefined when there is none. */
export function encodingOf(label: string): TextEncoding | undefined {
  const found = kindsByName.get(label.trim().toLowerCase());
  if (found === undefined) return undefined;
  const [name, kind] = found;
  let encoding = encodings.get(name);
  if (encoding === undefined) {
    encoding = make(name, kind);
    encodings.set(name, encoding);
  }
  return encoding;
}

function make(name: string, kind: string): TextEncoding {
  if (kind.startsWith('utf-16')) return utf16(name, kind);
  if (kind === 'utf-8') return { name, encode: (text) => Buffer.from(text), decode: decoderOf('utf-8') };
  if (kind === 'iso-2022-jp') return { name, encode: encodeIso2022Jp, decode: decoderOf(kind) };
  const table = singleBytes(kind);
  if (table !== undefined) return singleByte(name, table);
  const codes = doubleBytes(kind);
  return { name, encode: (text) => encodeWith(text, codes), decode: decoderOf(kind) };
}

/** What a decoder writes for what is not defined: the replacement character, in some also private and control ones. */
const undefinedIn = (label: string): RegExp =>
  label === 'big5' ? /[\ufffd\ue000-\uf8ff\x80-\x9f]/ : label === 'euc-jp' ? /[\ufffd\x80-\x9f]/ : /\ufffd/;

/** A decoder that takes nothing that is not defined, also not the replacement character. */
function decoderOf(label: string): (bytes: Uint8Array) => string | undefined {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      const text = decoder.decode(bytes);
      return undefinedIn(label).test(text) ? undefined : text;
    } catch {
      return undefined;
    }
  };
}

/** Without a name for its byte order it is written with a mark, big end first, which is also how it is read without. */
function utf16(name: string, kind: string): TextEncoding {
  const isMarked = kind === 'utf-16';
  const little = decoderOf('utf-16le');
  const big = decoderOf('utf-16be');
  return {
    name,
    encode: (text) => {
      const bytes = Buffer.from(isMarked ? `\ufeff${text}` : text, 'utf16le');
      return kind === 'utf-16le' ? bytes : bytes.swap16();
    },
    decode: (bytes) => {
      if (!isMarked) return kind === 'utf-16le' ? little(bytes) : big(bytes);
      const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
      if (mark === 0xfeff) return big(bytes.subarray(2));
      return mark === 0xfffe ? little(bytes.subarray(2)) : big(bytes);
    },
  };
}

/** What each of the 256 bytes stands for; undefined for encodings with more than one byte for a character. */
function singleBytes(kind: string): string | undefined {
  const ascii = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)).join('');
  const upper = Uint8Array.from({ length: 128 }, (_, i) => i + 128);
  if (kind === 'ascii') return ascii + '\ufffd'.repeat(128);
  const latin1 = ascii + Array.from(upper, (i) => String.fromCharCode(i)).join('');
  if (kind === 'latin1') return latin1;
  if (kind === 'latin5') {
    // Turkish: six letters are other ones than in Latin-1.
    return latin1.replace(/[ÐÝÞðýþ]/g, (c) => ({ Ð: 'Ğ', Ý: 'İ', Þ: 'Ş', ð: 'ğ', ý: 'ı', þ: 'ş' })[c] ?? c);
  }
  const half = UPPER_HALVES[kind];
  if (half !== undefined) return ascii + half;
  const whole = EBCDIC[kind];
  if (whole !== undefined) return whole;
  if (!/^(?:iso-8859|windows|koi8|macintosh|ibm866)/.test(kind)) return undefined;
  const decoded = new TextDecoder(kind).decode(upper);
  // Browsers let undefined bytes of Windows' code pages through as control characters; the registry does not.
  return ascii + (kind.startsWith('windows') ? decoded.replace(/[\x80-\x9f]/g, '\ufffd') : decoded);
}

function singleByte(name: string, table: string): TextEncoding {
  const codes = new Map<string, readonly number[]>();
  for (const [i, character] of [...table].entries()) if (character !== '\ufffd') codes.set(character, [i]);
  return {
    name,
    encode: (text) => encodeWith(text, codes),
    decode: (bytes) => {
      const text = Array.from(bytes, (byte) => table.charAt(byte)).join('');
      return text.includes('\ufffd') ? undefined : text;
    },
  };
}

type Codes = ReadonlyMap<string, readonly number[]>;

function encodeWith(text: string, codes: Codes): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of text) {
    const code = codes.get(character);
    if (code === undefined) return undefined;
    bytes.push(...code);
  }
  return Uint8Array.from(bytes);
}

/** Every character of an East Asian encoding with its bytes, found by decoding all there can be. */
function doubleBytes(label: string): Codes {
  const candidates: number[][] = [];
  for (let first = 0; first < 256; first++) {
    candidates.push([first]);
    if (first < 0x80) continue;
    // Behind it there are katakana of half width, and further on what no registry knows.
    if (label === 'euc-jp' && first === 0x8e) {
      for (let second = 0xa1; second <= 0xdf; second++) candidates.push([first, second]);
      continue;
    }
    for (let second = 0x40; second < 0xff; second++) candidates.push([first, second]);
  }
  if (label === 'gb18030') {
    for (let i = 0; i < 39_420; i++) candidates.push(fourBytes(i));
  }
  if (label === 'euc-jp') {
    // The supplementary characters of JIS X 0212.
    for (let i = 0; i < 94 * 94; i++) candidates.push([0x8f, 0xa1 + Math.floor(i / 94), 0xa1 + (i % 94)]);
  }
  const codes = new Map<string, readonly number[]>();
  // A line feed after each keeps them apart, as none of these encodings uses it for anything else.
  const decoded = new TextDecoder(label).decode(Uint8Array.from(candidates.flatMap((code) => [...code, 10])));
  let at = 0;
  for (const candidate of candidates) {
    const isLineFeed = candidate.length === 1 && candidate[0] === 10;
    const end = decoded.indexOf('\n', isLineFeed ? at + 1 : at);
    const text = decoded.slice(at, end);
    at = end + 1;
    if ([...text].length === 1 && text !== '\ufffd' && !codes.has(text)) codes.set(text, candidate);
  }
  if (label !== 'gb18030') return codes;
  // There the euro sign has two bytes, and everything beyond the basic plane four that follow from its number.
  codes.set('€', [0xa2, 0xe3]);
  return Object.assign(codes, {
    get(character: string): readonly number[] | undefined {
      const code = character.codePointAt(0) ?? 0;
      return code > 0xffff ? fourBytes(code - 0x10000 + 189_000) : Map.prototype.get.call(codes, character);
    },
  });
}

const fourBytes = (i: number): number[] => [
  0x81 + Math.floor(i / 12_600),
  0x30 + (Math.floor(i / 1260) % 10),
  0x81 + (Math.floor(i / 10) % 126),
  0x30 + (i % 10),
];

/** ASCII as it is, Japanese between escape sequences, as the two bytes of EUC-JP without their top bits. */
function encodeIso2022Jp(text: string): Uint8Array | undefined {
  const codes = doubleBytes('euc-jp');
  const bytes: number[] = [];
  let isJapanese = false;
  for (const character of text) {
    const code = codes.get(character);
    if (
      code === undefined ||
      (code.length === 1 && (code[0] ?? 0) >= 0x80) ||
      code[0] === 0x8e ||
      code.length > 2
    )
      return undefined;
    if ((code.length === 2) !== isJapanese) {
      isJapanese = !isJapanese;
      bytes.push(0x1b, ...(isJapanese ? [0x24, 0x42] : [0x28, 0x42]));
    }
    bytes.push(...code.map((byte) => byte & 0x7f));
  }
  if (isJapanese) bytes.push(0x1b, 0x28, 0x42);
  return Uint8Array.from(bytes);
}
