/** Reports of `status`, for tests of what people and programs see. */
import {
  asAddress,
  asInstant,
  type InstanceStatus,
  type ServiceStatus,
  type SlotStatus,
  type StatusReport,
} from '../../src/model/index.ts';
import { planned } from './sample-plans.ts';

const minutesAgo = (minutes: number) => asInstant(planned - minutes * 60_000);

export const instances = (
  count: number,
  release: string,
  parts: Partial<InstanceStatus> = {},
): readonly InstanceStatus[] =>
  Array.from({ length: count }, (_, at) => ({
    host: `web-${at + 1}`,
    release,
    process: 'running',
    health: 'healthy',
    why: undefined,
    ...parts,
  }));

const slot = (
  name: string,
  release: string,
  share: number | undefined,
  hosts = instances(3, release),
): SlotStatus => ({
  name,
  release,
  share,
  hosts,
});

const service = (name: string, release: string, slots: readonly SlotStatus[]): ServiceStatus => ({
  address: asAddress(`service.${name}`),
  name,
  release,
  sync: 'in_sync',
  health: 'healthy',
  slots,
  active: slots[0]?.name,
});

export const shop = service('shop', '2.0.0', [slot('green', '2.0.0', 100), slot('blue', '1.0.0', 0)]);
export const api = service('api', '4.1.0', [slot('single', '4.1.0', undefined, instances(6, '4.1.0'))]);

const fiveOfSearch = instances(5, '1.9.2').with(4, {
  host: 'web-7',
  release: undefined,
  process: 'unknown',
  health: 'unknown',
  why: 'is unreachable since 13:58 (connect timeout)',
});
export const search: ServiceStatus = {
  ...service('search', '1.9.2', [slot('blue', '1.9.2', 100, fiveOfSearch)]),
  health: 'degraded',
};

export const statusWith = (
  services: readonly ServiceStatus[],
  parts: Partial<StatusReport> = {},
): StatusReport => ({
  environment: 'prod',
  at: planned,
  run: undefined,
  deployment: { number: 42, at: minutesAgo(3), who: 'kim' },
  services,
  notes: [],
  ...parts,
});

export const stoppedRun: NonNullable<StatusReport['run']> = {
  run: 43,
  startedAt: minutesAgo(12),
  actor: { who: 'lee@laptop', pid: 4711, command: 'deployctl apply prod' },
  outcome: undefined,
  isAlive: false,
  stepsDone: 5,
  stepsTotal: 18,
};
