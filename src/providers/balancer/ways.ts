/**
 * Makes a kind of load balancer that can be switched in more than one way: each way has an argument that only it has,
 * and a block says which way it is by giving that one.
 */
import type { BalancerDeclared, Diagnostic } from '../../model/index.ts';
import type { BalancerKind, SettingSchema } from '../registry-entry.ts';
import { asDiagnostic } from './failure.ts';

/** One way to switch it. Its first setting is the one that chooses it. */
export interface Way extends Pick<BalancerKind, 'traits' | 'check' | 'open' | 'snippet'> {
  readonly settings: readonly [SettingSchema, ...SettingSchema[]];
}

/** It finds the servers of its pools by DNS records, and has no routes. No setting chooses it: what is declared does. */
export type NameWay = Pick<BalancerKind, 'traits' | 'check' | 'open' | 'snippet'>;

export interface WaysOfOne {
  readonly name: string;
  readonly description: string;
  /** The first is the one that is advised. */
  readonly ways: readonly [Way, ...Way[]];
  /** Arguments that all ways have. */
  readonly common: readonly SettingSchema[];
  /** undefined: it cannot be seen to follow a name. */
  readonly byName?: NameWay;
}

export function kindWithWays({ name, description, ways, common, byName }: WaysOfOne): BalancerKind {
  const chosen = ({ settings }: BalancerDeclared): readonly Way[] =>
    ways.filter((way) => settings[way.settings[0].name] !== undefined);
  const onlyFollows = ({ routes, resolved = [] }: BalancerDeclared): boolean =>
    resolved.length > 0 && routes.length === 0;
  const wayOf = (balancer: BalancerDeclared): NameWay =>
    byName !== undefined && onlyFollows(balancer) ? byName : (chosen(balancer)[0] ?? ways[0]);
  const choices = ways.map((way) => way.settings[0].name);

  const described = (choice: SettingSchema): SettingSchema => {
    const others = choices.filter((each) => each !== choice.name);
    const unless =
      others.length === 0 ? '' : `, unless ${others.map((each) => `\`${each}\``).join(' or ')} is given`;
    const orFollows =
      byName === undefined
        ? ''
        : `${unless === '' ? ', unless' : ', or'} it only follows names (\`resolves\`)`;
    return { ...choice, description: `${choice.description} Required${unless}${orFollows}.` };
  };

  function checkChoice(balancer: BalancerDeclared): readonly Diagnostic[] {
    const { address, origin, settings, routes, resolved = [] } = balancer;
    if (byName !== undefined && onlyFollows(balancer)) return [];
    const [first, second] = chosen(balancer);
    if (first === undefined) {
      const [advised] = ways[0].settings;
      return [
        {
          ...asDiagnostic({
            code: 'missing-argument',
            summary: 'Missing required argument',
            detail: `${address} says nothing of how ${name} is switched: one of ${choices.map((each) => `"${each}"`).join(' and ')} is required.`,
            hint: `${advised.name}: ${advised.description.charAt(0).toLowerCase()}${advised.description.slice(1)}`,
            address,
          }),
          subject: origin,
        },
      ];
    }
    if (byName !== undefined && resolved.length > 0) {
      return [
        {
          ...asDiagnostic({
            code: 'argument-conflict',
            summary: 'Routes and names of one load balancer',
            detail: `${address} is switched by ${first.settings[0].name} for ${routes.map(({ route }) => route).join(', ')}, and is to follow names for ${resolved.map((pool) => pool.name).join(', ')}: one block of ${name} does one of the two.`,
            hint: 'Declare another load_balancer block for the names, on the same hosts, with a probe_address of its own.',
            address,
          }),
          subject: origin,
        },
      ];
    }
    const foreign = ways
      .filter((way) => way !== first)
      .flatMap((way) => way.settings)
      .filter(
        (setting) =>
          settings[setting.name] !== undefined && !first.settings.some((own) => own.name === setting.name),
      );
    return foreign.map((setting) => ({
      ...asDiagnostic({
        code: 'argument-conflict',
        summary: 'Two arguments that exclude each other',
        detail: `${address} is switched by ${first.settings[0].name}, and "${setting.name}" belongs to another way${second === undefined ? '' : `: ${name} can be switched in one way only`}.`,
        hint: `Remove one of them.`,
        address,
      }),
      subject: origin,
    }));
  }

  return {
    name,
    description,
    resolvesNames: byName !== undefined,
    settings: [...ways.flatMap(({ settings: [choice, ...rest] }) => [described(choice), ...rest]), ...common],
    traits: (balancer) => wayOf(balancer).traits(balancer),
    check: (balancer) => [...checkChoice(balancer), ...wayOf(balancer).check(balancer)],
    open: (balancer, channels, now) => wayOf(balancer).open(balancer, channels, now),
    renderConfig: () => undefined,
    snippet: (balancer, options) => wayOf(balancer).snippet(balancer, options),
  };
}
