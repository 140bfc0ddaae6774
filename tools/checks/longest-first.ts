/**
 * The order of test files: the longest first, so that none of them is begun when all the others are done. Vitest's own order
 * is by what it has measured before, and by size on a clone that is new.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { project } from '../build/project.ts';

/** Seconds on two cores, roughly; only the order matters. What is not named takes less. */
const seconds: Readonly<Record<string, number>> = {
  'e2e/fleet': 300,
  'e2e/crash': 200,
  'crash/engine': 80,
  'contract/host-systemd': 75,
  'e2e/rolling': 69,
  'contract/balancer-nginx-include': 67,
  'e2e/fleet-hosts': 66,
  'e2e/fleet-names': 60,
  'contract/host': 64,
  'e2e/failures-in-place': 56,
  'e2e/failures-health': 56,
  'e2e/flags': 55,
  'e2e/java-team': 53,
  'e2e/dns': 52,
  'simulation/plans': 51,
  'contract/balancer-caddy-api': 50,
  'e2e/failures-route': 48,
  'e2e/progressive': 47,
  'e2e/canary-kill': 46,
  'contract/balancer-haproxy-own': 46,
  'contract/balancer-apache': 45,
  'contract/balancer-caddy': 44,
  'contract/balancer-haproxy': 44,
  'e2e/failures-process': 44,
  'e2e/steering': 44,
  'e2e/canary': 42,
  'e2e/failures-lock': 38,
  'contract/host-transport': 36,
  'simulation/engine': 35,
  'contract/balancer-nginx': 34,
  'crash/dns': 32,
  'contract/host-hooks': 31,
  'contract/balancer-lab': 29,
  'e2e/told': 29,
  'contract/host-hostile': 26,
  'e2e/failures-reach': 25,
  'e2e/failures-secrets': 24,
  'e2e/record': 23,
  'crash/state': 20,
  'e2e/failures-config-file': 20,
  'unit/transport/quote': 40,
  'unit/hcl-syntax/hostile': 22,
  'unit/planner/properties': 13,
  'unit/commands/mistakes': 9,
};
const otherwise = 10;
const otherwiseInUnit = 1;

export class LongestFirst extends BaseSequencer {
  /** What shares its processes comes last and together, or a process would be ended and another begun in between. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const places = new Map(files.map((file) => [file, placeOf(file)]));
    const place = (file: TestSpecification) => places.get(file) ?? { shares: false, seconds: 0 };
    return files.toSorted(
      (one, other) =>
        Number(place(one).shares) - Number(place(other).shares) || place(other).seconds - place(one).seconds,
    );
  }
}

function placeOf(file: TestSpecification) {
  const name = relative(`${project.root}/test`, file.moduleId).replace(/\.test\.tsx?$/, '');
  const shares = !file.project.config.isolate;
  return { shares, seconds: seconds[name] ?? (shares ? otherwiseInUnit : otherwise) };
}
