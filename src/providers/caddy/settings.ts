/** The arguments of `load_balancer "caddy"`. */
import type { BalancerDeclared } from '../../model/index.ts';
import { type LoopbackPort, parseLoopback } from '../balancer/probed/settings.ts';
import type { SettingSchema } from '../registry-entry.ts';

export const adminSetting: SettingSchema = {
  name: 'admin_address',
  type: 'string',
  required: false,
  description:
    "Instead of flags_dir, where flags are refused: Caddy's admin API, seen from its hosts, which is told at each switch. Debian's is `127.0.0.1:2019`.",
};

export const configFileSetting: SettingSchema = {
  name: 'config_file',
  type: 'path',
  required: false,
  description:
    'With admin_address: the JSON file that Caddy is started with (`caddy run --config`, or its own `autosave.json` with `--resume`). What the API is told is kept in it, so that a restart brings the same.',
};

export interface ApiSettings {
  readonly admin: LoopbackPort;
  readonly configFile: string;
}

/** Reads the settings, which the configuration has checked. */
export const readApiSettings = ({ settings }: BalancerDeclared): ApiSettings => ({
  admin: parseLoopback(String(settings.admin_address)) ?? { address: '127.0.0.1', port: 2019 },
  configFile: String(settings.config_file),
});

/** What marks the object in Caddy's configuration that holds the routes (`@id`). */
export const routesId = ({ name }: Pick<BalancerDeclared, 'name'>): string =>
  `deployctl_${name.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
