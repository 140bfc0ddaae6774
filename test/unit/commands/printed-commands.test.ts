/** Every command that a message tells can be typed as it stands: it exists, with these flags, and names its environment. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../../src/commands/table.ts';

const source = join(import.meta.dirname, '../../../src');

/** The lines of a source file that are not comments, each escaped line end begun anew; what is put into a text is `…`. */
const linesOf = (path: string): readonly string[] =>
  readFileSync(path, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\/|^ *\/\/.*$/gm, '')
    .replaceAll(/\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}/g, '…')
    .split(/\\n|\n/);

/** Texts that are scripts for a shell, or data. */
const notMessages =
  /^(ui\/completion\/|app\/plan-file|app\/starting-configuration|commands\/help|lab\/hosts\/)/;

/** `"deployctl show"` is talked about; this is what is to be typed. */
const typed = /(?<!["`])\bdeployctl (?:-C \S+ )?([a-z][a-z-]*)((?: [^()'`]*)?)/g;

interface Printed {
  readonly where: string;
  readonly command: string;
  readonly words: readonly string[];
}

const names = Object.keys(commands);
const printed: readonly Printed[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !notMessages.test(path))
  .flatMap((path) =>
    linesOf(join(source, path)).flatMap((text) =>
      [...text.matchAll(typed)].flatMap(([, first = '', rest = '']) => {
        const [second = '', ...others] = rest.trim().split(/[\s,;`]+/);
        const two = `${first} ${second.replace(/[.:]$/, '')}`;
        if (names.includes(two)) return [{ where: path, command: two, words: others }];
        return names.includes(first) ? [{ where: path, command: first, words: [second, ...others] }] : [];
      }),
    ),
  );

describe('commands in messages', () => {
  const taken = new Map<string, { readonly flags: ReadonlySet<string>; readonly args: readonly string[] }>();
  beforeAll(async () => {
    for (const [name, { load }] of Object.entries(commands)) {
      const { default: Class } = (await load()) as unknown as {
        default: Record<'flags' | 'baseFlags' | 'args', object | undefined>;
      };
      taken.set(name, {
        flags: new Set(Object.keys({ ...Class.flags, ...Class.baseFlags })),
        args: Object.keys(Class.args ?? {}),
      });
    }
  });

  test('are found', () => {
    expect(printed.length).toBeGreaterThan(80);
  });

  test.for(
    printed.map((each) => [`${each.where}: ${each.command} ${each.words.join(' ')}`.trim(), each] as const),
  )('%s', ([, { command, words }]) => {
    const takes = taken.get(command);
    const flags = words.flatMap((word) => /^--([a-z-]+)/.exec(word)?.[1] ?? []);
    expect(flags.filter((flag) => takes?.flags.has(flag) !== true)).toEqual([]);
    const [first] = takes?.args ?? [];
    if (first !== 'environment' && first !== 'what') return;
    // A file, a new name, or one that is told by the message.
    const isOther = command === 'init' || /^(…|p\.plan|PLANFILE|prod)/.test(words[0] ?? '');
    expect(isOther ? 'ENV' : words[0]?.replace(/[.:]$/, '')).toBe('ENV');
  });
});
