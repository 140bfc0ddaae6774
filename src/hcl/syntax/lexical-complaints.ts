import { COMPLAINT_LIMIT, type Complaint } from './complaint.ts';

/** What the lexer objects to, in HashiCorp's words, without saying the same thing over and over. */
export class LexicalComplaints {
  readonly list: Complaint[] = [];
  #bitwise = 0;
  #semicolons = 0;
  #backticks = 0;
  #apostrophes = 0;

  invalidCharacter(character: string, start: number, end: number) {
    switch (character) {
      case '&':
        return this.#unsupportedOperator(' Did you mean boolean AND ("&&")?', start, end);
      case '|':
        return this.#unsupportedOperator(' Did you mean boolean OR ("||")?', start, end);
      case '~':
        return this.#unsupportedOperator(' Did you mean boolean NOT ("!")?', start, end);
      case '^':
        return this.#unsupportedOperator('', start, end);
      case ';':
        if (this.#semicolons++ > 0) return;
        return this.#invalid(
          'The ";" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in collection values.',
          start,
          end,
        );
      case '`':
        // Only the first of a pair.
        if (this.#backticks++ % 2 === 1) return;
        return this.#invalid(
          'The "`" character is not valid. To create a multi-line string, use the "heredoc" syntax, like "<<EOT".',
          start,
          end,
        );
      case "'":
        if (this.#apostrophes++ % 2 === 1) return;
        return this.#invalid(
          'Single quotes are not valid. Use double quotes (") to enclose strings.',
          start,
          end,
        );
      case '\u201c':
      case '\u201d':
        return this.#invalid(
          '"Curly quotes" are not valid here. These can sometimes be inadvertently introduced when sharing code via documents or discussion forums. It might help to replace the character with a "straight quote".',
          start,
          end,
        );
      default:
        return this.#invalid(
          `This character is not used within the language.${named(character)}`,
          start,
          end,
        );
    }
  }

  multiLineString(start: number, end: number): void {
    this.#add({
      code: 'hcl-multi-line-string',
      summary: 'Invalid multi-line string',
      detail:
        'Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the "heredoc" multi-line template syntax.',
      hint: 'If the string was meant to end on this line, its closing quote (") is missing.',
      start,
      end,
    });
  }

  unclosedComment(start: number, end: number): void {
    this.#add({
      code: 'hcl-unclosed-comment',
      summary: 'Unclosed comment',
      detail: 'There is no "*/" that ends this comment before the end of the file.',
      start,
      end,
    });
  }

  #unsupportedOperator(suggestion: string, start: number, end: number): void {
    if (this.#bitwise++ >= 4) return;
    this.#add({
      code: 'hcl-unsupported-operator',
      summary: 'Unsupported operator',
      detail: `Bitwise operators are not supported.${suggestion}`,
      start,
      end,
    });
  }

  #invalid(detail: string, start: number, end: number): void {
    this.#add({ code: 'hcl-invalid-character', summary: 'Invalid character', detail, start, end });
  }

  #add(complaint: Complaint): void {
    if (this.list.length < COMPLAINT_LIMIT) this.list.push(complaint);
  }
}

/** Names a character that cannot be seen or is easily taken for another one. */
function named(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point >= 0x21 && point <= 0x7e) return '';
  const hex = point.toString(16).toUpperCase().padStart(4, '0');
  const known = names.get(point);
  return ` It is U+${hex}${known === undefined ? '' : `, ${known}`}.`;
}

const names = new Map([
  [0x00, 'NUL'],
  [0x0d, 'a carriage return without a line feed'],
  [0xa0, 'a no-break space'],
  [0x2013, 'an en dash'],
  [0x2014, 'an em dash'],
  [0x2018, 'a curly single quote'],
  [0x2019, 'a curly single quote'],
  [0x200b, 'a zero-width space'],
  [0x2026, 'an ellipsis'],
  [0x3000, 'an ideographic space'],
  [0xfeff, 'a byte order mark'],
]);
