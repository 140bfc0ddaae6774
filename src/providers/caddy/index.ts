/** `load_balancer "caddy"`: routes in flags that Caddy reads for each request, never its configuration. */
import { flagsKind } from '../balancer/flags/kind.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { renderSnippet } from './snippet.ts';

export const caddy: BalancerKind = flagsKind({
  name: 'caddy',
  program: 'Caddy',
  description: 'Caddy, switched by flags that it reads for each request: its configuration stays as it is.',
  snippet: renderSnippet,
});
