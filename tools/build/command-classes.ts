import { commands } from '../../src/commands/table.ts';

/** Every command's class, loaded, by its id as oclif writes it (`state:list`): for the manifest. */
export const COMMANDS = Object.fromEntries(
  await Promise.all(
    Object.entries(commands).map(
      async ([id, { load }]) => [id.replaceAll(' ', ':'), (await load()).default] as const,
    ),
  ),
);
