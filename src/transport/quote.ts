/**
 * The one place where text becomes shell source. Everything else speaks of argument lists.
 *
 * Only POSIX sh ever reads what is quoted here: login shells (fish, csh) see nothing but the fixed loader of
 * `loader.ts`, because none of their quoting rules agree.
 */

/** Characters that mean themselves in every word of sh. `~`, `=` at the start and `-` are harmless inside quotes only. */
const plain = /^[A-Za-z0-9_@%+:,./-]+$/;

/** One word of sh that stands for exactly this text. Throws for NUL, which no argument and no variable can hold. */
export function quoteArgument(text: string): string {
  if (text.includes('\0')) throw new TypeError('a shell word cannot hold a NUL character');
  if (plain.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** An argument list as one sh command. */
export const quoteArguments = (argv: readonly string[]): string => argv.map(quoteArgument).join(' ');

/** Names that sh takes for variables; anything else cannot be set with an assignment. */
export const isVariableName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

/** `name='value'` lines. Throws for a name that sh would not take for a variable. */
export function assignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (!isVariableName(name)) throw new TypeError(`not the name of a shell variable: ${name}`);
      return `${name}=${quoteArgument(value)}\n`;
    })
    .join('');
}
