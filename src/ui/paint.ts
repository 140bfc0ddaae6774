import { styleText } from 'node:util';

/**
 * Colours, or none. Every function returns its text unchanged without colour, and an empty text stays empty. Meaning
 * never hangs on colour alone: whatever is coloured also differs by a symbol or a word.
 */
export interface Paint {
  readonly color: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  /** The symbol of a change in Terraform's colours; text around it (padding) may come with it. */
  readonly symbol: (mark: ChangeMark, text?: string) => string;
}

/** Terraform's marks: create, update in place, replace, remove, read. */
export type ChangeMark = '+' | '~' | '-/+' | '-' | '<=' | ' ';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const styleOf: Readonly<Record<ChangeMark, Style | undefined>> = {
  '+': 'green',
  '~': 'yellow',
  '-/+': 'red',
  '-': 'red',
  '<=': 'cyan',
  ' ': undefined,
};

/** Whether to colour is decided once, by the command (NO_COLOR, FORCE_COLOR, a terminal or not), and passed in. */
export function paint(color: boolean): Paint {
  const style =
    (name: Style) =>
    (text: string): string =>
      color && text !== '' ? styleText(name, text, { validateStream: false }) : text;
  return {
    color,
    bold: style('bold'),
    dim: style('dim'),
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    cyan: style('cyan'),
    symbol: (mark, text = mark) => {
      const name = styleOf[mark];
      return name === undefined ? text : style(name)(text);
    },
  };
}
