/** The configuration file that deployctl writes, over all hosts of a balancer. */
import type { BalancerConfigState, Operation, Standing } from '../../model/index.ts';
import { type BalancerParts, readAll } from './parts.ts';
import type { ConfigReading, HostReading } from './reading.ts';

type Configure = Extract<Operation, { op: 'balancer.configure' }>;

export interface HostConfig {
  readonly host: string;
  readonly config: ConfigReading;
}

export const readConfigs = (
  { declared, driver }: BalancerParts,
  hosts: readonly HostReading[],
  signal: AbortSignal,
): Promise<readonly HostConfig[]> =>
  Promise.all(
    declared.hosts.map(async (host, index) => {
      const reading = hosts[index] ?? (await driver.read(host, signal));
      return { host, config: await driver.readConfig(host, reading, signal) };
    }),
  );

/**
 * What the hosts come to: the first whose text is not the wanted one, so that a host that was left behind is seen;
 * loaded only where all have loaded what they hold. undefined: no file there.
 */
export function mergeConfigs(
  wanted: string | undefined,
  configs: readonly HostConfig[],
): BalancerConfigState | undefined {
  const chosen = configs.find(({ config }) => config?.text !== wanted) ?? configs[0];
  if (chosen?.config === undefined) return undefined;
  return { text: chosen.config.text, loaded: configs.every(({ config }) => config?.loaded !== false) };
}

/** Looked at afresh. */
export async function configState(
  parts: BalancerParts,
  signal: AbortSignal,
): Promise<BalancerConfigState | undefined> {
  const configs = await readConfigs(parts, await readAll(parts, signal), signal);
  return mergeConfigs(parts.renderConfig(parts.declared), configs);
}

/** Where the world stands on writing the file: a text that is there but not loaded is still `before`. */
export function configStanding(operation: Configure, configs: readonly HostConfig[]): Standing {
  const foreign = configs.filter(({ config }) => {
    const text = config?.text ?? null;
    return text !== operation.from && text !== operation.to;
  });
  if (foreign.length > 0) {
    return {
      at: 'elsewhere',
      seen: `holds a text on ${foreign.map(({ host }) => host).join(', ')} that is neither the planned one nor the one that the plan saw`,
    };
  }
  const isAfter = configs.every(
    ({ config }) => (config?.text ?? null) === operation.to && config?.loaded !== false,
  );
  return { at: isAfter ? 'after' : 'before' };
}
