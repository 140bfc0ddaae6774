import { examine, isHealthy } from '../app/doctor.ts';
import { doctorJson } from '../ui/doctor-json.ts';
import { renderDoctor } from '../ui/doctor-text.ts';
import { BaseCommand } from './base.ts';
import { diagnosticFrame } from './diagnostics-text.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from './flags.ts';
import { jsonText } from './json-text.ts';

export default class Doctor extends BaseCommand {
  static override readonly summary = 'Check everything that a run will need; each failure with its mend.';
  static override readonly description =
    'Looks at the recorded state, artifacts, secrets, every host and every load balancer, and changes nothing. Exits with 1 where a run would fail.';
  static override readonly examples = [
    '<%= config.bin %> doctor prod',
    '<%= config.bin %> doctor prod --json',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Doctor);
    const examination = await examine(configurationAsk(args.environment, flags), appContext(this.terminal));
    const { color, columns } = this.terminal;
    this.print(
      flags.json
        ? jsonText(doctorJson(examination, isHealthy(examination)), this.terminal.call)
        : renderDoctor(examination, {
            color: color.stdout,
            width: Math.min(columns, 110),
            frame: diagnosticFrame(this.terminal),
          }),
    );
    return isHealthy(examination) ? exitCode.done : exitCode.error;
  }
}
