import type { Diagnostic } from '../../model/diagnostic.ts';
import type { Body, Expression } from './ast.ts';
import { BodyParser } from './body-parser.ts';
import { type CodeUnits, codeUnitsOf } from './code-units.ts';
import { type Complaint, toDiagnostics } from './complaint.ts';
import { decodeText } from './decode.ts';
import { type LexMode, lex } from './lexer.ts';
import { BodyNode } from './nodes.ts';
import { SourceText } from './source.ts';

export interface ParsedFile {
  /** Complete when there are no errors; otherwise what could be read. */
  readonly body: Body;
  readonly source: SourceText;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ParsedExpression {
  readonly expression: Expression;
  readonly source: SourceText;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a configuration file in HCL's native syntax. Never throws and takes linear time; every error found is
 * in `diagnostics`, at most one hundred. `file` is the name to show. Bytes must be UTF-8; a byte order mark is
 * skipped, CR LF ends a line as LF does.
 */
export function parseFile(bytes: Uint8Array | string, file: string): ParsedFile {
  const decoded = decodeText(bytes);
  const source = new SourceText(file, decoded.text, decoded.skippedBytes);
  if (!decoded.ok) {
    const body = new BodyNode(0, 0, [], []);
    return { body, source, diagnostics: toDiagnostics([badEncoding(decoded.at, decoded.utf16)], source) };
  }
  const units = codeUnitsOf(source.text, typeof bytes === 'string' ? undefined : bytes);
  const { parser, diagnostics } = prepare(source, 'configuration', units);
  const body = parser.parseFile();
  return { body, source, diagnostics: diagnostics() };
}

/** Reads one expression, as `console` and flags have it. Newlines may stand anywhere. */
export function parseExpression(text: string, file: string): ParsedExpression {
  const source = new SourceText(file, text.toWellFormed());
  const { parser, diagnostics } = prepare(source, 'configuration');
  const expression = parser.parseWholeExpression();
  return { expression, source, diagnostics: diagnostics() };
}

/** Reads a text that is a template as a whole: what `templatefile` and `templatestring` are given. */
export function parseTemplate(text: string, file: string): ParsedExpression {
  const source = new SourceText(file, text.toWellFormed());
  const { parser, diagnostics } = prepare(source, 'template');
  const expression = parser.parseWholeTemplate();
  return { expression, source, diagnostics: diagnostics() };
}

function prepare(
  source: SourceText,
  mode: LexMode,
  units: CodeUnits = codeUnitsOf(source.text),
): { parser: BodyParser; diagnostics: () => Diagnostic[] } {
  const { tokens, complaints } = lex(source.text, mode, units);
  const parser = new BodyParser(tokens, source, units);
  return {
    parser,
    diagnostics: () => {
      if (complaints.length === 0 && parser.complaints.length === 0) return [];
      return toDiagnostics([...complaints, ...parser.complaints], source);
    },
  };
}

function badEncoding(at: number, utf16: boolean): Complaint {
  return {
    code: 'hcl-invalid-encoding',
    summary: 'Invalid character encoding',
    detail: 'All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is selected in your editor.',
    ...(utf16 ? { hint: 'This file is encoded as UTF-16: save it as UTF-8.' } : {}),
    start: at,
    end: at + 1,
  };
}
