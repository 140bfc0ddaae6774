import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { loadState } from '../../app/load.ts';
import { pushState } from '../../app/state-transfer.ts';
import { systemReason } from '../../model/index.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag, lockFlags } from '../flags.ts';
import { environmentAndThing } from '../optional-environment.ts';
import { withLock } from '../with-lock.ts';
import { transferredJson, transferredText, transferWarnings } from './transferred.ts';

export default class StatePush extends BaseCommand {
  static override readonly summary = 'Put back a recorded state that "state pull" printed.';
  static override readonly description =
    'The document must verify: its chain of hashes from the lineage to the newest entry, its plans, and that what it says follows from them. It is refused where the state that is here is newer or another one, unless --force says that this may be lost. What is replaced is kept as such a document beside the state.';
  static override readonly examples = [
    '<%= config.bin %> state push prod state.json',
    '<%= config.bin %> state pull prod | ssh other deployctl state push prod -',
  ];
  static override readonly args = {
    environment: Args.string({
      description: 'The environment; or the document, where there is only one environment.',
    }),
    document: Args.string({ description: 'The file that "state pull" printed, or - for standard input.' }),
  };
  static override readonly flags = {
    ...configurationFlags,
    force: Flags.boolean({ description: 'Replace also a state that is newer, or another one.' }),
    ...lockFlags,
    ...jsonFlag,
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StatePush);
    const { environment: asked, thing: path } = environmentAndThing(args.environment, args.document, {
      command: 'state push',
      what: 'the document to put back',
      hint: 'A file that "deployctl state pull" printed, or - for standard input.',
    });
    const cx = appContext(this.terminal);
    const { state, environment } = await loadState(configurationAsk(asked, flags), cx);
    const document = await this.#read(path);
    const from = path === '-' ? 'standard input' : path;
    const ask = { text: document, from, force: flags.force };
    const done = await withLock(state, environment.name, flags, cx, () => pushState(state, ask, cx));
    this.report(transferWarnings(done));
    this.print(
      flags.json
        ? transferredJson(environment.name, done)
        : transferredText(done, this.terminal.color.stdout),
    );
    return exitCode.done;
  }

  async #read(path: string): Promise<string> {
    if (path === '-') return await text(this.terminal.stdin);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.refuse({
        code: 'state-document-unreadable',
        summary: 'The document cannot be read',
        detail: `${path}: ${systemReason(error)}. Nothing was changed.`,
        hint: 'Name a file that "deployctl state pull" printed, or - for standard input.',
      });
    }
  }
}
