/** `load_balancer "nginx"`: routes in flags that nginx reads for each request, never its configuration. */
import { flagsKind } from '../balancer/flags/kind.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { renderSnippet } from './snippet.ts';

export const nginx: BalancerKind = flagsKind({
  name: 'nginx',
  program: 'nginx',
  description: 'nginx, switched by flags that it reads for each request: no reload in a switch.',
  snippet: renderSnippet,
});
