/** The argument that every balancer with flags has. */
import type { BalancerDeclared } from '../../../model/index.ts';
import type { SettingSchema } from '../../registry-entry.ts';

export const flagsSetting: SettingSchema = {
  name: 'flags_dir',
  type: 'path',
  required: false,
  description: 'The folder, on its hosts, of the flags that are read for each request. It must exist.',
};

/** Reads the setting, which the configuration has checked. */
export const readFlagsDir = ({ name, settings }: Pick<BalancerDeclared, 'name' | 'settings'>): string =>
  String(settings.flags_dir ?? `/etc/deployctl/${name}`).replace(/(?<=.)\/+$/, '');
