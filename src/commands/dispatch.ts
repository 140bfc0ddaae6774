/** From the words of a command line to the command that answers for them. */
import type { Config } from '@oclif/core/config';
import { Call } from '../app/call.ts';
import type { Diagnostic } from '../model/index.ts';
import { VERSION } from '../version.ts';
import { diagnosticsText, guessEnvironmentFor } from './diagnostics-text.ts';
import { withEnvironmentArguments } from './environment-arguments.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { nearest } from './nearest.ts';
import { commandsElsewhere } from './other-tools.ts';
import { commands } from './table.ts';
import { outliveReaders, processTerminal, type Terminal } from './terminal.ts';
import { topics } from './topics.ts';

/** Runs one command line. Never rejects for what a user did; what it opened is closed when it resolves. */
export async function dispatch(line: readonly string[]): Promise<ExitCode> {
  const global = globalFlags(line);
  const call = new Call(line);
  const terminal = processTerminal(line, call);
  const refuse = async (...diagnostics: readonly Diagnostic[]): Promise<ExitCode> => {
    await guessEnvironmentFor(call);
    terminal.stderr.write(diagnosticsText(diagnostics, terminal));
    return exitCode.error;
  };
  if (!global.ok) return await refuse(...global.diagnostics);
  const { folder, rest } = global.value;
  if (folder !== undefined) {
    try {
      process.chdir(folder);
    } catch {
      return await refuse({
        code: 'chdir-failed',
        severity: 'error',
        summary: 'The folder to work in cannot be entered',
        detail: `-C names ${folder}, seen from ${process.cwd()}, and that is not a folder that can be entered.`,
      });
    }
  }

  const { id, typed } = commandOf(rest);
  const command = id === undefined ? undefined : commands[id];
  const remaining = rest.slice(typed);
  if (wantsHelp(rest)) {
    const words = rest.filter((word, at) => !isHelpFlag(word) && !(at === 0 && word === 'help'));
    return await help(words, terminal);
  }
  if (id === undefined || command === undefined) return await refuse(unknownCommand(rest));
  const argv = withEnvironmentArguments(id, remaining, terminal.environment);
  if (!argv.ok) return await refuse(...argv.diagnostics);
  const { default: Class } = await command.load();
  outliveReaders(process.stdout, process.stderr);
  Class.id = id;
  return await new Class([...argv.value], runConfig, processTerminal(argv.value, call)).toExitCode();
}

async function help(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { id, typed } = commandOf(words);
  const topic = words[0];
  const known =
    words.length === 0 || id !== undefined || (topic !== undefined && typed === 0 && topic in topics);
  if (!known) {
    terminal.stderr.write(diagnosticsText([unknownCommand(words)], terminal));
    return exitCode.error;
  }
  const { commandHelp, rootHelp, topicHelp } = await import('./help.ts');
  const text =
    id !== undefined
      ? await commandHelp(id, terminal)
      : topic === undefined
        ? await rootHelp(terminal)
        : await topicHelp(topic, terminal);
  terminal.stdout.write(text);
  return exitCode.done;
}

const isHelpFlag = (word: string): boolean => word === '--help' || word === '-h';

function wantsHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const before = end === -1 ? words : words.slice(0, end);
  return words.length === 0 || words[0] === 'help' || before.some(isHelpFlag);
}

/** The longest command that the words begin with, and how many words that takes. */
function commandOf(words: readonly string[]): { readonly id: string | undefined; readonly typed: number } {
  for (const typed of [2, 1]) {
    const id = words.slice(0, typed).join(' ');
    if (words.length >= typed && Object.hasOwn(commands, id)) return { id, typed };
  }
  return { id: undefined, typed: 0 };
}

interface Global {
  readonly folder: string | undefined;
  readonly rest: readonly string[];
}

/** What stands before the command: -C; --no-color and --no-input, which commands take as well. */
function globalFlags(
  line: readonly string[],
):
  | { readonly ok: true; readonly value: Global }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  const kept: string[] = [];
  const folders: string[] = [];
  let at = 0;
  for (; at < line.length; at += 1) {
    const word = line[at] ?? '';
    if (word === '--no-color' || word === '--no-input') kept.push(word);
    else if (word === '-C' || word === '--chdir') {
      at += 1;
      const value = line[at];
      if (value === undefined) return { ok: false, diagnostics: [noFolder(word)] };
      folders.push(value);
    } else if (word.startsWith('--chdir=')) folders.push(word.slice('--chdir='.length));
    else if (word === '--version' || word === '-v')
      return { ok: true, value: { folder: undefined, rest: ['version', ...kept] } };
    else if (word.startsWith('-') && !isHelpFlag(word)) return { ok: false, diagnostics: [misplaced(word)] };
    else break;
  }
  const [folder, ...more] = folders;
  if (more.length > 0) return { ok: false, diagnostics: [twoFolders(folders)] };
  const { typed } = commandOf(line.slice(at));
  const end = at + typed;
  return { ok: true, value: { folder, rest: [...line.slice(at, end), ...kept, ...line.slice(end)] } };
}

const noFolder = (flag: string): Diagnostic => ({
  code: 'missing-argument',
  severity: 'error',
  summary: 'An argument is missing',
  detail: `${flag} needs the folder to work in.`,
  hint: `Write it before the command: "deployctl ${flag} DIR plan".`,
});

const twoFolders = (folders: readonly string[]): Diagnostic => ({
  code: 'chdir-twice',
  severity: 'error',
  summary: 'Which folder is meant?',
  detail: `-C was given ${folders.length} times: ${folders.join(', ')}. Commands act on the environment that they find, so none of them is guessed.`,
  hint: 'Give it once.',
});

const misplaced = (flag: string): Diagnostic => ({
  code: 'unknown-flag',
  severity: 'error',
  summary: 'Unknown flag',
  detail: `Before the command stand only -C DIR, --no-color and --no-input; ${flag} is none of these.`,
  hint: /^-chdir\b/.test(flag)
    ? `Flags have two dashes here: -${flag}.`
    : 'Flags of a command stand behind it: "deployctl plan --json".',
});

function unknownCommand(words: readonly string[]): Diagnostic {
  const [first = '', second] = words;
  const names = Object.keys(commands);
  const elsewhere = commandsElsewhere[`${first} ${second}`] ?? commandsElsewhere[first];
  if (elsewhere !== undefined) {
    const typed = Object.hasOwn(commandsElsewhere, first) ? first : `${first} ${second}`;
    return {
      code: 'unknown-command',
      severity: 'error',
      summary: 'Unknown command',
      detail: `There is no command "deployctl ${typed}".`,
      hint: elsewhere,
    };
  }
  const below = names.filter((name) => name.startsWith(`${first} `));
  if (below.length > 0) {
    const near = second === undefined ? undefined : nearest(`${first} ${second}`, below);
    return {
      code: 'unknown-command',
      severity: 'error',
      summary: second === undefined ? 'Half a command' : 'Unknown command',
      detail:
        second === undefined
          ? `"deployctl ${first}" needs one more word: ${below.join(', ')}.`
          : `There is no command "deployctl ${first} ${second}": there are ${below.join(', ')}.`,
      ...(near === undefined ? {} : { hint: `Did you mean "deployctl ${near}"?` }),
    };
  }
  const near = nearest(first, [...new Set(names.flatMap((name) => [name, name.split(' ')[0] ?? name]))]);
  return {
    code: 'unknown-command',
    severity: 'error',
    summary: 'Unknown command',
    detail: `There is no command "deployctl ${first}".`,
    hint: near === undefined ? '"deployctl --help" lists the commands.' : `Did you mean "deployctl ${near}"?`,
  };
}

/**
 * The part of oclif's Config that its Command uses while it parses and runs. The whole one reads package.json,
 * manifests and plugins at each start; only help needs it (help.ts).
 */
const runConfig = {
  name: 'deployctl',
  bin: 'deployctl',
  version: VERSION,
  topicSeparator: ' ',
  runHook: async () => ({ successes: [], failures: [] }),
} as unknown as Config;
