/** The arguments of `load_balancer "lab"`. */
import type { BalancerDeclared } from '../../model/index.ts';
import type { SettingSchema } from '../registry-entry.ts';

export const labSettings: readonly SettingSchema[] = [
  {
    name: 'control_socket',
    type: 'path',
    required: true,
    description: "The unix socket of the lab's balancer, as `deployctl lab up` prints it.",
  },
  {
    name: 'config_file',
    type: 'path',
    required: false,
    description:
      'A file into which deployctl writes the pools of its services, and which the balancer keeps to from then on. Without it there are only the pools of environments/lab: `shop_blue` and `shop_green`.',
  },
];

/** undefined: deployctl writes no pools. */
export const configFileOf = ({ settings }: Pick<BalancerDeclared, 'settings'>): string | undefined =>
  typeof settings.config_file === 'string' ? settings.config_file : undefined;

export const controlSocketOf = ({ settings }: Pick<BalancerDeclared, 'settings'>): string =>
  String(settings.control_socket ?? '');
