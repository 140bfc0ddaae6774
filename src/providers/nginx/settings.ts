/** The arguments of `load_balancer "nginx"`. */
import type { BalancerDeclared } from '../../model/index.ts';
import type { SettingSchema } from '../registry-entry.ts';

export const includeSetting: SettingSchema = {
  name: 'include_file',
  type: 'path',
  required: false,
  description:
    'Instead of flags_dir, where flags are refused: the file, on its hosts, that nginx includes and that each switch replaces, with a reload. It must exist; it may be empty.',
};

export const pidSetting: SettingSchema = {
  name: 'pid_file',
  type: 'path',
  required: false,
  description:
    'With include_file, and with `resolves`: where the master process of nginx writes its number. Default: `/run/nginx.pid`.',
};

export interface IncludeSettings {
  readonly includeFile: string;
  readonly pidFile: string;
}

/** Reads the settings, which the configuration has checked. */
export const readIncludeSettings = ({ name, settings }: BalancerDeclared): IncludeSettings => ({
  includeFile: String(settings.include_file ?? `/etc/nginx/deployctl/${name}.map`),
  pidFile: String(settings.pid_file ?? '/run/nginx.pid'),
});
