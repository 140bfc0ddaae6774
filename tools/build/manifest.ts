/** oclif's manifest of the commands in the table: what help and completion read instead of loading commands. */
import { writeFile } from 'node:fs/promises';
import { Plugin } from '@oclif/core/config';
import { project } from './project.ts';

export async function writeManifest(out: string): Promise<void> {
  const plugin = new Plugin({
    root: project.root,
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
    pjson: {
      name: project.name,
      version: project.version,
      oclif: {
        bin: project.name,
        topicSeparator: ' ',
        commands: {
          strategy: 'explicit',
          target: './tools/build/command-classes.ts',
          identifier: 'COMMANDS',
        },
      },
    },
  });
  await plugin.load();
  await writeFile(`${out}/oclif.manifest.json`, JSON.stringify(plugin.manifest));
}
