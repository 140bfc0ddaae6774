import * as Args from '@oclif/core/args';
import { runningOf } from '../app/history.ts';
import { stateOf } from '../app/load.ts';
import { isPlanFile, loadPlan } from '../app/plan-file.ts';
import { standingAt } from '../app/standing.ts';
import { openForReading } from '../app/state.ts';
import { planJson } from '../ui/plan-json.ts';
import { renderPlan } from '../ui/plan-text.ts';
import { renderRun, runRecordJson } from '../ui/show-text.ts';
import { BaseCommand, CommandFailure } from './base.ts';
import { diagnosticFrame } from './diagnostics-text.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag } from './flags.ts';
import { jsonText } from './json-text.ts';

export default class Show extends BaseCommand {
  static override readonly summary = 'One run as it went, or a saved plan.';
  static override readonly examples = [
    '<%= config.bin %> show 42',
    '<%= config.bin %> show prod 42',
    '<%= config.bin %> show p.plan',
  ];
  static override readonly args = {
    what: Args.string({ description: 'The number of a run, the file of a saved plan, or an environment.' }),
    run: Args.string({
      description: 'After an environment: the number of the run. The newest where it is left out.',
    }),
  };
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Show);
    if (args.what !== undefined && args.run === undefined && isPlanFile(args.what)) {
      return this.#showPlan(args.what, flags.json);
    }
    const isNumber = args.what !== undefined && /^\d+$/.test(args.what) && args.run === undefined;
    const [environment, number] = isNumber ? [undefined, args.what] : [args.what, args.run];
    if (number !== undefined && !/^[1-9]\d*$/.test(number)) {
      this.refuse({
        code: 'run-number-invalid',
        summary: 'Not the number of a run',
        detail: `"${number}" is not a whole number above 0.`,
        hint: 'See which there are:  deployctl history ENV',
      });
    }
    return this.#showRun(environment, number === undefined ? undefined : Number(number));
  }

  async #showRun(environment: string | undefined, number: number | undefined): Promise<ExitCode> {
    const { flags } = await this.parse(Show);
    const cx = appContext(this.terminal);
    const { state } = await stateOf(configurationAsk(environment, flags), cx);
    await using store = await openForReading(state);
    const runs = await store.runs();
    const run = number === undefined ? runs.at(-1) : runs.find((each) => each.run === number);
    if (run === undefined) {
      this.refuse({
        code: 'no-such-run',
        summary: 'There is no such run',
        detail: number === undefined ? 'Nothing was deployed yet.' : `Run ${number} is not recorded.`,
        hint: 'See which there are:  deployctl history ENV',
      });
    }
    const [plan, journal, { deployments }] = await Promise.all([
      store.planOf(run.run),
      store.journal(run.run),
      store.read(),
    ]);
    const deployment = deployments.find((each) => each.number === run.run);
    const standing = deployment === undefined ? undefined : await standingAt(deployment, store);
    const isRunning = runningOf(runs, state) === run.run;
    const record = { run, isRunning, plan, journal, deployment, standing };
    this.print(
      flags.json
        ? jsonText(runRecordJson(record), this.terminal.call)
        : renderRun(record, { ...this.#style(), now: cx.clock.now() }),
    );
    return exitCode.done;
  }

  #showPlan(path: string, json: boolean): ExitCode {
    const loaded = loadPlan(path);
    if (!loaded.ok) throw new CommandFailure(loaded.diagnostics);
    this.terminal.call.means(loaded.value.declared.folder);
    this.print(
      json ? jsonText(planJson(loaded.value), this.terminal.call) : renderPlan(loaded.value, this.#style()),
    );
    return exitCode.done;
  }

  #style() {
    const { color, columns } = this.terminal;
    return {
      color: color.stdout,
      width: Math.min(columns, 120),
      frame: diagnosticFrame(this.terminal),
    };
  }
}
