/**
 * Writes docs/commands.md, the reference of the command line, from the commands themselves. A test fails when the file
 * differs from what this gives.
 *
 *   node tools/docs-commands.ts          writes the file
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BaseCommand } from '../src/commands/base.ts';
import { commands, groups } from '../src/commands/table.ts';

export const commandReferencePath = join(import.meta.dirname, '../docs/commands.md');

const introduction = `# The command line

This reference is written from the commands themselves by \`node tools/docs-commands.ts\`: do not edit it.

\`deployctl [-C DIR] COMMAND [ENV] [FLAGS]\`. \`ENV\` is a name under \`environments/\`, or the path of a folder; with a single
environment it may be left out. Flags stand behind the command; before it stand only \`-C DIR\` (work in another folder),
\`--no-color\` and \`--no-input\`, and these two every command takes behind it as well.

The environment variable \`DEPLOYCTL_CLI_ARGS\` holds flags for every command, \`DEPLOYCTL_CLI_ARGS_plan\` and
\`DEPLOYCTL_CLI_ARGS_state_list\` those of one; what is typed comes behind them and wins. \`DEPLOYCTL_VAR_name\` is the value of a
variable. \`DEPLOYCTL_LOG\` (off, info, debug, trace) tells on standard error what is read, decided and asked of hosts.
\`DEPLOYCTL_ACTOR\` says who it is on an account that several share. \`NO_COLOR\` and \`FORCE_COLOR\` are obeyed.

Exit codes: 0 done, or nothing to do; 1 an error, or declined; 2 changes are pending (\`--detailed-exitcode\`); 3 failed and
reverted; 4 stopped part-way, can be resumed; 5 another run holds the lock; 6 the saved plan no longer fits the world.

With \`--json\` standard output holds one document with \`format_version\` and nothing else; \`apply\`, \`revert\` and \`abort\` print one
event a line, the last one \`summary\`.
`;

interface Described {
  readonly description?: string;
  readonly required?: boolean;
}

interface DescribedFlag extends Described {
  readonly type: string;
  readonly helpValue?: string | string[];
  readonly options?: readonly string[];
  readonly default?: unknown;
  readonly multiple?: boolean;
}

export async function renderCommandReference(): Promise<string> {
  const sections: string[] = [];
  for (const [group, heading] of Object.entries(groups)) {
    const entries = Object.entries(commands).filter(([, entry]) => entry.group === group);
    if (entries.length === 0) continue;
    sections.push(`## ${heading}\n`);
    for (const [id, { load }] of entries) {
      const { default: command } = await load();
      sections.push(section(id, command as unknown as typeof BaseCommand));
    }
  }
  return [introduction, ...sections].join('\n');
}

function section(id: string, command: typeof BaseCommand): string {
  const args = Object.entries((command.args ?? {}) as Record<string, Described>);
  const flags = Object.entries((command.flags ?? {}) as unknown as Record<string, DescribedFlag>).filter(
    ([name]) => !Object.hasOwn(BaseCommand.baseFlags, name),
  );
  const usage = [
    'deployctl',
    id,
    ...args.map(([name, { required }]) =>
      required === true ? name.toUpperCase() : `[${name.toUpperCase()}]`,
    ),
  ].join(' ');
  const rows = [
    ...args.map(([name, { description }]) => row(`\`${name.toUpperCase()}\``, description)),
    ...flags.map(([name, flag]) => row(`\`--${name}${valueText(flag)}\``, described(flag))),
  ];
  return [
    `### ${id}`,
    '',
    `\`${usage}\``,
    '',
    [command.summary ?? '', command.description ?? ''].map(oneLine).filter(Boolean).join(' '),
    '',
    ...(rows.length === 0 ? [] : ['| | |', '|---|---|', ...rows, '']),
  ].join('\n');
}

const valueText = ({ type, helpValue, options }: DescribedFlag): string =>
  type === 'boolean' ? '' : ` ${options?.join('|') ?? helpValue ?? 'VALUE'}`;

function described(flag: DescribedFlag): string {
  const { description, multiple, default: usual } = flag;
  const isTold = typeof usual === 'string' || typeof usual === 'number';
  return [
    description ?? '',
    ...(multiple === true ? ['May be given several times.'] : []),
    ...(isTold ? [`Default: \`${usual}\`.`] : []),
  ].join(' ');
}

const row = (name: string, text = ''): string =>
  `| ${name.replaceAll('|', '\\|')} | ${oneLine(text).replaceAll('|', '\\|')} |`;

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

if (import.meta.main) writeFileSync(commandReferencePath, await renderCommandReference());
