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
];

export const controlSocketOf = ({ settings }: Pick<BalancerDeclared, 'settings'>): string =>
  String(settings.control_socket ?? '');
