/** The arguments of `load_balancer "haproxy"`. */
import { posix } from 'node:path';
import type { BalancerDeclared } from '../../model/index.ts';
import type { SettingSchema } from '../registry-entry.ts';

export interface HaproxySettings {
  readonly masterSocket: string;
  readonly mapFile: string;
  readonly configFile: string | undefined;
  readonly probeSocket: string;
  readonly serverStateFile: string | undefined;
}

export const haproxySettings: readonly SettingSchema[] = [
  {
    name: 'master_socket',
    type: 'path',
    required: false,
    default: '/run/haproxy-master.sock',
    description:
      "HAProxy's master socket (`-S`). Every worker is told through it, also those that are retiring.",
  },
  {
    name: 'map_file',
    type: 'path',
    required: true,
    description: 'The map that holds one line for each route; HAProxy reads it at its start. It must exist.',
  },
  {
    name: 'config_file',
    type: 'path',
    required: false,
    description:
      'A configuration file (one of its `-f`) into which deployctl writes the pools of its services.',
  },
  {
    name: 'probe_socket',
    type: 'path',
    required: false,
    description:
      'The unix socket on which the snippet answers where a request would go. Default: `<name>.probe.sock` beside map_file.',
  },
  {
    name: 'server_state_file',
    type: 'path',
    required: false,
    description:
      "HAProxy's `server-state-file`: members that are out of service are kept in it, so that a reload does not bring them back.",
  },
];

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Reads the settings, which the configuration has checked against the schema above; a default for each that is left out. */
export function readSettings({
  name,
  settings,
}: Pick<BalancerDeclared, 'name' | 'settings'>): HaproxySettings {
  const mapFile = text(settings.map_file) ?? `/etc/haproxy/deployctl/${name}.map`;
  return {
    masterSocket: text(settings.master_socket) ?? '/run/haproxy-master.sock',
    mapFile,
    configFile: text(settings.config_file),
    probeSocket: text(settings.probe_socket) ?? posix.join(posix.dirname(mapFile), `${name}.probe.sock`),
    serverStateFile: text(settings.server_state_file),
  };
}
