/** `load_balancer "caddy"`: routes in flags that Caddy reads for each request, never its configuration. */
import { flagsWay } from '../balancer/flags/way.ts';
import { probeSetting } from '../balancer/probed/settings.ts';
import { kindWithWays } from '../balancer/ways.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { renderSnippet } from './snippet.ts';

export const caddy: BalancerKind = kindWithWays({
  name: 'caddy',
  description: 'Caddy, switched by flags that it reads for each request: its configuration stays as it is.',
  ways: [flagsWay('Caddy', renderSnippet)],
  common: [probeSetting],
});
