import * as Flags from '@oclif/core/flags';
import { readStatus, watchStatus } from '../app/status.ts';
import { statusJson } from '../ui/status-json.ts';
import { renderStatus } from '../ui/status-text.ts';
import { watchedStatus } from '../ui/status-watch.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from './flags.ts';
import { jsonText } from './json-text.ts';

/** From an answer to the next look. */
const watchEveryMs = 2_000;

export default class Status extends BaseCommand {
  static override readonly summary =
    'Every service now: release, slots and shares, in sync or not, healthy or not.';
  static override readonly description =
    'With --watch it looks again every two seconds, until Ctrl-C: on a terminal the text is drawn anew, into a pipe it ' +
    'is written when something has changed; with --json each line is one document.';
  static override readonly examples = [
    '<%= config.bin %> status prod',
    '<%= config.bin %> status prod --watch',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    ...jsonFlag,
    watch: Flags.boolean({ description: 'Look again and again, until Ctrl-C.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Status);
    const ask = configurationAsk(args.environment, flags);
    const cx = appContext(this.terminal);
    const pasteable = (text: string): string => cx.call.pasteable(text);
    const style = {
      color: this.terminal.color.stdout,
      pasteable,
      width: Math.min(this.terminal.columns, 120),
    };
    if (!flags.watch) {
      const report = await readStatus(ask, cx);
      this.print(flags.json ? jsonText(statusJson(report), this.terminal.call) : renderStatus(report, style));
      return exitCode.done;
    }
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.once(signal, end);
    try {
      const show = watchedStatus({
        write: (text) => void this.terminal.stdout.write(text),
        json: flags.json,
        redraws: this.terminal.redraws,
        color: this.terminal.color.stdout,
        pasteable,
        size: () => this.terminal.size(),
      });
      for await (const report of watchStatus(ask, cx, watchEveryMs, ended.signal)) show(report);
    } finally {
      for (const signal of signals) process.off(signal, end);
    }
    return exitCode.done;
  }
}
