/** `load_balancer "caddy"`: routes in flags that Caddy reads for each request, or told to its admin API. */
import { flagsWay } from '../balancer/flags/way.ts';
import { probeSetting } from '../balancer/probed/settings.ts';
import { kindWithWays } from '../balancer/ways.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { apiWay } from './api-way.ts';
import { renderFlagsSnippet } from './flags-snippet.ts';

export const caddy: BalancerKind = kindWithWays({
  name: 'caddy',
  description:
    'Caddy, switched by flags that it reads for each request: its configuration stays as it is. With `admin_address` by its admin API, which costs clients something.',
  ways: [flagsWay('Caddy', renderFlagsSnippet), apiWay],
  common: [probeSetting],
});
