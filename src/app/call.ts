/**
 * How deployctl was called, so that what it prints can be pasted. Messages are made where nobody knows which environment
 * is meant or where it lies: they say `deployctl apply ENV --resume`. Here, and only here, that becomes
 * `deployctl -C /srv/shop apply prod --resume`.
 */
import type { VariableEntry } from '../config/world.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { shellWord } from '../model/shell-word.ts';
import { environmentWord } from './environment-word.ts';

/** A value as it is typed; `name`: of the variable, where one was named. */
interface GivenValue {
  readonly name: string | undefined;
  readonly words: string;
}

/** What stands for a value that must not be shown. A shell that is given it finds no such file, and runs nothing. */
const hidden = '<sensitive>';

export class Call {
  readonly #words: readonly string[];
  readonly #cwd: () => string;
  #folderMeant: string | undefined;
  #variables: ReadonlyMap<string, VariableEntry> | undefined;

  /** `words` stand behind "deployctl"; `cwd` is where it works, behind `-C`. */
  constructor(words: readonly string[], cwd: () => string = () => process.cwd()) {
    this.#words = words;
    this.#cwd = cwd;
  }

  /** Told by whoever finds the environment: its absolute folder. */
  means(folder: string): void {
    this.#folderMeant = folder;
  }

  /** For messages that come before an environment was looked for. `guess` is given the words and the folder. */
  guess(guess: (words: readonly string[], cwd: string) => string | undefined): void {
    this.#folderMeant ??= guess(this.#words, this.#cwd());
  }

  /** Told by whoever reads the configuration. */
  takes(variables: readonly VariableEntry[]): void {
    this.#variables = new Map(variables.map((each) => [each.name, each]));
  }

  /**
   * The command as it was typed, for the journal and for the lock: without the values of sensitive variables, and without
   * any value as long as it is not known which those are.
   */
  get commandLine(): string {
    const shown = this.#words.map((word, at) => {
      if (this.#words[at - 1] === '--var') return this.#shown(word);
      return word.startsWith('--var=') ? `--var=${this.#shown(word.slice(6))}` : shellWord(word);
    });
    return ['deployctl', ...shown].join(' ');
  }

  /** The same text; each command in it that names `ENV` can be pasted as it stands. */
  pasteable(text: string): string {
    return text.replaceAll(commandInText, (_, command: string | undefined, more = '') => {
      const program = this.#program().join(' ');
      if (command === undefined) return program;
      const word = more.trim();
      const values = word === '--resume' ? [] : this.#valuesFor(command);
      const behind = word === '' ? values : [shellWord(word), ...values];
      return [program, command, this.#environmentWord(), ...behind].join(' ');
    });
  }

  /** The same diagnostics, their commands filled in. */
  pasteableIn(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
    return diagnostics.map((each) => this.pasteableOf(each));
  }

  pasteableOf<T extends Diagnostic>(diagnostic: T): T {
    const { detail, hint } = diagnostic;
    return {
      ...diagnostic,
      detail: this.pasteable(detail),
      ...(hint === undefined ? {} : { hint: this.pasteable(hint) }),
    };
  }

  #program(): readonly string[] {
    const folder = this.#folder();
    return folder === undefined ? ['deployctl'] : ['deployctl', '-C', shellWord(folder)];
  }

  /** `ENV` stays where it cannot be told which is meant. */
  #environmentWord(): string {
    return this.#folderMeant === undefined
      ? 'ENV'
      : shellWord(environmentWord(this.#folderMeant, this.#cwd()));
  }

  /**
   * A plan of other values is another plan. Commands that only have to read the configuration get them where it cannot be
   * read without; a revert finds those that are recorded in the record.
   */
  #valuesFor(command: string): readonly string[] {
    const variables = this.#variables;
    if (variables === undefined || readTheRecord.has(command)) return [];
    const required = [...variables.values()].filter(({ isRequired }) => isRequired);
    const needed = command === 'revert' ? required.filter(({ isSensitive }) => isSensitive) : required;
    const names = new Set(needed.map(({ name }) => name));
    const given = this.#givenValues();
    const isNeeded =
      depend.has(command) ||
      given.some(({ name }) => (name === undefined ? names.size > 0 : names.has(name)));
    return isNeeded ? given.map(({ words }) => words) : [];
  }

  /** Each `--var` and `--var-file`. */
  #givenValues(): readonly GivenValue[] {
    return this.#words.flatMap((word, at): readonly GivenValue[] => {
      const [, flag, attached] = /^(--var|--var-file)(?:=(.*))?$/s.exec(word) ?? [];
      const value = attached ?? this.#words[at + 1];
      if (flag === undefined || value === undefined) return [];
      if (flag === '--var-file') return [{ name: undefined, words: `--var-file ${shellWord(value)}` }];
      return [{ name: nameIn(value), words: `--var ${this.#shown(value)}` }];
    });
  }

  /** `name=value` for a shell, without the value where it must not be seen. */
  #shown(given: string): string {
    const name = nameIn(given);
    const isPublic = this.#variables?.get(name)?.isSensitive === false;
    return isPublic ? shellWord(given) : `${shellWord(name)}=${hidden}`;
  }

  /** Of `-C`, which stands before the command. */
  #folder(): string | undefined {
    for (const [at, word] of this.#words.entries()) {
      if (word === '-C' || word === '--chdir') return this.#words[at + 1];
      if (word.startsWith('--chdir=')) return word.slice('--chdir='.length);
      if (!word.startsWith('-')) return undefined;
    }
    return undefined;
  }
}

const nameIn = (given: string): string => given.split('=', 1)[0]?.trim() ?? '';

/** Commands that name the environment by `ENV`, and those that need none and act on the folder they are called in. */
const commandInText = new RegExp(
  [
    String.raw`\bdeployctl ((?:state )?[a-z]+) ENV\b( --resume\b| (?:module|load_balancer)\.(?:[\w.-]|\["(?:[^"\\]|\\.)*"\]|\[\d+\])+(?<!\.))?`,
    String.raw`\bdeployctl(?= (?:lab (?:up|down|status)\b|init\b|(?:apply|approve|plan|show) (?!ENV\b)[^\s"]))`,
  ].join('|'),
  'g',
);

/** What they show or do follows from the values. */
const depend: ReadonlySet<string> = new Set(['plan', 'apply']);

/** They find the record without the configuration's values. */
const readTheRecord: ReadonlySet<string> = new Set([
  'abort',
  'continue',
  'diff',
  'history',
  'pause',
  'promote',
  'show',
  'state list',
  'state pull',
  'state show',
  'validate',
]);
