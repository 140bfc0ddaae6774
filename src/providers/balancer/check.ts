/** Whether a balancer will do what a run asks of it: it answers, decides by its routes, knows its pools, can be written. */
import type { Check, Diagnostic } from '../../model/index.ts';
import { audienceToken, describeAudienceRule, findingOf } from '../../model/index.ts';
import type { BalancerDriver } from './driver.ts';
import { asDiagnostic } from './failure.ts';
import { memberState } from './member.ts';
import { type BalancerParts, whyUnknown } from './parts.ts';
import type { HostReading } from './reading.ts';

/** Each of its hosts by itself, all side by side. Changes nothing. */
export async function checkBalancer(parts: BalancerParts, signal: AbortSignal): Promise<readonly Check[]> {
  const checks = await Promise.all(parts.declared.hosts.map((host) => checkHost(parts, host, signal)));
  return checks.flat();
}

async function checkHost(parts: BalancerParts, host: string, signal: AbortSignal): Promise<readonly Check[]> {
  const { declared, driver } = parts;
  const check = (title: string, finding: Check['finding']): Check => ({
    title,
    address: declared.address,
    name: declared.hosts.length === 1 ? declared.name : `${declared.name} on ${host}`,
    finding,
  });
  let reading: HostReading;
  try {
    reading = await driver.read(host, signal);
  } catch (error) {
    const because = `${declared.name} on ${host} could not be read`;
    return [
      check('balancer', { at: 'wrong', why: [whyUnknown(error, declared)] }),
      ...['rules', 'pools', 'balancer files'].map((title) => check(title, { at: 'not_checked', because })),
    ];
  }
  const [serving, ...retiring] = reading.workers;
  const old = retiring.length === 0 ? '' : `, ${retiring.length} that finish old connections`;
  const [rules, files] = await Promise.all([
    complaintsOf(parts, askRules(driver, parts, host, signal)),
    complaintsOf(parts, driver.check?.(host, signal) ?? Promise.resolve([])),
  ]);
  return [
    check('balancer', { at: 'good', seen: `answers (${serving.name}${old})` }),
    check(
      'rules',
      findingOf(`decide by ${declared.routes.length} of ${declared.routes.length} routes`, rules),
    ),
    check(
      'pools',
      findingOf('all members known', parts.traits.writesPools ? [] : missingMembers(parts, reading)),
    ),
    ...(driver.check === undefined ? [] : [check('balancer files', findingOf('can be replaced', files))]),
  ];
}

async function complaintsOf(
  { declared }: BalancerParts,
  asked: Promise<readonly Diagnostic[]>,
): Promise<readonly Diagnostic[]> {
  try {
    return await asked;
  } catch (error) {
    return [whyUnknown(error, declared)];
  }
}

/** One request for each route, as a switch would verify it; and whether its rules know every audience. */
async function askRules(
  driver: BalancerDriver,
  { declared }: BalancerParts,
  host: string,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const unknown: Diagnostic[] = [];
  for (const { route, audience: wanted = [] } of declared.routes) {
    const { audience } = await driver.sample(host, { route, count: 1 }, signal);
    const missing = wanted.filter((rule) => !audience.has(audienceToken(rule)));
    if (missing.length === 0) continue;
    unknown.push(
      asDiagnostic({
        code: 'balancer-audience-unknown',
        summary: "The load balancer's rules do not know an audience",
        detail: `For the route ${JSON.stringify(route)}, the configuration on ${host} does not decide by ${missing.map(describeAudienceRule).join(' or ')}, which a step of the canary names.`,
        hint: `Replace its part by what this prints, and reload it:  deployctl snippet ENV ${declared.address}`,
        address: declared.address,
      }),
    );
  }
  return unknown;
}

function missingMembers({ declared }: BalancerParts, reading: HostReading): readonly Diagnostic[] {
  return declared.pools.flatMap((pool) => {
    const missing = pool.members.filter(({ name }) => memberState(pool.name, name, [reading]) === undefined);
    if (missing.length === 0) return [];
    return [
      asDiagnostic({
        code: 'member-missing',
        summary: 'The load balancer does not know the pool or a member of it',
        detail: `${declared.address} on ${reading.host} has no ${missing.map(({ name }) => name).join(', ')} in its pool ${pool.name}, which ${pool.service} needs.`,
        hint: `Add what this prints to its configuration, and reload it:\n    deployctl snippet ENV ${declared.address}`,
        address: declared.address,
      }),
    ];
  });
}
