import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { defaultNetwork, type LabPlace } from '../../lab/layout.ts';

/** The lab of the project in hand: one for each folder that deployctl is run in. */
export const labFolder = (): string => resolve('.deployctl/lab');

export const networkFlag = Flags.string({
  description: 'The loopback addresses to use: labs side by side need different ones.',
  helpValue: '127.X.Y',
  env: 'DEPLOYCTL_VAR_network', // as environments/lab gets it
  default: defaultNetwork,
});

export const labPlace = (network: string): LabPlace => ({ folder: labFolder(), network });
