/** The arguments that every balancer with flags has. */
import type { BalancerDeclared } from '../../../model/index.ts';
import type { SettingSchema } from '../../registry-entry.ts';

export interface FlagSettings {
  readonly flagsDir: string;
  readonly probeAddress: string;
  readonly probePort: number;
}

const defaultProbe = '127.0.0.1:7790';

export const flagSettings: readonly SettingSchema[] = [
  {
    name: 'flags_dir',
    type: 'path',
    required: true,
    description: 'The folder, on its hosts, of the flags that are read for each request. It must exist.',
  },
  {
    name: 'probe_address',
    type: 'string',
    required: false,
    default: defaultProbe,
    description:
      'Where, seen from its hosts, the snippet answers where a request would go. Each balancer of a host needs one of its own.',
  },
];

/** undefined: it is no `ADDRESS:PORT` of the host itself. */
export function parseProbeAddress(
  text: string,
): { readonly address: string; readonly port: number } | undefined {
  const [, address, port] = /^(127(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text) ?? [];
  return address === undefined || Number(port) < 1 || Number(port) > 65_535
    ? undefined
    : { address, port: Number(port) };
}

/** Reads the settings, which the configuration has checked against the schema above. */
export function readFlagSettings({
  name,
  settings,
}: Pick<BalancerDeclared, 'name' | 'settings'>): FlagSettings {
  const place = parseProbeAddress(String(settings.probe_address ?? defaultProbe));
  return {
    flagsDir: String(settings.flags_dir ?? `/etc/deployctl/${name}`).replace(/(?<=.)\/+$/, ''),
    probeAddress: place?.address ?? '127.0.0.1',
    probePort: place?.port ?? 7790,
  };
}
