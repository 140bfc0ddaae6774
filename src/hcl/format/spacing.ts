import * as T from '../syntax/token.ts';

/** +1 for what opens a bracket or a template sequence, -1 for what closes one. */
export function bracketChange(type: number): number {
  switch (type) {
    case T.OPEN_BRACE:
    case T.OPEN_BRACKET:
    case T.OPEN_PAREN:
    case T.OPEN_DIRECTIVE:
    case T.OPEN_INTERPOLATION:
      return 1;
    case T.CLOSE_BRACE:
    case T.CLOSE_BRACKET:
    case T.CLOSE_PAREN:
    case T.CLOSE_SEQUENCE:
      return -1;
    default:
      return 0;
  }
}

/**
 * Whether there is a blank between `subject` and `after`; `before` is the token before `subject` in the same
 * cell, or EOF. The order of the rules matters. `isIn`: the subject is the word `in`.
 */
export function spaceAfter(subject: number, before: number, after: number, isIn: boolean): boolean {
  if (after === T.NEWLINE) return false;
  if (subject === T.IDENT && after === T.OPEN_PAREN) return false;
  if (subject === T.DOT || after === T.DOT) return false;
  if (after === T.COMMA || after === T.ELLIPSIS) return false;
  if (subject === T.COMMA) return true;
  if (startsText(subject) || endsText(after)) return false;
  // `for x in [1]`: without this it would be an index, in[1].
  if (isIn && before === T.IDENT) return true;
  if (
    after === T.OPEN_BRACKET &&
    (subject === T.IDENT || subject === T.NUMBER || bracketChange(subject) < 0)
  ) {
    return false;
  }
  if (subject === T.BANG) return false;
  if (subject === T.MINUS) return !startsOperand(before);
  if (subject === T.OPEN_BRACE || after === T.CLOSE_BRACE) {
    return !(subject === T.OPEN_BRACE && after === T.CLOSE_BRACE);
  }
  if ((subject === T.OPEN_INTERPOLATION || subject === T.OPEN_DIRECTIVE) && after === T.OPEN_BRACE)
    return true;
  if (subject === T.CLOSE_BRACE && after === T.CLOSE_SEQUENCE) return true;
  if (subject === T.CLOSE_SEQUENCE && (after === T.OPEN_INTERPOLATION || after === T.OPEN_DIRECTIVE))
    return false;
  return bracketChange(subject) <= 0 && bracketChange(after) >= 0;
}

function startsText(type: number): boolean {
  return type === T.QUOTED_TEXT || type === T.PLAIN_TEXT || type === T.OPEN_QUOTE || type === T.OPEN_HEREDOC;
}

function endsText(type: number): boolean {
  return (
    type === T.QUOTED_TEXT || type === T.PLAIN_TEXT || type === T.CLOSE_QUOTE || type === T.CLOSE_HEREDOC
  );
}

/** Whether a minus after `type` can only be a sign. */
function startsOperand(type: number): boolean {
  switch (type) {
    case T.EOF:
    case T.OPEN_PAREN:
    case T.OPEN_BRACE:
    case T.OPEN_BRACKET:
    case T.EQUAL:
    case T.COLON:
    case T.COMMA:
    case T.QUESTION:
    case T.PLUS:
    case T.STAR:
    case T.SLASH:
    case T.PERCENT:
    case T.MINUS:
    case T.EQUAL_EQUAL:
    case T.NOT_EQUAL:
    case T.GREATER:
    case T.GREATER_EQUAL:
    case T.LESS:
    case T.LESS_EQUAL:
    case T.AND:
    case T.OR:
    case T.BANG:
      return true;
    default:
      return false;
  }
}
