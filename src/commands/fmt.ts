import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { diffOf, findUnformatted, formatText, writeFormatted } from '../app/format.ts';
import { BaseCommand, CommandFailure } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';

export default class Fmt extends BaseCommand {
  static override readonly summary =
    'Rewrite configuration files in the canonical layout, as terraform fmt does.';
  static override readonly description =
    'Prints the names of the files that changed. A file with a syntax error is reported and not touched.';
  static override readonly examples = [
    '<%= config.bin %> fmt',
    '<%= config.bin %> fmt --check --diff environments',
    '<%= config.bin %> fmt - < web.hcl',
  ];
  static override readonly args = {
    path: Args.string({
      description: 'A file, a folder with all below it, or - for standard input. Default: this folder.',
    }),
  };
  static override readonly flags = {
    check: Flags.boolean({ description: 'Change nothing; exit with 1 where something would change.' }),
    diff: Flags.boolean({ description: 'Print what changes.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Fmt);
    if (args.path === '-') return this.#standardInput(flags);
    const cwd = process.cwd();
    const { files, diagnostics } = findUnformatted([args.path ?? '.'], cwd);
    for (const file of files) {
      this.print(file.path);
      if (flags.diff) this.print(diffOf(file));
      if (!flags.check) writeFormatted(file, cwd);
    }
    if (diagnostics.length > 0) throw new CommandFailure(diagnostics);
    return flags.check && files.length > 0 ? exitCode.error : exitCode.done;
  }

  async #standardInput(flags: { readonly check: boolean; readonly diff: boolean }): Promise<ExitCode> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.terminal.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    const bytes = Buffer.concat(chunks);
    const formatted = formatText(bytes);
    if (!formatted.ok) throw new CommandFailure(formatted.diagnostics);
    const before = bytes.toString('utf8');
    if (flags.diff) this.print(diffOf({ path: '<stdin>', before, after: formatted.value }));
    if (flags.check) return before === formatted.value ? exitCode.done : exitCode.error;
    if (!flags.diff) this.terminal.stdout.write(formatted.value);
    return exitCode.done;
  }
}
