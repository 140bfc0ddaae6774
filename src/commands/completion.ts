import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import { programFolder } from '../program.ts';
import { bashCompletion } from '../ui/completion/bash.ts';
import { fishCompletion } from '../ui/completion/fish.ts';
import { type Grammar, grammarOf, type ManifestCommand } from '../ui/completion/grammar.ts';
import { zshCompletion } from '../ui/completion/zsh.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { nearest } from './nearest.ts';
import { topics } from './topics.ts';

const renderers: Readonly<Record<string, (grammar: Grammar) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export default class Completion extends BaseCommand {
  static override readonly summary =
    'Print a script that completes commands, flags and environments in a shell.';
  static override readonly description =
    'It asks nothing of deployctl while one types: commands and flags are in it, environments it finds as folders. Print it anew after an update.';
  static override readonly examples = [
    '<%= config.bin %> completion bash > ~/.local/share/bash-completion/completions/deployctl',
    '<%= config.bin %> completion zsh > "${fpath[1]}/_deployctl"',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/deployctl.fish',
  ];
  static override readonly args = {
    shell: Args.string({
      description: 'bash, zsh or fish.',
      options: Object.keys(renderers),
    }),
  };

  async run(): Promise<ExitCode> {
    const asked = this.argv.find((word) => !word.startsWith('-'));
    const render = asked === undefined ? undefined : renderers[asked];
    if (render === undefined) this.#refuseShell(asked);
    await this.parse(Completion);
    const path = join(programFolder, 'oclif.manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
      readonly commands: Readonly<Record<string, ManifestCommand>>;
    };
    this.print(render(grammarOf(Object.values(manifest.commands), topics)));
    return exitCode.done;
  }

  #refuseShell(asked: string | undefined): never {
    const near = asked === undefined ? undefined : nearest(asked, Object.keys(renderers));
    this.refuse({
      code: asked === undefined ? 'missing-argument' : 'unknown-shell',
      summary: asked === undefined ? 'An argument is missing' : 'There is no completion for this shell',
      detail:
        asked === undefined
          ? '"deployctl completion" needs the name of the shell: bash, zsh or fish.'
          : `"${asked}" is none of bash, zsh and fish.`,
      hint: near === undefined ? 'Yours is likely the last word of:  echo $SHELL' : `Did you mean "${near}"?`,
    });
  }
}
