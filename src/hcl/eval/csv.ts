/** Where a CSV text is wrong, in the words of Go's encoding/csv. */
export class CsvFailure extends Error {
  override readonly name = 'CsvFailure';
  constructor(line: number, message: string) {
    super(`CSV parse error on line ${line}: ${message}`);
  }
}

/**
 * Records of RFC 4180: commas, double quotes doubled inside of quotes, CR LF or LF, and a CR at the very end counts for nothing. Empty lines are skipped, and
 * all records have as many fields as the first. Throws CsvFailure.
 */
export function parseCsv(source: string): string[][] {
  const text = source.replaceAll('\r\n', '\n').replace(/\r$/, '');
  const records: string[][] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    if (text[at] === '\n') {
      at++;
      line++;
      continue;
    }
    const startLine = line;
    const record: string[] = [];
    for (;;) {
      if (text[at] === '"') {
        const field = quotedField(text, at + 1, line);
        record.push(field.text);
        at = field.end;
        line = field.line;
      } else {
        const end = nextOf(text, at);
        const field = text.slice(at, end);
        if (field.includes('"')) throw new CsvFailure(line, 'bare " in non-quoted-field');
        record.push(field);
        at = end;
      }
      if (text[at] !== ',') break;
      at++;
    }
    if (text[at] === '\n') {
      at++;
      line++;
    }
    const [first] = records;
    if (first !== undefined && record.length !== first.length) {
      throw new CsvFailure(startLine, 'wrong number of fields');
    }
    records.push(record);
  }
  return records;
}

const DELIMITER = /[,\n]/g;

function nextOf(text: string, from: number): number {
  DELIMITER.lastIndex = from;
  return DELIMITER.exec(text)?.index ?? text.length;
}

function quotedField(
  text: string,
  from: number,
  startLine: number,
): { text: string; end: number; line: number } {
  let field = '';
  let line = startLine;
  for (let at = from; ; ) {
    const quote = text.indexOf('"', at);
    const part = text.slice(at, quote < 0 ? undefined : quote);
    field += part;
    for (const character of part) if (character === '\n') line++;
    const broken = 'extraneous or missing " in quoted-field';
    if (quote < 0) throw new CsvFailure(text.endsWith('\n') ? line - 1 : line, broken);
    const next = text[quote + 1];
    if (next === '"') {
      field += '"';
      at = quote + 2;
    } else if (next === undefined || next === ',' || next === '\n')
      return { text: field, end: quote + 1, line };
    else throw new CsvFailure(line, broken);
  }
}
