import type { Label } from './ast.ts';
import { ExpressionParser } from './expression-parser.ts';
import { LabelNode } from './nodes.ts';
import * as T from './token.ts';

/** Reads the labels of blocks that stand in quotes. */
export abstract class LabelParser extends ExpressionParser {
  /** What comes next is the quote that opens a label. Labels are fixed text: no `${}`. */
  protected parseQuotedLabel(): Label {
    const open = this.read();
    const start = this.tokens.start(open);
    let text = '';
    for (;;) {
      const index = this.read();
      switch (this.tokens.type(index)) {
        case T.CLOSE_QUOTE:
          return new LabelNode(start, this.tokens.end(index), text, true);
        case T.QUOTED_TEXT:
          text += this.decode(index);
          break;
        case T.OPEN_INTERPOLATION:
        case T.OPEN_DIRECTIVE: {
          const sigil = this.text.charAt(this.tokens.start(index));
          this.complainAt(
            index,
            'hcl-template-not-allowed',
            'Invalid string literal',
            `Template sequences are not allowed in this string. To include a literal "${sigil}", double it (as "${sigil}${sigil}") to escape it.`,
            { contextStart: start },
          );
          text += `${sigil}{ ... }`;
          this.recover(T.CLOSE_SEQUENCE);
          break;
        }
        case T.EOF:
          this.complainAt(
            index,
            'hcl-unterminated-string',
            'Unterminated string literal',
            'Unable to find the closing quote mark before the end of the file.',
            { contextStart: start },
          );
          return new LabelNode(start, this.tokens.end(index), text, true);
        default:
          this.complainAt(
            index,
            'hcl-invalid-string',
            'Invalid string literal',
            'This item is not valid in a string literal.',
            { contextStart: start },
          );
          this.recover(T.CLOSE_QUOTE);
          return new LabelNode(start, this.tokens.end(index), text, true);
      }
    }
  }
}
