/** What `promote`, `pause`, `continue` and a brake from another terminal have in common. */
import type { AppContext, ConfigurationAsk } from '../app/context.ts';
import { stateOf } from '../app/load.ts';
import { type SteerAsk, steer } from '../app/steering.ts';
import { printableJson } from '../ui/printable.ts';
import { type ExitCode, exitCode } from './exit-code.ts';

export interface Steering {
  readonly kind: SteerAsk['kind'];
  readonly reason?: string;
  readonly full?: boolean;
  /** What is said when the run obeys; `run` is "Run 42". */
  /** May tell commands, with `ENV`. */
  readonly done: (run: string) => string;
  /** What is said when it had no effect. */
  readonly idle: (run: string) => string;
}

/** Asks the run in progress. Exit 0 when it obeys, 1 when it had nothing to obey. */
export async function steerRun(
  ask: ConfigurationAsk,
  steering: Steering,
  json: boolean,
  cx: AppContext,
  print: (text: string) => void,
): Promise<ExitCode> {
  const { environment, state } = await stateOf(ask, cx);
  const { kind, reason = `${kind} asked for from another terminal`, full = false } = steering;
  const { run, isObeyed } = await steer({ state, environment: environment.name, kind, reason, full }, cx);
  if (json) {
    print(
      printableJson({
        format_version: '1.0',
        environment: environment.name,
        run,
        request: kind,
        obeyed: isObeyed,
      }),
    );
  } else {
    print(isObeyed ? cx.call.pasteable(steering.done(`Run ${run}`)) : steering.idle(`Run ${run}`));
  }
  return isObeyed ? exitCode.done : exitCode.error;
}
