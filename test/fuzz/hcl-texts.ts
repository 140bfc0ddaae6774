/**
 * Texts for fuzzing: valid documents in any layout, documents with a few damaged places, and rows of fragments.
 * All of them shrink, so that a failure is shown at its smallest.
 */
import fc from 'fast-check';

const name = fc.constantFrom(
  'a',
  'b',
  'bb',
  'ccc',
  'x',
  'héllo',
  'a-b',
  '_x',
  'in',
  'if',
  'é',
  'd',
  'ee',
  'web_1',
  'Name',
);
const blockType = fc.constantFrom('host', 'service', 'slot', 'variable', 'a', 'é');
/** Blanks where some are needed. */
const gap = fc.constantFrom(' ', '  ', '\t', ' /* c */ ');
/** Blanks where none are needed. */
const blank = fc.constantFrom('', '', '', ' ', '  ', '\t', '/* c */');
/** The same inside of brackets, where lines may end. */
const loose = fc.constantFrom('', '', '', ' ', '\n', ' # c\n', '\n\n  ', '// c\n', '\r\n');
const lineEnd = fc.constantFrom('\n', '\n', '\n', ' # c\n', '\n\n', '\r\n', ' // d\n', '\n# own\n', '   \n');

const literalText = fc.constantFrom(
  '',
  'abc',
  ' ',
  'é',
  '日本',
  '👩‍👩‍👧',
  '\\n',
  '\\"',
  '\\\\',
  '\\u00e9',
  '\\U0001F600',
  '$',
  '%',
  '$${',
  '%%{',
  '$$',
  '$$$${',
  '{',
  '}',
  'a=1',
  '#',
  '//',
  '/*',
  "'",
  '<<EOT',
  'e\u0301',
  '\u00a0',
  '~',
  '[',
  '$ {',
  '%5',
  '\\t ',
);
const heredocText = fc.constantFrom(
  '',
  'abc',
  '  ',
  '    x',
  '\t',
  'é',
  '\\n',
  '"',
  '$',
  '$${',
  '%%{',
  '%',
  'a = 1',
  '# c',
  'EO',
  ' EOT x',
  '\\',
  '\u00a0y',
  '}',
  '~',
);
const numberText = fc.constantFrom(
  '0',
  '1',
  '42',
  '1.5',
  '007',
  '1e3',
  '1E-2',
  '2.50e+1',
  '123456789012345678901234567890',
  '0.1',
);

interface Grammar {
  expression: string;
  term: string;
  loose: string;
  quoted: string;
  heredoc: string;
  body: string;
  part: string;
}

const all = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''));
const is = (text: string): fc.Arbitrary<string> => fc.constant(text);
const list = (
  item: fc.Arbitrary<string>,
  separator: fc.Arbitrary<string>,
  max: number,
): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(item, separator), { maxLength: max })
    .map((pairs) =>
      pairs.map(([text, between], index) => (index === pairs.length - 1 ? text : text + between)).join(''),
    );

const depth = fc.createDepthIdentifier();

const { body, expression } = fc.letrec<Grammar>(
  (tie: fc.LetrecTypedTie<Grammar>): fc.LetrecValue<Grammar> => {
    const e = tie('expression');
    const inner = all(loose, e, loose);
    const strip = fc.constantFrom('', '', '~');
    const comma = all(loose, is(','), loose);
    const operator = fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', '&&', '||');
    const step = fc.oneof(
      all(is('.'), name),
      all(is('['), inner, is(']')),
      is('[*]'),
      is('.*'),
      all(is('.'), fc.constantFrom('0', '1')),
      all(is('["'), name, is('"]')),
    );
    const names = fc.oneof(name, all(name, is(', '), name));
    const forIntro = all(is('for'), gap, names, gap, is('in'), gap, e, blank, is(':'), loose);
    const condition = fc.oneof(is(''), all(is(' if '), e));
    const objectKey = fc.oneof(name, tie('quoted'), all(is('('), e, is(')')), numberText);
    const objectItem = all(objectKey, blank, fc.constantFrom('=', ' = ', ':'), blank, e);
    return {
      expression: fc.oneof(
        { maxDepth: 3, depthIdentifier: depth, withCrossShrink: true },
        tie('term'),
        all(e, blank, operator, blank, e),
        all(e, blank, is('?'), blank, e, blank, is(' : '), blank, e),
        all(fc.constantFrom('-', '!', '- '), tie('term')),
        all(tie('term'), step),
        all(tie('term'), step, step),
      ),
      term: fc.oneof(
        { maxDepth: 3, depthIdentifier: depth, withCrossShrink: true },
        numberText,
        name,
        tie('quoted'),
        all(name, is('('), loose, list(e, comma, 3), fc.constantFrom('', ',', '...'), loose, is(')')),
        all(is('('), inner, is(')')),
        all(is('['), loose, list(e, comma, 4), fc.constantFrom('', ','), loose, is(']')),
        all(
          is('{'),
          fc.constantFrom('', ' ', '\n'),
          list(objectItem, fc.constantFrom(', ', '\n', ',\n', ' # c\n'), 3),
          fc.constantFrom('', ' ', '\n'),
          is('}'),
        ),
        all(is('['), loose, forIntro, e, condition, loose, is(']')),
        all(
          is('{'),
          loose,
          forIntro,
          e,
          is(' => '),
          e,
          fc.constantFrom('', '...'),
          condition,
          loose,
          is('}'),
        ),
        all(is('('), loose, tie('heredoc'), is(')')),
        all(is('['), loose, tie('heredoc'), is(', '), e, is(']')),
      ),
      loose: inner,
      part: fc.oneof(
        { maxDepth: 3, depthIdentifier: depth },
        literalText,
        all(is('${'), strip, blank, e, blank, strip, is('}')),
        all(
          is('%{'),
          strip,
          is(' if '),
          e,
          blank,
          strip,
          is('}'),
          literalText,
          is('%{ else }'),
          literalText,
          is('%{'),
          strip,
          is('endif'),
          strip,
          is('}'),
        ),
        all(
          is('%{ for '),
          names,
          is(' in '),
          e,
          strip,
          is('}'),
          literalText,
          is('%{ endfor '),
          strip,
          is('}'),
        ),
      ),
      quoted: all(
        is('"'),
        fc.array(tie('part'), { maxLength: 3 }).map((parts) => parts.join('')),
        is('"'),
      ),
      heredoc: all(
        fc.constantFrom('<<EOT\n', '<<-EOT\n', '<<EOT\r\n'),
        fc
          .array(
            all(
              fc.oneof(
                heredocText,
                all(heredocText, is('${'), strip, e, strip, is('}')),
                all(is('  %{ if true '), strip, is('}'), heredocText, is('%{ endif '), strip, is('}')),
              ),
              heredocText,
              fc.constantFrom('\n', '\n', '\r\n'),
            ),
            { maxLength: 4 },
          )
          .map((lines) => lines.join('')),
        fc.constantFrom('EOT\n', '  EOT\n', '\tEOT \n'),
      ),
      body: list(
        fc.oneof(
          { maxDepth: 3, depthIdentifier: depth },
          all(blank, name, blank, is('='), blank, e),
          all(blank, name, blank, is('= '), tie('heredoc'), is('a1 = 1')),
          all(
            blank,
            blockType,
            gap,
            fc.constantFrom('', '"x" ', 'web ', '"a" b ', '"" '),
            is('{'),
            fc.constantFrom('\n', ' # c\n', '\n\n'),
            tie('body'),
            is('\n}'),
          ),
          all(blockType, is(' "y" { '), name, is(' = '), e, is(' }')),
          all(blockType, is(' {}')),
          is('# comment'),
          is('/* block\n comment */'),
        ),
        lineEnd,
        6,
      ),
    };
  },
);

/** Valid, except where names clash or newlines end up where none may be. */
export const hclDocument: fc.Arbitrary<string> = all(body, fc.constantFrom('', '\n', '\n\n', '  \n'));

export const hclExpression: fc.Arbitrary<string> = expression;

const fragment = fc.constantFrom(
  'a',
  'b',
  ' ',
  ' ',
  '\n',
  '\n',
  '=',
  ' = ',
  '"',
  '"',
  '${',
  '%{',
  '}',
  '~}',
  '${~',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  ',',
  '.',
  '..',
  '...',
  ':',
  '::',
  '*',
  '/',
  '+',
  '-',
  '!',
  '?',
  '=>',
  '==',
  '&&',
  '||',
  '&',
  '|',
  '^',
  '~',
  ';',
  "'",
  '`',
  '#',
  '//',
  '/*',
  '*/',
  '<<EOT\n',
  '<<-EOT\n',
  'EOT\n',
  '<<',
  '1',
  '1.5',
  '0.',
  '1e',
  'for ',
  'in ',
  'if ',
  'else',
  'endif',
  'endfor',
  'true',
  'null',
  '\\',
  '\\n',
  '\\u',
  '$',
  '%',
  '$$',
  '\r',
  '\r\n',
  '\t',
  '\0',
  'é',
  '👩‍👩‍👧',
  '\u00a0',
  '\ufeff',
  '\u2028',
  '\ud800',
  'host "x" {\n',
  '}\n',
  'a = 1\n',
  ' # c\n',
  '"x"',
  '[*]',
  '.0',
  '.0.1',
);

/** Anything that could be typed. */
export const hclFragments: fc.Arbitrary<string> = fc
  .array(fragment, { maxLength: 40, size: 'max' })
  .map((parts) => parts.join(''));

/** Documents with something put in, taken out or written twice. */
export const damagedDocument: fc.Arbitrary<string> = fc
  .tuple(
    hclDocument,
    fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 6 }), fragment, fc.nat({ max: 2 })),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  )
  .map(([text, edits]) => {
    let damaged = text;
    for (const [where, length, piece, kind] of edits) {
      const at = Math.floor(where * damaged.length);
      const taken = damaged.slice(at, at + length);
      const put = kind === 0 ? '' : kind === 1 ? piece : taken + taken;
      damaged = damaged.slice(0, at) + put + damaged.slice(at + length);
    }
    return damaged;
  });
