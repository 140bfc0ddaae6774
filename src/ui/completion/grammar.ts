/** What can be typed after `deployctl`, as far as a shell can help with it: from oclif's manifest of the commands. */

export interface ManifestCommand {
  /** `state:list`. */
  readonly id: string;
  readonly summary?: string;
  readonly args: Readonly<Record<string, { readonly name: string; readonly options?: readonly string[] }>>;
  readonly flags: Readonly<
    Record<
      string,
      {
        readonly name: string;
        readonly type: string;
        readonly description?: string;
        readonly helpValue?: string;
        readonly options?: readonly string[];
      }
    >
  >;
}

/** What a shell offers at a place. `places`: environments, and folders once a path is begun. */
export type Offer =
  | { readonly offer: 'nothing' }
  | { readonly offer: 'files' }
  | { readonly offer: 'places' }
  | { readonly offer: 'places_and_files' }
  | { readonly offer: 'words'; readonly words: readonly string[] };

export interface CompletedFlag {
  /** `--out`. */
  readonly flag: string;
  readonly about: string;
  /** undefined: it takes no value. */
  readonly value: Offer | undefined;
}

export interface CompletedCommand {
  /** One word, or two. */
  readonly words: readonly string[];
  readonly about: string;
  readonly flags: readonly CompletedFlag[];
  readonly places: readonly Offer[];
}

export interface Grammar {
  readonly commands: readonly CompletedCommand[];
  /** Words that need another one behind them. */
  readonly topics: readonly { readonly word: string; readonly about: string }[];
}

export function grammarOf(
  manifest: readonly ManifestCommand[],
  topics: Readonly<Record<string, string>>,
): Grammar {
  return {
    commands: manifest.map((command) => ({
      words: command.id.split(':'),
      about: oneLine(command.summary),
      flags: Object.values(command.flags).map(({ name, type, description, helpValue, options }) => ({
        flag: `--${name}`,
        about: oneLine(description),
        value: type === 'boolean' ? undefined : offerOf(helpValue, options),
      })),
      places: Object.values(command.args).map(({ name, options }) => placeOf(command.id, name, options)),
    })),
    topics: Object.entries(topics).map(([word, about]) => ({ word, about: oneLine(about) })),
  };
}

const oneLine = (text = ''): string => text.replaceAll(/\s+/g, ' ').trim();

function offerOf(helpValue: string | undefined, options: readonly string[] | undefined): Offer {
  if (options !== undefined) return { offer: 'words', words: options };
  return { offer: helpValue === 'FILE' || helpValue === 'FOLDER' ? 'files' : 'nothing' };
}

function placeOf(command: string, name: string, options: readonly string[] | undefined): Offer {
  if (options !== undefined) return { offer: 'words', words: options };
  if (command === 'apply' || name === 'what') return { offer: 'places_and_files' };
  if (name === 'environment') return { offer: 'places' };
  return { offer: name === 'path' || name === 'plan' || name === 'document' ? 'files' : 'nothing' };
}

/** What stands before the command. */
export const globalFlags: readonly CompletedFlag[] = [
  { flag: '--chdir', about: 'Work in another folder.', value: { offer: 'files' } },
  { flag: '-C', about: 'Work in another folder.', value: { offer: 'files' } },
  { flag: '--no-color', about: 'No colours.', value: undefined },
  { flag: '--no-input', about: 'Ask nothing.', value: undefined },
  { flag: '--help', about: 'Help.', value: undefined },
  { flag: '--version', about: 'The version.', value: undefined },
];

/** For single quotes of a shell in sh's family. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
