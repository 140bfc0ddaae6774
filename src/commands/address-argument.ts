/** Commands on one recorded address: `state show`, `state rm`, `state import`. */
import * as Args from '@oclif/core/args';
import { environmentAndThing } from './optional-environment.ts';

export const addressArguments = {
  environment: Args.string({
    description: 'The environment; or the address, where there is only one environment.',
  }),
  address: Args.string({
    description: 'As `state list` prints it, or the beginning of several: service.shop.',
  }),
};

export function addressOf(
  args: { readonly environment: string | undefined; readonly address: string | undefined },
  command: string,
): { readonly environment: string | undefined; readonly address: string } {
  const missing = { command, what: 'an address', hint: 'See which are recorded:  deployctl state list ENV' };
  const { environment, thing } = environmentAndThing(args.environment, args.address, missing);
  return { environment, address: thing };
}
