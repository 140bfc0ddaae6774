/** A saved plan is stale only if a fact that it rests on has changed; the error names that fact. */
import { type Diagnostic, type Fact, type Observation, type Plan, sameValue } from '../model/index.ts';
import { recordText } from '../strategies/changes.ts';
import { World } from './situate.ts';

/**
 * Compares the facts of a plan with the world as it is now. What changes by itself (free space, sessions, a check that
 * passes now and not then) does not count.
 */
export function findStaleFacts(plan: Plan, now: readonly Observation[]): readonly Diagnostic[] {
  const world = new World({ observations: now, notes: [] });
  return plan.facts.flatMap((fact) => {
    const today = world.at(fact.kind, fact.address);
    if (today.status === 'unknown') return [today.why];
    if (sameValue(lasting(fact), lasting(today))) return [];
    return [
      {
        code: 'plan-stale',
        severity: 'error',
        summary: 'The saved plan no longer fits the world',
        detail: `${fact.address} was ${inWords(fact)} when the plan was made (${clockTime(fact)}), and is ${inWords(today)} now.`,
        address: fact.address,
      } satisfies Diagnostic,
    ];
  });
}

/** The part of an observation that only somebody's doing changes. */
export function lasting(observation: Observation): unknown {
  if (observation.status !== 'present') return observation.status;
  switch (observation.kind) {
    case 'instance': {
      const { linked, running, tampered } = observation.spec;
      return { linked, running, tampered };
    }
    case 'inventory':
      return observation.spec.releases.map((release) => release.directory).toSorted();
    case 'route':
      return observation.spec;
    case 'member':
      return observation.spec.admin;
    case 'balancer_config':
      return observation.spec;
    case 'record': {
      const { rrset, besides, instead, delegation } = observation.spec;
      return { rrset, besides, instead, delegation };
    }
    // It follows the record, which is a fact of its own, by itself.
    case 'resolution':
      return observation.status;
  }
}

function inWords(observation: Observation): string {
  if (observation.status !== 'present') return observation.status;
  switch (observation.kind) {
    case 'instance': {
      const { linked, running, tampered } = observation.spec;
      const process = running === null ? 'not running' : `running ${running.release}`;
      return `${linked ?? 'not installed'}, ${process}${tampered === null ? '' : `, with ${tampered.path} changed`}`;
    }
    case 'inventory':
      return `${observation.spec.releases.length} releases (${observation.spec.releases.map((each) => each.directory).join(', ')})`;
    case 'route': {
      const { runtime, persisted, disagreeing } = observation.spec;
      const main = runtime?.stable ?? 'not routed';
      const kept = sameValue(runtime, persisted)
        ? ''
        : ` (${persisted?.stable ?? 'nothing'} after a restart)`;
      return `${main}${kept}${disagreeing.length > 0 ? ', with workers that disagree' : ''}`;
    }
    case 'member':
      return observation.spec.admin;
    case 'record': {
      const { rrset, besides, instead = [] } = observation.spec;
      const standing = instead.map((each) => `${each.type} ${recordText(each.rrset)}`);
      const types = besides.filter((type) => !instead.some((each) => each.type === type));
      const others = [...standing, ...types].join(', ');
      return `${recordText(rrset)}${others === '' ? '' : `, with ${others} at the same name`}`;
    }
    case 'resolution':
      return observation.spec.endpoints.join(' ');
    case 'balancer_config':
      return observation.spec.loaded ? 'another text' : 'another text, which is not loaded';
  }
}

const clockTime = (fact: Fact): string =>
  fact.status === 'unknown' ? 'not seen' : `${isoSeconds(fact.at)} UTC`;

/** `14:01:07` of an instant, without the calendar: pure arithmetic. */
function isoSeconds(ms: number): string {
  const seconds = Math.floor(ms / 1000) % 86_400;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
