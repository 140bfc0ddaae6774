/**
 * The order of test files: the longest first, so that none of them is begun when all the others are done. Vitest's own order
 * is by what it has measured before, and by size on a clone that is new.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { project } from '../build/project.ts';

/** Seconds beside others on two cores, roughly; only the order matters. What is not named takes less. */
const seconds: Readonly<Record<string, number>> = {
  'e2e/crash': 450,
  'e2e/fleet': 380,
  'contract/host-systemd': 190,
  'simulation/plans': 160,
  'e2e/rolling': 140,
  'crash/engine': 120,
  'contract/balancer-nginx-include': 110,
  'contract/balancer-haproxy-own': 94,
  'e2e/dns': 93,
  'e2e/flags': 91,
  'e2e/failures-health': 90,
  'contract/host': 89,
  'contract/balancer-caddy': 89,
  'contract/balancer-apache': 86,
  'contract/balancer-haproxy': 81,
  'e2e/progressive': 73,
  'simulation/engine': 70,
  'contract/balancer-nginx': 69,
  'e2e/canary-kill': 65,
  'e2e/java-team': 64,
  'e2e/fleet-hosts': 62,
  'e2e/steering': 62,
  'e2e/failures-process': 62,
  'contract/balancer-caddy-api': 61,
  'e2e/fleet-names': 60,
  'e2e/failures-in-place': 60,
  'contract/host-transport': 56,
  'e2e/failures-route': 51,
  'e2e/failures-lock': 48,
  'crash/dns': 44,
  'e2e/canary': 37,
  'contract/host-hooks': 34,
  'e2e/failures-selection': 33,
  'fuzz/hcl': 32,
  'contract/balancer-bearing': 32,
  'e2e/failures-launcher': 31,
  'contract/balancer-lab': 30,
  'e2e/failures-hooks': 30,
  'contract/host-hostile': 27,
  'e2e/failures-secrets': 25,
  'e2e/told': 24,
  'e2e/canary-verdict': 23,
  'e2e/failures-config-file': 23,
  'e2e/first-light': 22,
  'e2e/failures-reach': 21,
  'e2e/failures-disk': 21,
  'simulation/planted': 21,
  'contract/balancer-nginx-names': 20,
  'e2e/lab': 20,
  'e2e/failures-artifact': 20,
  'contract/host-releases': 18,
  'e2e/record': 15,
  'e2e/dns-type': 15,
  'crash/state': 14,
  'unit/transport/quote': 65,
  'unit/hcl-syntax/hostile': 49,
  'unit/planner/properties': 23,
  'unit/commands/dispatch': 19,
  'unit/hcl-eval/fuzz': 15,
  'unit/analysis/judge': 12,
  'unit/hcl-eval/limits': 11,
  'unit/tools/boundaries': 11,
  'unit/engine/gates': 10,
  'unit/tools/setup': 6,
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
