import { readHistory } from '../app/history.ts';
import { stateOf } from '../app/load.ts';
import { historyJson, renderHistory } from '../ui/history-text.ts';
import { printableJson } from '../ui/printable.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from './flags.ts';

export default class History extends BaseCommand {
  static override readonly summary = 'What was deployed, by whom, when, and how it ended.';
  static override readonly args = environmentArgument;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(History);
    const cx = appContext(this.terminal);
    const { state, environment } = await stateOf(configurationAsk(args.environment, flags), cx);
    const history = await readHistory(state, ({ outcome }) => !flags.json || outcome === 'complete');
    this.print(
      flags.json
        ? printableJson(historyJson(environment.name, history))
        : renderHistory(history, {
            color: this.terminal.color.stdout,
            width: Math.min(this.terminal.columns, 120),
            now: cx.clock.now(),
          }),
    );
    return exitCode.done;
  }
}
