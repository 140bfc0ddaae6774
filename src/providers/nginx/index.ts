/**
 * `load_balancer "nginx"`: routes in flags that nginx reads for each request, or in a file that it includes and reloads; or
 * no routes at all, where it follows names.
 */
import { flagsWay } from '../balancer/flags/way.ts';
import { probeSetting } from '../balancer/probed/settings.ts';
import { kindWithWays } from '../balancer/ways.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { renderFlagsSnippet } from './by-flags.ts';
import { includeWay } from './include-way.ts';
import { nameWay } from './name-way.ts';

export const nginx: BalancerKind = kindWithWays({
  name: 'nginx',
  description:
    'nginx, switched by flags that it reads for each request: no reload in a switch. With `include_file` by a reload, which costs clients something.',
  ways: [flagsWay('nginx', renderFlagsSnippet), includeWay],
  common: [probeSetting],
  byName: nameWay,
});
