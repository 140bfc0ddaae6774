/** `deployctl --help`, a topic's, and a command's: from the manifest, so that no command is loaded for it. */
import { existsSync } from 'node:fs';
import type { Command } from '@oclif/core/command';
import { Config } from '@oclif/core/config';
import { Help } from '@oclif/core/help';
import { programFolder } from '../program.ts';
import { hang } from '../ui/layout.ts';
import { paint } from '../ui/paint.ts';
import { VERSION } from '../version.ts';
import { commands, groups } from './table.ts';
import type { Terminal } from './terminal.ts';
import { topics } from './topics.ts';

class CommandHelp extends Help {
  of(command: Command.Loadable): string {
    return this.formatCommand({ ...command });
  }
}

/** One command: oclif's layout, our words. */
export async function commandHelp(id: string, terminal: Terminal): Promise<string> {
  const config = await manifestConfig();
  const command = config.findCommand(id.replaceAll(' ', ':'), { must: true });
  const help = new CommandHelp(config, {
    stripAnsi: !terminal.color.stdout,
    maxWidth: Math.min(terminal.columns, 110),
  });
  return `${command.summary ?? ''}\n\n${help.of(command)}\n`;
}

/** What there is below one word. */
export async function topicHelp(topic: string, terminal: Terminal): Promise<string> {
  const names = Object.keys(commands).filter((name) => name.startsWith(`${topic} `));
  return [
    topics[topic] ?? '',
    '',
    `Usage: deployctl ${topic} COMMAND`,
    '',
    ...(await list(names, terminal)),
    '',
    `"deployctl ${topic} COMMAND --help" tells more about one of them.`,
    '',
  ].join('\n');
}

/** Everything, by group. */
export async function rootHelp(terminal: Terminal): Promise<string> {
  const { bold } = paint(terminal.color.stdout);
  const lines = [
    'Declarative deployments for servers of your own: plan, prove, apply, revert.',
    '',
    `${bold('Usage:')} deployctl [-C DIR] COMMAND [ENV] [FLAGS]`,
    '',
    ...hang(
      '  ',
      'ENV is a folder under environments/, or a path; with a single environment it may be left out.',
      100,
    ),
  ];
  for (const [group, heading] of Object.entries(groups)) {
    const names = Object.keys(commands).filter((name) => commands[name]?.group === group);
    if (names.length > 0) lines.push('', bold(heading), ...(await list(names, terminal)));
  }
  lines.push(
    '',
    bold('Everywhere'),
    ...rows(
      [
        ['-C, --chdir DIR', 'Work in another folder; stands before the command.'],
        ['--no-color, --no-input', 'No colours; no questions.'],
        ['-h, --help', 'Help, also behind a command.'],
        ['-v, --version', `The version (${VERSION}).`],
      ],
      terminal,
    ),
    '',
  );
  return lines.join('\n');
}

async function list(names: readonly string[], terminal: Terminal): Promise<readonly string[]> {
  const config = await manifestConfig();
  return rows(
    names.map((name) => [name, config.findCommand(name.replaceAll(' ', ':'))?.summary ?? '']),
    terminal,
  );
}

function rows(pairs: readonly (readonly [string, string])[], terminal: Terminal): readonly string[] {
  return pairs.flatMap(([name, text]) =>
    hang(`  ${name.padEnd(23)} `, text, Math.min(terminal.columns, 110)),
  );
}

let loading: Promise<Config> | undefined;

/** oclif's Config from the manifest beside the built program (or the one in dist/, when run from its sources). */
function manifestConfig(): Promise<Config> {
  if (!existsSync(`${programFolder}/oclif.manifest.json`)) {
    throw new Error(`${programFolder} has no manifest: run bin/setup`);
  }
  loading ??= Config.load({
    root: programFolder,
    pjson: {
      name: 'deployctl',
      version: VERSION,
      oclif: { bin: 'deployctl', topicSeparator: ' ', plugins: [] },
    },
  });
  return loading;
}
