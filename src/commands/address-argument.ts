/** Commands on one recorded address: `state show`, `state rm`, `state import`. */
import * as Args from '@oclif/core/args';
import type { Diagnostic } from '../model/index.ts';
import { CommandFailure } from './base.ts';

export const addressArguments = {
  environment: Args.string({
    description: 'The environment; or the address, where there is only one environment.',
  }),
  address: Args.string({
    description: 'As `state list` prints it, or the beginning of several: service.shop.',
  }),
};

/** With a single environment its name may be left out: one word alone is the address. Throws where there is none. */
export function addressOf(
  args: { readonly environment: string | undefined; readonly address: string | undefined },
  command: string,
): { readonly environment: string | undefined; readonly address: string } {
  if (args.address !== undefined) return { environment: args.environment, address: args.address };
  if (args.environment !== undefined) return { environment: undefined, address: args.environment };
  throw new CommandFailure([addressMissing(command)]);
}

const addressMissing = (command: string): Diagnostic => ({
  code: 'missing-argument',
  severity: 'error',
  summary: 'An argument is missing',
  detail: `"deployctl ${command}" needs an address.`,
  hint: 'See which are recorded:  deployctl state list',
});
