/** The argument that every balancer has which is asked by a probe. */
import type { BalancerDeclared } from '../../../model/index.ts';
import type { SettingSchema } from '../../registry-entry.ts';

export interface LoopbackPort {
  readonly address: string;
  readonly port: number;
}

const defaultProbe = '127.0.0.1:7790';

export const probeSetting: SettingSchema = {
  name: 'probe_address',
  type: 'string',
  required: false,
  default: defaultProbe,
  description:
    'Where, seen from its hosts, the snippet answers where a request would go. Each balancer of a host needs one of its own.',
};

/** undefined: it is no `ADDRESS:PORT` of the host itself. */
export function parseLoopback(text: string): LoopbackPort | undefined {
  const [, address, port] = /^(127(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text) ?? [];
  return address === undefined || Number(port) < 1 || Number(port) > 65_535
    ? undefined
    : { address, port: Number(port) };
}

/** Reads the setting, which `checkProbed` has checked. */
export const readProbeAddress = ({ settings }: Pick<BalancerDeclared, 'settings'>): LoopbackPort =>
  parseLoopback(String(settings.probe_address ?? defaultProbe)) ?? { address: '127.0.0.1', port: 7790 };
