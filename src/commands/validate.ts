import * as Flags from '@oclif/core/flags';
import { validate } from '../app/load.ts';
import { crossCheckEnvironment, withJudge } from '../app/validate.ts';
import { isError } from '../model/index.ts';
import { paint } from '../ui/paint.ts';
import { validateJson } from '../ui/validate-json.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from './flags.ts';
import { jsonText } from './json-text.ts';

export default class Validate extends BaseCommand {
  static override readonly summary =
    'Check the configuration: all its errors at once. Reads no host and no artifact.';
  static override readonly examples = [
    '<%= config.bin %> validate prod',
    '<%= config.bin %> validate prod --json',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    ...jsonFlag,
    'cross-check': Flags.boolean({
      description: "Have HashiCorp's own parser read every file too, and compare.",
    }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Validate);
    const cx = appContext(this.terminal);
    const ask = configurationAsk(args.environment, flags);
    const { environment, diagnostics: own, sources } = await validate(ask, cx);
    const crossed = flags['cross-check'] ? await crossCheckEnvironment(environment) : [];
    const diagnostics = [...(await withJudge(own, sources)), ...crossed];
    const isValid = !diagnostics.some(isError);
    if (flags.json) {
      const document = validateJson(diagnostics, (file) => sources.get(file)?.text);
      this.print(jsonText(document, this.terminal.call));
    } else {
      this.report(diagnostics);
      if (isValid)
        this.print(`${paint(this.terminal.color.stdout).green('Success!')} The configuration is valid.`);
    }
    return isValid ? exitCode.done : exitCode.error;
  }
}
